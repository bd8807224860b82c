import type { Config } from '../config/schema.ts'

/** A host as it is connected to: all interfaces at once are no address that one can call. */
export function callableHost(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1'
  return host === '::' ? '::1' : host.replace(/^\[(.*)\]$/, '$1')
}

/** Where a server with this configuration is called from this machine. */
export function serverUrl({ host, port }: Pick<Config['server'], 'host' | 'port'>): string {
  const name = callableHost(host)
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
