import type { BackendInfo } from '../engine/types.ts'

/** What the banner tells. */
export interface BannerFacts {
  readonly url: string
  readonly host: string
  readonly version: string
  /** Folder for requests that name none. */
  readonly workdir: string
  readonly backends: readonly BackendInfo[]
}

/** What the server says once it listens: where, and who answers. */
export function banner({ url, host, version, workdir, backends }: BannerFacts): string {
  const where = `clinvk ${version} listens on ${url} (what it can do: ${url}/docs)`
  const open = isOpen(host) ? `, and on ${host} for the network` : ''
  return `${where}${open}\nAgents work in ${workdir} where a request names no workdir.\n\n${backendLines(backends)}\n`
}

/** A line for each backend: who answers, and how to get who does not. */
export function backendLines(backends: readonly BackendInfo[]): string {
  const width = Math.max(...backends.map(({ name }) => name.length))
  return backends.map((backend) => `  ${backend.name.padEnd(width)}  ${stateOf(backend)}`).join('\n')
}

/** The warning for a server that anybody on the network can use, or `undefined` where nobody can. */
export function openWarning(host: string, hasKeys: boolean): string | undefined {
  if (hasKeys || !isOpen(host)) return undefined
  const text = [
    `WARNING: clinvk listens on ${host} without API keys.`,
    'Everyone who can reach this machine can run agents on it, with your logins and your files.',
    'Set CLINVK_API_KEYS to close it, or leave --host out to stay on this machine.',
  ]
  const width = Math.max(...text.map((line) => line.length))
  const rule = '*'.repeat(width + 4)
  return [rule, ...text.map((line) => `* ${line.padEnd(width)} *`), rule].join('\n')
}

/** Whether more than this machine can reach it. */
export function isOpen(host: string): boolean {
  return !/^(localhost|127\.|::1$|\[::1\]$)/i.test(host)
}

function stateOf({ demo, enabled, available, ready, reason, version, default: main }: BackendInfo): string {
  if (demo) return 'demo agent, no model: answers prompts with "backend": "demo"'
  if (!enabled) return 'disabled'
  if (!available) return `not installed. ${reason ?? ''}`.trimEnd()
  const name = version ?? 'installed'
  if (!ready) return `${name}, not ready. ${reason ?? ''}`.trimEnd()
  return `${name}, ready${main ? ' (default)' : ''}`
}
