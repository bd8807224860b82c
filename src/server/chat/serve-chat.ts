import { collect, endedEarly } from '../../engine/collect.ts'
import { wasNotRun } from '../../engine/not-run.ts'
import { tellsQueue } from '../../engine/queue-progress.ts'
import type { Turn } from '../../engine/types.ts'
import { ClinvkError, toClinvkError } from '../../errors.ts'
import { idempotencyOf } from '../idempotency.ts'
import { BEGIN_GRACE_MS } from '../peek.ts'
import { requestId } from '../request-id.ts'
import { answerJson, SLOW_JSON_TIMES } from '../slow-json.ts'
import { toByteStream } from '../stream.ts'
import { agentRan, markAgentRan } from './agent-ran.ts'
import { requireModel } from './model-names.ts'
import { abandoned } from './replay-guard.ts'
import { type ChatRun, startChat } from './run-chat.ts'
import type { ChatAnswer, ChatServices, ChunkWriter } from './types.ts'

/**
 * Serves one chat request, streamed or not, in the words of its dialect. The turn is cancelled when the client
 * leaves or the server stops. A request that equals one that failed a moment ago gets that failure.
 *
 * @throws ClinvkError for everything that fails before the first byte of the answer.
 */
export async function serveChat(
  answer: ChatAnswer,
  request: Request,
  services: ChatServices,
): Promise<Response> {
  const { engine, chat, replay, shutdown } = services
  const { headers } = request
  requireModel(answer.model, await engine.backends(), chat.model_aliases)
  // A key names the run by itself: whoever comes back with it gets that run, and its client may leave.
  const idempotency = await idempotencyOf(request, answer.sameness)
  const key = await replay.keyOf(headers, answer.endpoint, answer.model, answer.sameness)
  const before = idempotency ? undefined : replay.recall(key, headers)
  if (before) throw before
  const turn = await answer.toTurn(services.images())

  const own = new AbortController()
  const signal = AbortSignal.any([
    shutdown,
    ...(idempotency ? [] : [request.signal, own.signal]),
    ...(answer.signal ? [answer.signal] : []),
  ])
  const outcome: Outcome = {
    failed(error, { headersSent }) {
      if (idempotency) return error
      // Whatever its client did, an equal request would be the first one to run.
      if (wasNotRun(error)) {
        replay.forget(key)
        return error
      }
      // With the headers in hand no client sends the request again by itself: then it is a person who left.
      const left = request.signal.aborted || error.code === 'cancelled'
      if (!left && agentRan(error)) return replay.remember(key, error)
      if (request.signal.aborted && !headersSent) replay.remember(key, abandoned())
      return error
    },
    succeeded: () => replay.forget(key),
    left: () => own.abort(new ClinvkError('cancelled', 'The client left.')),
  }
  // The agent may take seconds to stop, and the client's retry may be here before that.
  const onLeave = () => void (idempotency || replay.remember(key, abandoned()))
  request.signal.addEventListener('abort', onLeave, { once: true })
  try {
    const run = await startChat({ engine, chat, request: turn, signal, headers, idempotency })
    return answer.toStream === undefined
      ? await bufferChat(run, answer, request, services, outcome)
      : await streamChat(run, answer.toStream(run.turn), answer, request, services, outcome)
  } catch (error) {
    throw outcome.failed(toClinvkError(error), { headersSent: false })
  } finally {
    request.signal.removeEventListener('abort', onLeave)
  }
}

/** What becomes of a run. */
interface Outcome {
  /** Gives the error as it is to be told. */
  failed(error: ClinvkError, when: { readonly headersSent: boolean }): ClinvkError
  succeeded(): void
  left(): void
}

async function bufferChat(
  { turn, headers }: ChatRun,
  answer: ChatAnswer,
  request: Request,
  services: ChatServices,
  outcome: Outcome,
): Promise<Response> {
  const { slowJson = SLOW_JSON_TIMES } = services
  const body = collect(turn).then(
    (result) => {
      outcome.succeeded()
      return answer.toResponse(result)
    },
    (error) => {
      throw markAgentRan(toClinvkError(error))
    },
  )
  return await answerJson(body, {
    ...slowJson,
    headers: () => ({ ...headers(), ...answer.headers?.() }),
    toLateError(error) {
      outcome.failed(error, { headersSent: true })
      services.onFailure(error, request)
      return answer.toErrorBody(error, requestId(request))
    },
    onLeft: outcome.left,
    onEnd: () => services.onStreamEnd(request),
  })
}

async function streamChat(
  { turn, headers }: ChatRun,
  writer: ChunkWriter,
  answer: ChatAnswer,
  request: Request,
  services: ChatServices,
  outcome: Outcome,
): Promise<Response> {
  const pieces = toPieces(turn, writer)
  const first = pieces.next()
  // A run that is refused at once is answered with a status, which says more than an error inside a stream.
  const early = await orUndefined(first, services.streamGraceMs ?? BEGIN_GRACE_MS)
  if (early?.value?.failure) throw early.value.failure
  if (request.signal.aborted) {
    await pieces.return()
    throw new ClinvkError('cancelled', 'The client left.')
  }
  const stream = toByteStream({
    opening: writer.opening(),
    chunks: (async function* () {
      for (let next = await first; !next.done; next = await pieces.next()) {
        const { text, failure } = next.value
        if (failure) {
          outcome.failed(failure, { headersSent: true })
          services.onFailure(failure, request)
        }
        yield text
        if (failure) return
      }
      outcome.succeeded()
    })(),
    heartbeatMs: services.heartbeatMs,
    heartbeat: () => writer.heartbeat(),
    writeTimeoutMs: services.writeTimeoutMs,
    client: request.signal,
    abort() {
      outcome.left()
      // The turn ends only when somebody takes the rest of its events, or says that nobody will.
      pieces.return().catch(() => {})
    },
    onEnd: () => services.onStreamEnd(request),
  })
  return new Response(stream, {
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      ...headers(),
      ...answer.headers?.(),
    },
  })
}

/** A part of a stream; the one that tells of a failure is the last. */
interface Piece {
  readonly text: string
  readonly failure?: ClinvkError
}

async function* toPieces(turn: Turn, writer: ChunkWriter): AsyncGenerator<Piece, void> {
  let done = false
  try {
    for await (const event of turn.events) {
      done = event.type === 'done'
      // The stream of a turn that waits in the queue begins at once, and its client sees that it lives.
      const text = tellsQueue(event) ? writer.heartbeat() : writer.toChunk(event)
      if (text !== '') yield { text }
    }
    if (!done) throw endedEarly(turn.backend)
  } catch (error) {
    const failure = markAgentRan(toClinvkError(error))
    yield { text: writer.error(failure), failure }
  }
}

async function orUndefined<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), ms)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
