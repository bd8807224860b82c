import { endedEarly } from '../../../engine/collect.ts'
import type { Idempotency } from '../../../engine/runs.ts'
import type { Engine, Turn } from '../../../engine/types.ts'
import { ClinvkError, toClinvkError } from '../../../errors.ts'
import type { RunRecord } from '../../../sessions/run-types.ts'
import { agentRan } from '../../chat/agent-ran.ts'
import { callerOf } from '../../chat/caller.ts'
import { requireModel } from '../../chat/model-names.ts'
import { startChat } from '../../chat/run-chat.ts'
import type { ChatServices } from '../../chat/types.ts'
import { idempotencyOf } from '../../idempotency.ts'
import { OPENAI_HEADERS } from '../errors.ts'
import { samenessOf } from '../sameness.ts'
import type { ResponseEvent, ResponseObject } from './answer-schema.ts'
import { followResponse } from './follow-response.ts'
import { fromResponsesRequest, type TranslatedRequest } from './from-request.ts'
import { keptResponse, RESPONSE_RUN, runIdOf } from './kept-run.ts'
import type { Run } from './runs.ts'
import type { CreateResponse } from './schema.ts'
import { ENDPOINT, type Kept, knownTo } from './serve-response.ts'
import { createEventWriter, type EventWriter } from './to-events.ts'
import { createResponseObject, tellsThinking } from './to-response.ts'

/**
 * Begins a response that is made whether its client stays or leaves, and answers with it or streams its events. It is a
 * run that is kept with its events, so it can be read from the start, and after the server.
 *
 * @throws ClinvkError for everything that is wrong before it begins.
 */
export async function serveBackground(
  body: CreateResponse,
  request: Request,
  services: ChatServices,
  kept: Kept,
): Promise<Response> {
  const since = performance.now()
  const { engine, chat, replay } = services
  requireModel(body.model, await engine.backends(), chat.model_aliases)
  const idempotency = await idempotencyOf(request, samenessOf(body))
  const key = await replay.keyOf(request.headers, ENDPOINT, body.model, samenessOf(body))
  const before = idempotency ? undefined : replay.recall(key, request.headers)
  if (before) throw before
  const owner = await callerOf(request.headers)
  try {
    const earlier = idempotency && engine.runs.again<ResponseEvent>(idempotency, owner)
    const begun = earlier
      ? toldAgain(earlier.run, owner, engine)
      : await begin(body, request, services, kept, {
          owner,
          idempotency,
          onComplete: () => replay.forget(key),
        })
    const headers = {
      ...begun.headers,
      ...OPENAI_HEADERS,
      'openai-processing-ms': String(Math.round(performance.now() - since)),
    }
    return body.stream
      ? followResponse(
          { ...begun, owner, after: -1, here: earlier === undefined, headers },
          request,
          services,
        )
      : Response.json(begun.response, { headers })
  } catch (thrown) {
    const error = toClinvkError(thrown)
    throw agentRan(error) && !idempotency ? replay.remember(key, error) : error
  }
}

/** A response that an earlier request with the same idempotency key began. */
function toldAgain(run: RunRecord, owner: string, { runs }: Engine) {
  return {
    run,
    response: keptResponse(runs, owner, run),
    headers: { 'x-clinvk-run': run.id, 'idempotency-replayed': 'true' },
  }
}

interface Beginning {
  readonly owner: string
  readonly idempotency: Idempotency | undefined
  readonly onComplete: () => void
}

async function begin(
  body: CreateResponse,
  request: Request,
  services: ChatServices,
  { store, runs }: Kept,
  { owner, idempotency, onComplete }: Beginning,
) {
  const { engine, chat, shutdown } = services
  const response = createResponseObject(body, Date.now())
  const id = runIdOf(response.id) ?? response.id
  const known = { ...knownTo(owner, store), images: services.images() }
  const { turn: asked, input, forms } = await fromResponsesRequest(body, known)
  const own = new AbortController()
  const { turn, headers } = await startChat({
    engine,
    chat,
    request: asked,
    // Not the client's.
    signal: AbortSignal.any([shutdown, own.signal]),
    headers: request.headers,
    run: id,
  })
  // Nobody would know its id.
  if (request.signal.aborted) throw new ClinvkError('cancelled', 'The client left.')
  const making = makeResponse(turn, {
    response,
    forms,
    thinking: tellsThinking(body),
    stop: (reason) => own.abort(reason),
    onFailure: (error) => services.onFailure(error, request),
    onEnd(ended) {
      runs.remove(run)
      if (run.keep) store.put(owner, { response: ended, input })
      if (ended.status === 'completed' || ended.status === 'incomplete') onComplete()
    },
  })
  const run: Run = { id: response.id, owner, keep: true, ...making }
  runs.add(run)
  try {
    const begun = engine.runs.begin({
      id,
      kind: RESPONSE_RUN,
      caller: owner,
      about: { response_id: response.id, backend: turn.backend, model: body.model },
      events: making.events,
      cancel: (reason) => (reason.code === 'cancelled' ? void making.cancel() : own.abort(reason)),
      detached: true,
      keepEvents: true,
      idempotency,
    })
    if (begun.again) {
      runs.remove(run)
      return toldAgain(begun.run, owner, engine)
    }
    return { run: begun.run, response, headers: headers() }
  } catch (error) {
    runs.remove(run)
    throw error
  }
}

interface Making extends Pick<TranslatedRequest, 'forms'> {
  /** As it begins. */
  readonly response: ResponseObject
  readonly thinking: boolean
  readonly stop: (reason: ClinvkError) => void
  readonly onFailure: (error: ClinvkError) => void
  /** Called once, with the response as it stays. */
  readonly onEnd: (response: ResponseObject) => void
}

/** A turn as the response that it makes. Its events are told once, to whoever keeps them. */
function makeResponse(
  turn: Turn,
  { response, forms, thinking, stop, onFailure, onEnd }: Making,
): Pick<Run, 'response' | 'cancel'> & { readonly events: AsyncGenerator<ResponseEvent, void> } {
  const writer = createEventWriter(response, { thinking, formOf: (name) => forms.get(name) })
  let cancelled: readonly ResponseEvent[] | undefined
  let over = false
  const settle = () => {
    over = true
    onEnd(writer.response())
  }
  async function* events(): AsyncGenerator<ResponseEvent, void> {
    yield* writer.opening()
    try {
      yield* told(turn, writer, () => over, settle)
    } catch (thrown) {
      const error = toClinvkError(thrown)
      if (!over) {
        const failed = writer.failed(error)
        settle()
        onFailure(error)
        yield* failed
        throw error
      }
      if (!cancelled) throw error
    }
    if (!cancelled) return
    yield* cancelled
    throw wasCancelled()
  }
  return {
    events: events(),
    response: () => writer.response(),
    cancel() {
      if (!over) {
        cancelled = writer.cancelled()
        settle()
        stop(wasCancelled())
      }
      return writer.response()
    },
  }
}

/** What an agent tells while it is being stopped is told to nobody. */
async function* told(
  turn: Turn,
  writer: EventWriter,
  isOver: () => boolean,
  settle: () => void,
): AsyncGenerator<ResponseEvent, void> {
  for await (const event of turn.events) {
    if (isOver()) continue
    const events = writer.toEvents(event)
    if (event.type === 'done') settle()
    yield* events
  }
  if (!isOver()) throw endedEarly(turn.backend)
}

function wasCancelled(): ClinvkError {
  return new ClinvkError('cancelled', 'The response was cancelled.')
}
