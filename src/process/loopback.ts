/** An HTTP server for programs of this machine alone, on a port of the system's choice. */
export interface Loopback {
  /** `127.0.0.1:PORT`. */
  readonly host: string
  /** Closes the port and every connection. */
  stop(): Promise<void>
}

/** @param maxBodyBytes A larger request is answered with 413 before anything else looks at it. */
export function serveLoopback(
  handle: (request: Request) => Response | Promise<Response>,
  maxBodyBytes: number,
): Loopback {
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    // An answer may be waited for as long as it takes.
    idleTimeout: 0,
    maxRequestBodySize: maxBodyBytes,
    development: false,
    fetch: handle,
    error: () => new Response(null, { status: 500 }),
  })
  // The programs that use it keep us running, not the other way round.
  server.unref()
  return {
    host: `127.0.0.1:${server.port}`,
    stop: () => server.stop(true),
  }
}
