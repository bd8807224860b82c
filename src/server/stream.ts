import { ClinvkError } from '../errors.ts'

/** What a stream is made from. Times in ms; 0: never. */
export interface StreamSource {
  /** Sent at once: the runtime holds the end of the headers back until there is something to send after them. */
  readonly opening: string
  /** The pieces to send. It reports its own failures as pieces. */
  readonly chunks: AsyncGenerator<string, void>
  /** Longest silence, and what is sent to end it. */
  readonly heartbeatMs: number
  readonly heartbeat: () => string
  /** How long the client may read nothing of what waits for it. */
  readonly writeTimeoutMs: number
  /** Aborted when the client is gone. */
  readonly client: AbortSignal
  /** Stops what makes the chunks. */
  readonly abort: (reason: ClinvkError) => void
  /** Called once, when nothing more will be sent. */
  readonly onEnd: () => void
}

/**
 * A byte stream that takes the next piece only when the client has room for it, so that a slow client slows the
 * agent and not our memory. Whoever sees it end without its last event knows that it was cut.
 */
export function toByteStream(source: StreamSource): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let pending: Promise<IteratorResult<string, void>> | undefined
  let stalled: Timer | undefined
  let ended = false
  const end = () => {
    clearTimeout(stalled)
    if (ended) return
    ended = true
    source.client.removeEventListener('abort', onGone)
    source.onEnd()
  }
  const leave = (reason: ClinvkError) => {
    if (ended) return
    source.abort(reason)
    source.chunks.return().catch(() => {})
    end()
  }
  const onGone = () => leave(new ClinvkError('cancelled', 'The client left.'))
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode(source.opening))
        // Not every runtime cancels the stream of a client that is gone, and none while nothing is sent.
        source.client.addEventListener('abort', onGone, { once: true })
        // It may have left while the answer was being prepared.
        if (source.client.aborted) onGone()
      },
      async pull(controller) {
        clearTimeout(stalled)
        pending ??= source.chunks.next()
        const next = await orSilence(pending, source.heartbeatMs).catch((error) => {
          end()
          throw error
        })
        if (ended) return
        if (next === 'silence') controller.enqueue(encoder.encode(source.heartbeat()))
        else if (next.done) {
          end()
          controller.close()
          return
        } else {
          pending = undefined
          controller.enqueue(encoder.encode(next.value))
        }
        // Nothing is pulled while the client's side is full.
        if (source.writeTimeoutMs > 0)
          stalled = setTimeout(() => {
            leave(new ClinvkError('cancelled', 'The client stopped reading.'))
            controller.close()
          }, source.writeTimeoutMs)
      },
      cancel: onGone,
    },
    { highWaterMark: 0 },
  )
}

async function orSilence<T>(promise: Promise<T>, ms: number): Promise<T | 'silence'> {
  if (ms <= 0) return await promise
  const { promise: silence, resolve } = Promise.withResolvers<'silence'>()
  const timer = setTimeout(() => resolve('silence'), ms)
  try {
    return await Promise.race([promise, silence])
  } finally {
    clearTimeout(timer)
  }
}
