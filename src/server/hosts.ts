import { ClinvkError } from '../errors.ts'

/** Whom the server lets itself be called by. */
export interface HostRules {
  /** Further names and addresses, without port; `*` allows every one. */
  readonly allowed: readonly string[]
  /** Whether a name or address (lower case, no port, no brackets) is this machine's. */
  readonly isOwn: (hostname: string) => boolean
}

/**
 * Refuses a request that calls the server by a name that is not its own. A web page can point a name of its own
 * at this machine (DNS rebinding) and would then count as the same origin; the name gives it away.
 *
 * @throws `host_refused`
 */
export function checkHost(request: Request, { allowed, isOwn }: HostRules): void {
  if (allowed.includes('*')) return
  const host = hostOf(request)
  if (host !== undefined) {
    const name = bareName(host.hostname)
    if (isLoopback(name) || allowed.some((entry) => bareName(entry) === name) || isOwn(name)) return
  }
  throw new ClinvkError(
    'host_refused',
    'The Host of the request is no name or address of this machine. If it is to be, add it to server.allowed_hosts.',
  )
}

/** Host and port that the client called, or undefined where the header is none. */
export function hostOf(request: Request): URL | undefined {
  const header = request.headers.get('host')
  if (header === null) return new URL(request.url)
  // Anything else than a name and a port would be read as another part of a URL.
  if (!/^(\[[0-9a-f:.]+\]|[\w.-]+)(:\d+)?$/i.test(header)) return undefined
  return URL.canParse(`http://${header}`) ? new URL(`http://${header}`) : undefined
}

function bareName(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
}

/** Names that cannot lead to another machine; browsers resolve `*.localhost` themselves (RFC 6761). */
function isLoopback(name: string): boolean {
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    /^127\.\d+\.\d+\.\d+$/.test(name) ||
    name === '::1' ||
    name === '0.0.0.0' ||
    name === '::'
  )
}
