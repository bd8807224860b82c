import type { RunRecord } from '../../../sessions/run-types.ts'
import type { ChatServices } from '../../chat/types.ts'
import { encodeSseComment } from '../../sse.ts'
import { toByteStream } from '../../stream.ts'
import { invalidFields } from '../../validate.ts'
import type { ResponseEvent } from './answer-schema.ts'
import { isLast, missingEnd } from './kept-run.ts'
import { encode } from './serve-response.ts'

/** What is followed. */
export interface Followed {
  readonly run: RunRecord
  readonly owner: string
  /** `sequence_number` of the last event that the client has; -1: none. */
  readonly after: number
  /** Whether it is made here. Then it ends before the server does, and its end is told. */
  readonly here: boolean
  readonly headers: Readonly<Record<string, string>>
}

/** Streams the events of a response that is or was made in the background. Whoever leaves may come back. */
export function followResponse(
  { run, owner, after, here, headers }: Followed,
  request: Request,
  { engine: { runs }, shutdown, heartbeatMs, writeTimeoutMs, onStreamEnd }: ChatServices,
): Response {
  const own = new AbortController()
  const signal = AbortSignal.any([request.signal, own.signal, ...(here ? [] : [shutdown])])
  // Runs count from 1, and streams of responses from 0.
  const events = runs.events(run.id, owner, after + 1, signal)
  let last = Math.max(0, after)
  async function* chunks(): AsyncGenerator<string, void> {
    try {
      for await (const { sequence, event } of events) {
        const told = event as ResponseEvent
        last = sequence - 1
        yield encode([told])
        if (isLast(told)) return
      }
    } catch (error) {
      if (signal.aborted) return
      // What a run failed with is told by its events. Else it is this stream that is cut.
      if (runs.find(run.id, owner).status === 'running') throw error
    }
    const missing = missingEnd(runs, owner, runs.find(run.id, owner))
    yield encode(missing.filter(({ sequence_number: number }) => number > after))
  }
  const stream = toByteStream({
    opening: encodeSseComment('clinvk'),
    chunks: chunks(),
    heartbeatMs,
    // No number of its own: that would be one that the run has for another event.
    heartbeat: () => encode([{ type: 'keepalive', sequence_number: last }]),
    writeTimeoutMs,
    client: request.signal,
    abort: (reason) => own.abort(reason),
    onEnd: () => onStreamEnd(request),
  })
  return new Response(stream, {
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      ...headers,
    },
  })
}

/**
 * Number of the last event that the client has; -1 where it has none.
 *
 * @throws `invalid_request`
 */
export function startingAfter(query: URLSearchParams): number {
  const after = query.get('starting_after')
  if (after === null) return -1
  if (/^\d{1,15}$/.test(after)) return Number(after)
  throw invalidFields([{ path: 'starting_after', message: 'must be the number of an event.' }])
}
