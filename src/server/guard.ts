import { Elysia } from 'elysia'
import { ClinvkError, shuttingDown } from '../errors.ts'
import { clientAddress, type TrustCheck } from './client-address.ts'
import type { Connections } from './connections.ts'
import { checkOrigin, corsHeaders, isPreflight, type OriginRules, preflightHeaders } from './cors.ts'
import { checkHost, type HostRules } from './hosts.ts'
import { type KeyCheck, sendsKey } from './keys.ts'
import type { RateLimiter } from './rate-limit.ts'
import { requestId } from './request-id.ts'
import type { RouteTable } from './route-table.ts'

/** What stands between the socket and the routes. */
export interface GuardOptions {
  readonly hosts: HostRules
  readonly origins: OriginRules
  /** Absent: no key is needed. */
  readonly keys?: KeyCheck
  readonly rateLimit?: RateLimiter
  readonly isTrustedProxy: TrustCheck
  readonly routes: RouteTable
  readonly connections: Connections
  /** Aborted when nothing is begun any more. */
  readonly leaving: AbortSignal
}

/**
 * Lets a request in or refuses it, before anything of its body is looked at: validation runs later and would
 * otherwise answer strangers.
 */
export function guardPlugin(options: GuardOptions) {
  return new Elysia({ name: 'clinvk.guard' }).onRequest(async ({ request, set }) => {
    Object.assign(set.headers, {
      'x-request-id': requestId(request),
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
    // HTTP/1.0 may leave the Host out; there is no address to find a route by then.
    if (!URL.canParse(request.url)) throw new ClinvkError('invalid_request', 'The request names no Host.')
    checkHost(request, options.hosts)
    checkOrigin(request, options.origins)
    Object.assign(set.headers, corsHeaders(request, options.origins))
    const { pathname } = new URL(request.url)
    if (!isWellFormed(pathname))
      throw new ClinvkError(
        'invalid_request',
        'The address holds a % that is not followed by a UTF-8 character.',
      )
    const methods = options.routes.methodsOf(pathname)
    // Browsers send a preflight without any key.
    if (isPreflight(request)) return empty(preflightHeaders(request, methods, options.origins))

    if (!isOpen(pathname)) await admit(request, options)
    if (options.leaving.aborted && begins(request.method, pathname)) throw leavingError(options.leaving)
    if (request.method === 'OPTIONS' && methods.length > 0) return empty({ allow: methods.join(', ') })
    if (methods.includes(request.method)) checkContentType(request)
    return undefined
  })
}

/** The framework decodes parts of the path, and fails on those that can't be. */
function isWellFormed(pathname: string): boolean {
  try {
    decodeURIComponent(pathname)
    return true
  } catch {
    return false
  }
}

/**
 * Whether a request would begin something. Until the server ends, the rest is answered: what runs can be followed,
 * cancelled and deleted. Who asks whether the server is well wants to know whether to send it more.
 */
function begins(method: string, pathname: string): boolean {
  if (isOpen(pathname)) return true
  return (method === 'POST' || method === 'PUT') && !pathname.endsWith('/cancel')
}

function leavingError({ reason }: AbortSignal): ClinvkError {
  return reason instanceof ClinvkError ? reason : shuttingDown()
}

/** Probes of the operator's machines have no key and are not counted. */
function isOpen(pathname: string): boolean {
  return pathname === '/health'
}

async function admit(request: Request, { keys, rateLimit, connections, isTrustedProxy }: GuardOptions) {
  const key = keys === undefined ? undefined : await keys(request)
  const address = clientAddress(connections.address(request) ?? 'local', request.headers, isTrustedProxy)
  // Counted before the key is judged, so that keys can't be guessed at full speed.
  const wait = rateLimit?.(key === undefined ? address : `key ${key}`)
  if (wait !== undefined)
    throw new ClinvkError('rate_limited', 'There were too many requests in too short a time.', {
      retryAfterMs: wait,
    })
  if (keys !== undefined && key === undefined)
    throw new ClinvkError(
      'unauthorized',
      `${sendsKey(request) ? 'This API key is not valid' : 'This server needs an API key'}: send one of its own as Authorization: Bearer KEY, X-Api-Key or Api-Key.`,
    )
}

/**
 * Bodies are JSON and say so. A browser sends any other type to any server for any page without asking first.
 *
 * @throws `unsupported_media_type`
 */
function checkContentType({ method, headers, body }: Request): void {
  if (method !== 'POST' && method !== 'PUT' && method !== 'PATCH') return
  // OpenAI's libraries send no type where they send no body, as to cancel a response.
  if (body === null && !headers.has('content-type')) return
  const [type = '', ...parameters] = (headers.get('content-type') ?? '').toLowerCase().split(';')
  const charset = parameters.map((text) => text.trim().match(/^charset="?([^"]*)"?$/)?.[1]).find(Boolean)
  if (type.trim() !== 'application/json')
    throw new ClinvkError(
      'unsupported_media_type',
      'The body must be JSON: send Content-Type: application/json.',
    )
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')
    throw new ClinvkError('unsupported_media_type', 'JSON is UTF-8: send it in that charset.')
}

function empty(headers: Record<string, string>): Response {
  return new Response(null, { status: 204, headers })
}
