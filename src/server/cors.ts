import { ClinvkError } from '../errors.ts'
import { hostOf } from './hosts.ts'

/** Which web pages may call the server, besides its own. */
export interface OriginRules {
  /** Origins such as `https://app.example.com`; `*` allows all. */
  readonly allowed: readonly string[]
  readonly credentials: boolean
  /** Seconds that a browser may remember a preflight's answer. */
  readonly maxAgeSecs: number
}

/**
 * Refuses what a web page of elsewhere makes a browser send. It is not enough to send no CORS headers: the
 * browser would keep the answer from the page, but the prompt would have run.
 *
 * @throws `origin_refused`
 */
export function checkOrigin(request: Request, rules: OriginRules): void {
  const origin = request.headers.get('origin')
  if (origin === null ? !isCrossSiteFetch(request) : isOwnOrigin(request, origin) || isAllowed(origin, rules))
    return
  throw new ClinvkError(
    'origin_refused',
    'Web pages of this origin may not call the server. If they are to, add the origin to server.cors_allowed_origins.',
  )
}

const EXPOSED =
  'X-Request-Id, Request-Id, Retry-After, X-Should-Retry, X-Clinvk-Backend, X-Clinvk-Profile, X-Clinvk-Start, X-Clinvk-Wait, X-Clinvk-Without-Effect, X-Clinvk-Replay'

/** The headers that let a page of an allowed origin read the answer; none for all other requests. */
export function corsHeaders(request: Request, rules: OriginRules): Record<string, string> {
  const origin = request.headers.get('origin')
  if (rules.allowed.length === 0) return {}
  if (origin === null || !isAllowed(origin, rules)) return { vary: 'Origin' }
  const named = isNamed(origin, rules)
  return {
    vary: 'Origin',
    'access-control-allow-origin': named ? origin : '*',
    'access-control-expose-headers': EXPOSED,
    // Login for every page there is would be a login for none; browsers refuse it with "*" as well.
    ...(named && rules.credentials ? { 'access-control-allow-credentials': 'true' } : {}),
  }
}

/** What a browser asks before it sends another page's request. */
export function isPreflight(request: Request): boolean {
  return (
    request.method === 'OPTIONS' &&
    request.headers.has('origin') &&
    request.headers.has('access-control-request-method')
  )
}

/** The answer's further headers to a preflight of an origin that was let in. */
export function preflightHeaders(
  request: Request,
  methods: readonly string[],
  rules: OriginRules,
): Record<string, string> {
  const asked = request.headers.get('access-control-request-headers') ?? ''
  return {
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': /^[\w\-, ]+$/.test(asked) ? asked : 'Content-Type',
    'access-control-max-age': String(Math.floor(rules.maxAgeSecs)),
    // Chrome asks for it where a public page calls a private address.
    ...(request.headers.has('access-control-request-private-network')
      ? { 'access-control-allow-private-network': 'true' }
      : {}),
  }
}

function isAllowed(origin: string, rules: OriginRules): boolean {
  return rules.allowed.includes('*') || isNamed(origin, rules)
}

function isNamed(origin: string, { allowed }: OriginRules): boolean {
  return origin !== 'null' && allowed.some((entry) => entry !== '*' && originOf(entry) === originOf(origin))
}

/** The page came from this server, by whatever name it was called; a proxy in front may have added TLS. */
function isOwnOrigin(request: Request, origin: string): boolean {
  if (!/^https?:/i.test(origin) || !URL.canParse(origin)) return false
  return new URL(origin).host === hostOf(request)?.host
}

/** Browsers leave the Origin out of simple GETs, but say that these come from elsewhere. */
function isCrossSiteFetch(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site')
  const followsLink = request.headers.get('sec-fetch-mode') === 'navigate' && request.method === 'GET'
  return (site === 'cross-site' || site === 'same-site') && !followsLink
}

function originOf(text: string): string {
  return URL.canParse(text) ? new URL(text).origin : text
}
