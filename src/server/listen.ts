import { MAX_IDLE_TIMEOUT_SECS } from '../config/schema-server.ts'
import { type ClinvkError, shuttingDown } from '../errors.ts'
import { type AppOptions, createApp } from './app.ts'
import type { Connections } from './connections.ts'
import { urlHost } from './url-host.ts'

/** A server that listens. */
export interface Listening {
  /** Where it can be reached from this machine. */
  readonly url: string
  readonly port: number
  /**
   * Begins nothing more: what would is refused for this reason, and `/health` tells that the server is going away. Runs
   * that go on can be followed and cancelled.
   */
  leave(reason: ClinvkError): void
  /** Waits until every request is answered, at most `ms`. */
  settle(ms: number): Promise<void>
  /**
   * Stops taking requests, cancels the turns in flight, waits at most `graceMs` until their clients were told,
   * and closes every connection.
   */
  stop(graceMs?: number): Promise<void>
}

/**
 * Makes the app and listens on `server.host` and `server.port` of the configuration.
 *
 * @throws Error, in words for people, when it cannot listen there.
 */
export function listen(options: Omit<AppOptions, 'connections' | 'leaving' | 'shutdown'>): Listening {
  const settings = options.config.server
  const idleSecs = Math.min(settings.idle_timeout_secs, MAX_IDLE_TIMEOUT_SECS)
  const leaving = new AbortController()
  const shutdown = new AbortController()
  const connections: Connections = {
    address: (request) => server.requestIP(request)?.address,
    release: (request) => server.timeout(request, idleSecs),
  }
  const app = createApp({ ...options, connections, leaving: leaving.signal, shutdown: shutdown.signal })
  const server = serve(settings.host, settings.port, {
    idleTimeout: idleSecs,
    // Ours is checked while the body is read, with an answer; the runtime's would just hang up.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    async fetch(request, self) {
      self.timeout(request, 0)
      const response = await app.fetch(request)
      if (!isStream(response)) self.timeout(request, idleSecs)
      return response
    },
  })
  const port = server.port ?? settings.port
  const settle = async (ms: number) => {
    const deadline = performance.now() + ms
    while (server.pendingRequests > 0 && performance.now() < deadline) await Bun.sleep(10)
  }
  return {
    url: `http://${urlHost(settings.host)}:${port}`,
    port,
    leave: (reason) => leaving.abort(reason),
    settle,
    async stop(graceMs = 3000) {
      void server.stop(false)
      shutdown.abort(shuttingDown())
      await settle(graceMs)
      await server.stop(true)
    },
  }
}

type ServeOptions = Required<Pick<Bun.Serve.BaseServeOptions<undefined>, 'maxRequestBodySize'>> & {
  idleTimeout: number
  fetch(request: Request, server: Bun.Server<undefined>): Promise<Response>
}

function serve(hostname: string, port: number, options: ServeOptions): Bun.Server<undefined> {
  try {
    // Without reusePort: two servers on one port would share its requests by chance.
    return Bun.serve({ ...options, hostname, port, reusePort: false, development: false })
  } catch (error) {
    throw new Error(cannotListen(hostname, port, error), { cause: error })
  }
}

function cannotListen(hostname: string, port: number, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE')
    return `Port ${port} on ${hostname} is in use. Stop what uses it, or choose another with --port.`
  if (code === 'EACCES')
    return `Listening on port ${port} is not permitted. Choose one above 1023 with --port.`
  return `Cannot listen on ${hostname}:${port}${code === undefined ? '' : ` (${String(code)})`}. Is --host an address of this machine?`
}

/** Every answer that is sent in pieces asks proxies to pass them on at once. */
function isStream(response: Response): boolean {
  return response.headers.get('x-accel-buffering') === 'no'
}
