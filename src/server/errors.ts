import { Elysia, type ParseError, ValidationError } from 'elysia'
import { ClinvkError, ERROR_TABLE, toClinvkError } from '../errors.ts'
import { toAnthropicError } from './anthropic/errors.ts'
import { isReplay } from './chat/replay-guard.ts'
import { dialectOf } from './dialect.ts'
import { isForReading } from './keys.ts'
import type { Log } from './log.ts'
import { toOpenAiError } from './openai/errors.ts'
import { toProblem } from './problem.ts'
import { requestId } from './request-id.ts'
import type { RouteTable } from './route-table.ts'

/**
 * Turns everything that is thrown while a request is served into an answer. It must be the first plugin:
 * the framework does not guard what was registered before it.
 */
export function errorPlugin(routes: RouteTable, log: Log) {
  return new Elysia({ name: 'clinvk.errors' }).onError({ as: 'global' }, ({ code, error, request }) => {
    const failure = toFailure(code, error, request, routes)
    logFailure(failure, request, log)
    return errorResponse(failure, request)
  })
}

/** The answer to a request that failed, in the words of the API that it called. */
function errorResponse(error: ClinvkError, request: Request): Response {
  const response = encode(error, request)
  for (const [name, value] of Object.entries(headersOf(error, request))) response.headers.set(name, value)
  return response
}

function encode(error: ClinvkError, request: Request): Response {
  const dialect = dialectOf(request)
  if (dialect === 'openai') return toOpenAiError(error)
  if (dialect === 'anthropic') return toAnthropicError(error, requestId(request))
  return new Response(JSON.stringify(toProblem(error, requestId(request))), {
    status: error.status,
    headers: { 'content-type': 'application/problem+json' },
  })
}

/** Logs what is not the client's doing. */
export function logFailure(error: ClinvkError, request: Request, log: Log): void {
  // Who comes while we are leaving is told so, as often as it comes; that is nothing that went wrong.
  if (error.status < 500 || error.code === 'shutting_down' || isReplay(error)) return
  log('error', `${ERROR_TABLE[error.code].title}: ${error.message}`, {
    request_id: requestId(request),
    code: error.code,
    ...(error.cause === undefined ? {} : { cause: error.cause }),
  })
}

/** What the framework calls an error, as one of ours. Its own messages never leave the process. */
function toFailure(code: unknown, error: unknown, request: Request, routes: RouteTable): ClinvkError {
  if (error instanceof ClinvkError) return error
  // What a body parser throws arrives wrapped.
  if (code === 'PARSE') {
    const { cause } = error as ParseError
    return cause instanceof ClinvkError
      ? cause
      : new ClinvkError('invalid_json', 'The body could not be read as JSON.', { cause: error })
  }
  if (code === 'NOT_FOUND') return notFound(request, routes)
  if (error instanceof ValidationError && error.type !== 'response')
    return new ClinvkError('invalid_request', `The ${error.type} of the request is not as it should be.`)
  if (code === 'INVALID_COOKIE_SIGNATURE')
    return new ClinvkError('invalid_request', 'A cookie of the request has a wrong signature.')
  return toClinvkError(error)
}

function notFound(request: Request, routes: RouteTable): ClinvkError {
  const { pathname } = new URL(request.url)
  const allow = routes.methodsOf(pathname)
  if (allow.length === 0)
    return new ClinvkError(
      'route_not_found',
      'There is nothing at this address. GET /openapi.json lists what there is.',
    )
  return new ClinvkError(
    'method_not_allowed',
    `${request.method} is not possible here; possible: ${allow.join(', ')}.`,
    { details: { allow } },
  )
}

function headersOf(error: ClinvkError, request: Request): Record<string, string> {
  const { code, details, retryAfterMs } = error
  const headers: Record<string, string> = {}
  if (retryAfterMs !== undefined) headers['retry-after'] = String(Math.ceil(retryAfterMs / 1000))
  if (code === 'method_not_allowed' && Array.isArray(details['allow']))
    headers['allow'] = details['allow'].join(', ')
  if (typeof details['run_id'] === 'string') headers['x-clinvk-run'] = details['run_id']
  if (details['idempotency_replayed'] === true) headers['idempotency-replayed'] = 'true'
  if (isReplay(error)) headers['x-clinvk-replay'] = 'replayed'
  if (code === 'unauthorized')
    // A browser asks for a password, and shows what it cannot send a key for.
    headers['www-authenticate'] = isForReading(request)
      ? 'Basic realm="clinvk: any name, an API key as the password"'
      : 'Bearer realm="clinvk"'
  // RFC 9110, 12.5.3: with 415, the encodings that would have been accepted.
  if (typeof details['accept_encoding'] === 'string') headers['accept-encoding'] = details['accept_encoding']
  return headers
}
