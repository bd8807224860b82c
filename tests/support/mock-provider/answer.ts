import type { CallContext, DialectCodec, Frame, RecordedRequest, Reply } from './types.ts'

/** How a request ended. */
export type Outcome = Exclude<RecordedRequest['state'], 'open'>

/** What {@link answer} needs besides the reply. */
export interface AnswerOptions {
  readonly codec: DialectCodec
  readonly context: CallContext
  readonly streams: boolean
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
  onDelta(): void
  /** Called once or more; the first call counts. */
  onEnd(outcome: Outcome): void
}

/** The HTTP response that plays a reply in a dialect. */
export function answer(reply: Reply, options: AnswerOptions): Response {
  const { codec, context, streams, onEnd } = options
  if (reply.status !== undefined && (reply.failAfter === undefined || !streams)) {
    const { body, headers } = codec.refusal(reply, context)
    onEnd('done')
    return Response.json(body, { status: reply.status, headers })
  }
  const type = streams ? 'text/event-stream; charset=utf-8' : 'application/json; charset=utf-8'
  return new Response(play(reply, options), {
    headers: { 'content-type': type, 'cache-control': 'no-cache' },
  })
}

/** What a dropped connection's stream fails with, so that the server can tell it from a mistake. */
export class Dropped extends Error {}

/**
 * How long what was written gets to reach the client, in ms, before a drop (a reset overtakes what is still queued) and
 * before an error (which some clients only recognise when it is read by itself).
 */
const FLUSH_MS = 50

/** Writes as fast as the client reads and no faster, so that a slow reader can be told from `deltas`. */
function play(reply: Reply, options: AnswerOptions): ReadableStream<Uint8Array> {
  const { signal, onDelta, onEnd, codec, context } = options
  const frames = framesOf(reply, options)
  const encoder = new TextEncoder()
  let deltas = 0
  let next = frames.next()

  /** Whether it is the moment to break off; an answer in one piece breaks off before it. */
  function due(after: number | undefined): boolean {
    if (after === undefined || !options.streams) return after !== undefined
    return deltas === after && (after > 0 || next.value?.delta === true)
  }

  async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    if (next.done) {
      onEnd('done')
      return controller.close()
    }
    if (due(reply.dropAfter)) {
      await Bun.sleep(FLUSH_MS)
      onEnd('dropped')
      // Bun resets the connection when a response's stream fails.
      return controller.error(new Dropped('The mock provider drops this connection on purpose.'))
    }
    if (due(reply.stallAfter)) return left(signal)
    if (due(reply.failAfter)) {
      await Bun.sleep(FLUSH_MS)
      onEnd('done')
      controller.enqueue(encoder.encode(codec.failure(reply, context)))
      return controller.close()
    }
    if (next.value.delta && deltas > 0 && reply.delayMs !== undefined) await Bun.sleep(reply.delayMs)
    if (signal.aborted) return
    controller.enqueue(encoder.encode(next.value.bytes))
    if (next.value.delta) {
      deltas++
      onDelta()
    }
    next = frames.next()
  }

  return new ReadableStream<Uint8Array>({ pull, cancel: () => onEnd('aborted') }, { highWaterMark: 0 })
}

function framesOf(reply: Reply, { codec, context, streams }: AnswerOptions): Iterator<Frame, undefined> {
  if (streams) return codec.frames(reply, context)
  return [{ bytes: JSON.stringify(codec.whole(reply, context)), delta: false }].values()
}

/** Resolves when the client has left. */
function left(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
