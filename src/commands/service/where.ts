import { connect } from 'node:net'
import { loadConfig } from '../../config/load.ts'
import type { ServiceFlags } from '../../service/types.ts'
import { callableHost, serverUrl } from '../address.ts'

/** Where a service listens. */
export interface Where {
  readonly url?: string
  /** Why that cannot be said. */
  readonly unknown?: string
}

/** Where a service listens that was told these. */
export async function whereIs(
  { host, port, config: file, home }: ServiceFlags,
  homeDir: string,
): Promise<Where> {
  try {
    const env = home === undefined ? {} : { CLINVK_HOME: home }
    const { config } = await loadConfig({ flags: { host, port, config: file }, env, homeDir })
    return config.server.port === 0 ? { unknown: 'its port is not fixed' } : { url: serverUrl(config.server) }
  } catch (error) {
    return { unknown: error instanceof Error ? error.message : String(error) }
  }
}

const PATIENCE_MS = 5000

/** What the server there says of itself. */
export async function healthOf(url: string): Promise<string> {
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(PATIENCE_MS) })
    const { status: word, code } = (await response.json()) as Record<string, unknown>
    return response.ok && typeof word === 'string'
      ? word
      : `answers ${response.status} ${String(code ?? '')}`.trim()
  } catch {
    return 'does not answer'
  }
}

/** Whether that is what a server says that serves. */
export function isServing(health: string): boolean {
  return health === 'ok' || health === 'degraded'
}

/** Whether anybody listens there. */
export function isTaken(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: callableHost(hostname), port: Number(port || 80), timeout: PATIENCE_MS })
  return new Promise((done) => {
    const end = (taken: boolean) => () => {
      socket.destroy()
      done(taken)
    }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })
}
