import { type ClinvkError, toClinvkError } from '../errors.ts'

/** How an answer is sent that may take longer than clients wait for its headers. Times in ms. */
export interface SlowJson {
  readonly afterMs: number
  readonly everyMs: number
  readonly headers: () => Readonly<Record<string, string>>
  /** The body for a failure that comes when the status is sent already. */
  readonly toLateError: (error: ClinvkError) => unknown
  /** The client left while white space was being sent. */
  readonly onLeft: () => void
  /** Called once, when a body that was sent in pieces is complete or given up. */
  readonly onEnd: () => void
}

/** In time for those who wait 300 s. */
export const SLOW_JSON_TIMES: Pick<SlowJson, 'afterMs' | 'everyMs'> = { afterMs: 240_000, everyMs: 30_000 }

/**
 * Answers with a JSON body as soon as it is known. After a while the status is sent without it, and white space,
 * which JSON allows in front of a value, until it comes: HTTP clients give up a connection that says nothing (node's
 * after 300 s) and some send the request again.
 *
 * @throws what `body` is rejected with before the status was sent.
 */
export async function answerJson(body: Promise<unknown>, options: SlowJson): Promise<Response> {
  const late = Symbol()
  const { promise: timeout, resolve } = Promise.withResolvers<typeof late>()
  const timer = setTimeout(() => resolve(late), options.afterMs)
  const first = await Promise.race([body, timeout]).finally(() => clearTimeout(timer))
  const headers = { 'content-type': 'application/json', ...options.headers() }
  if (first !== late) return new Response(JSON.stringify(first), { headers })
  return new Response(toSlowStream(body, options), {
    headers: { ...headers, 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' },
  })
}

function toSlowStream(body: Promise<unknown>, options: SlowJson): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let beat: Timer | undefined
  let ended = false
  const end = () => {
    clearInterval(beat)
    if (ended) return false
    ended = true
    options.onEnd()
    return true
  }
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const space = () => controller.enqueue(encoder.encode(' '))
      space()
      beat = setInterval(space, options.everyMs)
      const settle = (value: unknown) => {
        if (ended) return
        controller.enqueue(encoder.encode(JSON.stringify(value)))
        controller.close()
        end()
      }
      body.then(settle, (error: unknown) => settle(options.toLateError(toClinvkError(error))))
    },
    cancel() {
      if (end()) options.onLeft()
    },
  })
}
