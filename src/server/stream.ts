import { ClinvkError } from '../errors.ts'
import { createLazyTimer } from '../process/lazy-timer.ts'

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

/** How many characters are gathered for one piece at most. */
const PIECE_CHARS = 16 * 1024

/**
 * A byte stream that takes what is next only when the client has room for it, so that a slow client slows the
 * agent and not our memory. Whoever sees it end without its last event knows that it was cut.
 *
 * What comes without a pause is sent as one piece: a write to a socket costs more than an event. Nothing waits for what
 * is not there yet.
 */
export function toByteStream(source: StreamSource): ReadableStream<Uint8Array> {
  const { chunks, client, heartbeatMs, writeTimeoutMs } = source
  const encoder = new TextEncoder()
  /** What the client has no room for yet. */
  let text = ''
  let asking = false
  let complete = false
  let failure: { readonly error: unknown } | undefined
  let ended = false
  /** Present while the client has room. */
  let room: { readonly controller: ReadableStreamDefaultController<Uint8Array>; filled(): void } | undefined
  let stalled: ReadableStreamDefaultController<Uint8Array> | undefined
  let tick: NodeJS.Immediate | undefined

  const silence = createLazyTimer(() => {
    if (text === '') text = source.heartbeat()
    send()
  })
  const stall = createLazyTimer(() => {
    leave(new ClinvkError('cancelled', 'The client stopped reading.'))
    stalled?.close()
  })

  const end = () => {
    if (ended) return
    ended = true
    silence.end()
    stall.end()
    clearImmediate(tick)
    client.removeEventListener('abort', onGone)
    source.onEnd()
  }
  const leave = (reason: ClinvkError) => {
    if (ended) return
    source.abort(reason)
    chunks.return().catch(() => {})
    end()
    room?.filled()
  }
  const onGone = () => leave(new ClinvkError('cancelled', 'The client left.'))

  /** Fills the room there is. */
  const send = () => {
    clearImmediate(tick)
    tick = undefined
    if (!room) return
    const { controller, filled } = room
    room = undefined
    silence.stop()
    const piece = text
    text = ''
    if (piece !== '') controller.enqueue(encoder.encode(piece))
    // An error would take back what was not read yet.
    if (complete && (piece === '' || !failure)) {
      end()
      if (failure) controller.error(failure.error)
      else controller.close()
    } else if (writeTimeoutMs > 0) {
      // Nothing is pulled while the client's side is full.
      stalled = controller
      stall.start(writeTimeoutMs)
    }
    filled()
  }
  const ask = () => {
    asking = true
    chunks.next().then(take, fail)
  }
  const take = ({ done, value }: IteratorResult<string, void>) => {
    asking = false
    if (ended) return
    if (done) complete = true
    else text += value
    if (complete || text.length >= PIECE_CHARS) send()
    else if (room) {
      tick ??= setImmediate(send)
      ask()
    }
  }
  const fail = (error: unknown) => {
    failure = { error }
    take({ done: true, value: undefined })
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        controller.enqueue(encoder.encode(source.opening))
        // Not every runtime cancels the stream of a client that is gone, and none while nothing is sent.
        client.addEventListener('abort', onGone, { once: true })
        // It may have left while the answer was being prepared.
        if (client.aborted) onGone()
      },
      pull(controller) {
        if (ended) return
        stall.stop()
        return new Promise<void>((filled) => {
          room = { controller, filled }
          if (complete || text.length >= PIECE_CHARS) return send()
          if (text !== '') tick ??= setImmediate(send)
          if (heartbeatMs > 0) silence.start(heartbeatMs)
          if (!asking) ask()
        })
      },
      cancel: onGone,
    },
    { highWaterMark: 0 },
  )
}
