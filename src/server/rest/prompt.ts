import type { TurnEvent } from '../../agents/types.ts'
import { collect, endedEarly } from '../../engine/collect.ts'
import type { Engine, Turn, TurnRequest } from '../../engine/types.ts'
import { type ClinvkError, toClinvkError } from '../../errors.ts'
import type { RunRecord } from '../../sessions/run-types.ts'
import { callerOf } from '../chat/caller.ts'
import { BEGIN_GRACE_MS, peek } from '../peek.ts'
import { requestId } from '../request-id.ts'
import { encodeSse, encodeSseComment } from '../sse.ts'
import { toByteStream } from '../stream.ts'
import { answerForm } from './answer-form.ts'
import { fromPromptRequest } from './from-request.ts'
import { idempotencyOf } from './runs/idempotency.ts'
import { toRun } from './runs/to-response.ts'
import { aboutTurn, toTurn, withClock } from './runs/turn.ts'
import type { DryRunResponse, PromptRequest, StreamEvent } from './schema.ts'
import { createEventWriter, type EventOptions, type EventWriter } from './to-events.ts'
import { toPromptResponse } from './to-response.ts'

/** What serving prompts needs. Times in ms; 0: never. */
export interface PromptOptions {
  readonly engine: Engine
  /** What the configuration says for requests that don't. */
  readonly defaults: { readonly verbose: boolean; readonly dryRun: boolean }
  readonly heartbeatMs: number
  readonly writeTimeoutMs: number
  /** Aborted, with an error as its reason, when the server stops. */
  readonly shutdown: AbortSignal
  /** Called when a streamed answer is complete. */
  readonly onStreamEnd: (request: Request) => void
  /** Told of what fails after the first byte; what fails before is thrown. */
  readonly onFailure: (error: ClinvkError, request: Request) => void
}

/**
 * Serves one prompt in the form that it asks for. The turn is cancelled when the client leaves or the server
 * stops.
 *
 * @throws ClinvkError for everything that fails before the first byte of the answer.
 */
export async function servePrompt(
  body: PromptRequest,
  request: Request,
  options: PromptOptions,
): Promise<DryRunResponse | Response> {
  const { engine, defaults } = options
  const turnRequest = fromPromptRequest(body)
  const metadata = body.metadata === undefined ? {} : { metadata: body.metadata }
  if (body.dry_run ?? defaults.dryRun)
    return { ...(await engine.plan(turnRequest)), dry_run: true, ...metadata }

  const { turn, run, replayed, now } = await beginTurn(body, turnRequest, request, options)
  const headers = {
    'x-clinvk-run': run.id,
    ...(replayed ? { 'idempotency-replayed': 'true' } : {}),
  }
  if (body.background === true)
    return Response.json(toRun(run), {
      status: 202,
      headers: { ...headers, location: `/api/v1/runs/${run.id}` },
    })
  const form = answerForm(body, request.headers.get('accept'))
  const told = { verbose: body.verbose ?? defaults.verbose, now, ...metadata }
  if (form === 'sse' || form === 'ndjson')
    return streamTurn(
      { ...turn, events: await peek(turn.events, BEGIN_GRACE_MS) },
      form,
      request,
      told,
      headers,
      options,
    )
  const { result, events } = await collectTurn(turn, told)
  return form === 'text'
    ? new Response(result.text, { headers: { 'content-type': 'text/plain; charset=utf-8', ...headers } })
    : Response.json(toPromptResponse(result, body.metadata, events), { headers })
}

/** A turn as the run that it is. `abandon` says that its client left. */
interface BegunTurn {
  readonly turn: Turn & { readonly abandon: (reason: ClinvkError) => void }
  readonly run: RunRecord
  /** Epoch ms of what was told last. */
  readonly now: () => number
  /** It was begun by an earlier request with the same idempotency key. */
  readonly replayed: boolean
}

/** Begins the run of a prompt, or finds the one that its idempotency key began. */
async function beginTurn(
  body: PromptRequest,
  turnRequest: TurnRequest,
  request: Request,
  { engine, shutdown }: PromptOptions,
): Promise<BegunTurn> {
  const idempotency = await idempotencyOf(request, body)
  const detached =
    body.background === true || (body.on_disconnect ?? (idempotency ? 'continue' : 'cancel')) === 'continue'
  const own = new AbortController()
  const signal = AbortSignal.any([shutdown, own.signal, ...(detached ? [] : [request.signal])])
  const caller = await callerOf(request.headers)
  const begin = async () => {
    const turn = await engine.start(turnRequest, signal)
    return engine.runs.begin<TurnEvent>({
      id: turn.id,
      kind: 'prompt',
      caller,
      about: aboutTurn(turn, body),
      events: toItsEnd(turn),
      cancel: (reason) => own.abort(reason),
      detached,
      keepEvents: true,
      idempotency,
    })
  }
  const earlier = idempotency && engine.runs.again<TurnEvent>(idempotency, caller)
  const { run, again, events } = earlier ?? (await begin())
  const timed = withClock(events)
  const told = toTurn(run, timed.events)
  return {
    run,
    now: timed.now,
    replayed: again,
    turn: {
      ...told,
      abandon(reason) {
        if (!detached) own.abort(reason)
        // The turn has begun, but its stream may not have been read yet: then nobody else says that nobody will.
        told.events.return().catch(() => {})
      },
    },
  }
}

/** The events of a turn, and an error where the last one is missing. */
async function* toItsEnd({ events, backend }: Turn): AsyncGenerator<TurnEvent, void> {
  let done = false
  for await (const event of events) {
    done = event.type === 'done'
    yield event
  }
  if (!done) throw endedEarly(backend)
}

async function collectTurn(turn: Turn, told: EventOptions) {
  if (!told.verbose) return { result: await collect(turn, told.now), events: undefined }
  const writer = createEventWriter(turn, told)
  const events: StreamEvent[] = []
  const seen = { ...turn, events: tap(turn.events, (event) => remember(events, event, writer)) }
  const result = await collect(seen, told.now)
  return { result, events }
}

async function* tap<T>(items: AsyncGenerator<T, void>, see: (item: T) => void): AsyncGenerator<T, void> {
  for await (const item of items) {
    see(item)
    yield item
  }
}

/** Keeps what the answer itself does not say; the deltas of one thought become one event. */
function remember(events: StreamEvent[], event: TurnEvent, writer: EventWriter): void {
  if (event.type === 'init' || event.type === 'text' || event.type === 'done') return
  const last = events.at(-1)
  if (event.type === 'thinking' && last?.type === 'thinking') last.content += event.text
  else events.push(writer.toEvent(event))
}

/** How the events of a turn are sent, by the form of the stream. */
export const STREAMS = {
  sse: {
    contentType: 'text/event-stream',
    encode: (event: StreamEvent) =>
      encodeSse({ id: String(event.sequence), event: event.type, data: JSON.stringify(event) }),
    opening: encodeSseComment('clinvk'),
    heartbeat: () => encodeSseComment('keep-alive'),
  },
  ndjson: {
    contentType: 'application/x-ndjson',
    encode: (event: StreamEvent) => `${JSON.stringify(event)}\n`,
    // NDJSON knows no comments, and not every reader forgives an empty line. Space before an object is part of its
    // line.
    opening: ' ',
    heartbeat: (writer: EventWriter) => `${JSON.stringify(writer.heartbeat())}\n`,
  },
} as const

function streamTurn(
  turn: BegunTurn['turn'],
  form: keyof typeof STREAMS,
  request: Request,
  told: EventOptions,
  headers: Readonly<Record<string, string>>,
  { heartbeatMs, writeTimeoutMs, onStreamEnd, onFailure }: PromptOptions,
): Response {
  const { contentType, encode, opening, heartbeat } = STREAMS[form]
  const writer = createEventWriter(turn, told)
  const stream = toByteStream({
    opening,
    chunks: toChunks(
      turn,
      (event) => encode(writer.toEvent(event)),
      (error) => {
        onFailure(error, request)
        return encode(writer.error(error, requestId(request)))
      },
    ),
    heartbeatMs,
    heartbeat: () => heartbeat(writer),
    writeTimeoutMs,
    client: request.signal,
    abort: turn.abandon,
    onEnd: () => onStreamEnd(request),
  })
  return new Response(stream, {
    headers: {
      'content-type': contentType,
      'cache-control': 'no-store, no-transform',
      // Asks nginx not to hold the stream back.
      'x-accel-buffering': 'no',
      ...headers,
    },
  })
}

/** A turn as the pieces of its stream. What it fails with is its last piece. */
async function* toChunks(
  turn: Turn,
  toChunk: (event: TurnEvent) => string,
  toLastChunk: (error: ClinvkError) => string,
): AsyncGenerator<string, void> {
  try {
    for await (const event of turn.events) yield toChunk(event)
  } catch (error) {
    yield toLastChunk(toClinvkError(error))
  }
}
