/** An HTTP server for programs of this machine alone, on a port of the system's choice. */
export interface Loopback {
  /** `127.0.0.1:PORT`. */
  readonly host: string
  /** Closes the port and every connection. */
  stop(): Promise<void>
}

/** How long a connection may be silent until its request is admitted, in seconds. Bun looks every few seconds. */
const IDLE_SECS = 10

/**
 * Any program of this machine may connect, so a connection lasts as long as something is said, and for one request:
 * what connects and stays silent would use up our file descriptors.
 *
 * @param handle `admit` lets a request's answer take as long as it does.
 * @param maxBodyBytes A larger request is answered with 413 before anything else looks at it.
 */
export function serveLoopback(
  handle: (request: Request, admit: () => void) => Response | Promise<Response>,
  maxBodyBytes: number,
): Loopback {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: IDLE_SECS,
    maxRequestBodySize: maxBodyBytes,
    development: false,
    async fetch(request, server) {
      const answer = await handle(request, () => server.timeout(request, 0))
      // A connection that was let wait would do so after its answer, too.
      answer.headers.set('connection', 'close')
      return answer
    },
    error: () => new Response(null, { status: 500 }),
  })
  // The programs that use it keep us running, not the other way round.
  server.unref()
  return {
    host: `127.0.0.1:${server.port}`,
    stop: () => server.stop(true),
  }
}
