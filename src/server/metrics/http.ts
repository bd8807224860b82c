import { methodLabel, statusLabel } from './labels.ts'
import type { Instruments } from './registry.ts'

/** Sees every request with its answer, and when a streamed one has ended. */
export interface HttpWatch {
  /** Watches what answers a request. The answer is handed on as it is; nothing waits for us. */
  watch(request: Request, answer: Response | Promise<Response>): Response | Promise<Response>
  streamEnded(request: Request): void
}

/**
 * @param routeOf the pattern of a request's route; undefined where it leads nowhere.
 * @param onFailure called instead of throwing.
 */
export function createHttpWatch(
  metrics: Instruments,
  routeOf: (pathname: string) => string | undefined,
  onFailure: () => void,
  now: () => number = () => performance.now(),
): HttpWatch {
  const open = new Set<Request>()
  /** A client that is gone at once has its stream ended before the answer comes by. */
  const ended = new WeakSet<Request>()
  const safely = (measure: () => void) => {
    try {
      measure()
    } catch {
      onFailure()
    }
  }
  const note = (request: Request, { status, headers }: Response, startedAt: number) => {
    const route = (URL.canParse(request.url) && routeOf(new URL(request.url).pathname)) || 'other'
    metrics.http_requests_total.inc({
      route,
      method: methodLabel(request.method),
      status: statusLabel(status),
    })
    metrics.http_request_seconds.observe({ route }, (now() - startedAt) / 1000)
    if (isStream(headers) && !ended.has(request)) open.add(request)
    metrics.http_streams.set(open.size)
  }
  return {
    watch(request, answer) {
      const startedAt = now()
      if (answer instanceof Response) safely(() => note(request, answer, startedAt))
      else
        answer.then(
          (response) => safely(() => note(request, response, startedAt)),
          () => {},
        )
      return answer
    },
    streamEnded(request) {
      ended.add(request)
      open.delete(request)
      safely(() => metrics.http_streams.set(open.size))
    },
  }
}

/** Every answer that is sent in pieces asks proxies to pass them on at once. */
function isStream(headers: Headers): boolean {
  return headers.get('x-accel-buffering') === 'no'
}
