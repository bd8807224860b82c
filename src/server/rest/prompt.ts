import type { TurnEvent } from '../../agents/types.ts'
import { collect, endedEarly } from '../../engine/collect.ts'
import { each } from '../../engine/each.ts'
import type { Engine, Turn } from '../../engine/types.ts'
import { type ClinvkError, toClinvkError } from '../../errors.ts'
import { callerOf } from '../chat/caller.ts'
import { BEGIN_GRACE_MS, peek } from '../peek.ts'
import { requestId } from '../request-id.ts'
import { startHeaders } from '../start-headers.ts'
import { answerForm } from './answer-form.ts'
import { type EventStream, isStreamForm, type StreamServices, streamEvents } from './answer-stream.ts'
import { fromPromptRequest } from './from-request.ts'
import { acceptedRun, beginRun } from './runs/begin.ts'
import { aboutTurn, toTurn, withClock } from './runs/turn.ts'
import type { DryRunResponse, PromptRequest, StreamEvent } from './schema.ts'
import { createEventWriter, type EventOptions, rememberEvent } from './to-events.ts'
import { toPromptResponse } from './to-response.ts'

/** What serving prompts needs. */
export interface PromptOptions extends StreamServices {
  readonly engine: Engine
  /** What the configuration says for requests that don't. */
  readonly defaults: { readonly verbose: boolean; readonly dryRun: boolean }
  /** Aborted, with an error as its reason, when the server stops. */
  readonly shutdown: AbortSignal
  /** Told of what fails after the first byte; what fails before is thrown. */
  readonly onFailure: (error: ClinvkError, request: Request) => void
}

/**
 * Serves one prompt in the form that it asks for. The turn is cancelled when the client leaves, unless it is to go on
 * without, and when the server stops.
 *
 * @throws ClinvkError for everything that fails before the first byte of the answer.
 */
export async function servePrompt(
  body: PromptRequest,
  request: Request,
  options: PromptOptions,
): Promise<Response> {
  const { engine, defaults } = options
  const turnRequest = fromPromptRequest(body)
  const metadata = body.metadata === undefined ? {} : { metadata: body.metadata }
  if (body.dry_run ?? defaults.dryRun) {
    const plan: DryRunResponse = { ...(await engine.plan(turnRequest)), dry_run: true, ...metadata }
    return Response.json(plan)
  }

  const begun = await beginRun<TurnEvent>(body, request, options, async (signal) => {
    const turn = await engine.start({ ...turnRequest, caller: await callerOf(request.headers) }, signal)
    return { id: turn.id, kind: 'prompt', about: aboutTurn(turn, body), events: toItsEnd(turn) }
  })
  const { run, headers } = begun
  if (body.background === true) return acceptedRun(begun)
  const { events: timed, now } = withClock(begun.events)
  const turn = toTurn(run, timed)
  const form = answerForm(body, request.headers.get('accept'))
  const told: EventOptions = { verbose: body.verbose ?? defaults.verbose, now, ...metadata }
  if (isStreamForm(form)) {
    const writer = createEventWriter(turn, told)
    const { first, events } = await peek(timed, BEGIN_GRACE_MS).catch(begun.fail)
    const toLastEvent = (error: ClinvkError) => {
      options.onFailure(error, request)
      return writer.error(error, requestId(request))
    }
    const chunks: EventStream['chunks'] = (encode) =>
      toChunks(
        events,
        (event) => encode(writer.toEvent(event)),
        (error) => encode(toLastEvent(error)),
      )
    const abort = (reason: ClinvkError) => {
      begun.abandon(reason)
      // The turn has begun, but its stream may not have been read yet: then nobody else says that nobody will.
      timed.return().catch(() => {})
    }
    const known = { ...headers, ...(first?.type === 'init' ? startHeaders(first) : {}) }
    return streamEvents(
      { chunks, heartbeat: writer.heartbeat, abort, headers: known },
      form,
      request,
      options,
    )
  }
  const { result, events } = await collectTurn(turn, told).catch(begun.fail)
  const known = { ...headers, ...startHeaders(result) }
  return form === 'text'
    ? new Response(result.text, { headers: { 'content-type': 'text/plain; charset=utf-8', ...known } })
    : Response.json(toPromptResponse(result, body.metadata, events), { headers: known })
}

/** The events of a turn, and an error where the last one is missing. */
function toItsEnd({ events, backend }: Turn): AsyncGenerator<TurnEvent, void> {
  let done = false
  return each(events, {
    item(event) {
      done = event.type === 'done'
      return event
    },
    ended() {
      if (!done) throw endedEarly(backend)
    },
  })
}

async function collectTurn(turn: Turn, told: EventOptions) {
  if (!told.verbose) return { result: await collect(turn, told.now), events: undefined }
  const writer = createEventWriter(turn, told)
  const events: StreamEvent[] = []
  const seen = { ...turn, events: tap(turn.events, (event) => rememberEvent(events, event, writer)) }
  return { result: await collect(seen, told.now), events }
}

async function* tap<T>(items: AsyncGenerator<T, void>, see: (item: T) => void): AsyncGenerator<T, void> {
  for await (const item of items) {
    see(item)
    yield item
  }
}

/** Events as the pieces of their stream. What they fail with is the last piece. */
function toChunks(
  events: AsyncGenerator<TurnEvent, void>,
  toChunk: (event: TurnEvent) => string,
  toLastChunk: (error: ClinvkError) => string,
): AsyncGenerator<string, void> {
  return each(events, { item: toChunk, failed: (error) => toLastChunk(toClinvkError(error)) })
}
