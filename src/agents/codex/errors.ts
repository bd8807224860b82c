import { ClinvkError, type ErrorCode, fromUpstream } from '../../errors.ts'
import type { ExitStatus } from '../../process/child.ts'
import { RpcError } from '../../process/json-rpc.ts'
import { tailOf } from '../../process/tail.ts'
import { describeEnd } from '../command.ts'
import { type Fields, fields, number, word } from '../fields.ts'

/**
 * The error that a `TurnError` of the app-server stands for. Its `codexErrorInfo` is a word, or an object with
 * one member that may hold the provider's status.
 *
 * @param retryAfterMs how long the account's limits last, where the app-server told.
 */
export function turnError(backend: string, error: Fields, retryAfterMs?: number): ClinvkError {
  const { kind, status } = errorInfo(error)
  const told = word(error['message']) ?? word(error['additionalDetails']) ?? 'It gave no reason.'
  const { message, isBody, code } = providerWords(told)
  const details = { backend }
  const text = `${backend}: ${message}`

  if (MISSING_KEY.test(message))
    return new ClinvkError('not_logged_in', `${text} Set it in the environment that clinvk is started in.`, {
      details,
    })
  if (kind === 'unauthorized' && NOT_LOGGED_IN.test(message)) return notLoggedIn(backend, message)
  if (kind === 'contextWindowExceeded' || code === 'context_length_exceeded')
    return new ClinvkError('context_too_long', text, { details })
  if (kind === 'modelNotFound' || code === 'model_not_found')
    return new ClinvkError('model_not_found', text, {
      ...(status === undefined ? {} : { upstreamStatus: status }),
      details,
    })
  if (code === 'insufficient_quota' || (kind === 'usageLimitExceeded' && UNPAID.test(message)))
    return new ClinvkError('upstream_billing', text, {
      ...(status === undefined ? {} : { upstreamStatus: status }),
      details,
    })
  if (status !== undefined) return fromUpstream(backend, { status, message, retryAfterMs })
  const known = kind === undefined ? undefined : BY_KIND[kind]
  if (known) {
    const wait = known === 'upstream_rate_limited' ? (toldDelay(message) ?? retryAfterMs) : undefined
    return new ClinvkError(known, text, {
      ...(wait === undefined ? {} : { retryAfterMs: wait }),
      details,
    })
  }
  // Codex has no word for these two, but it shows a refused request's body only for a 400, and says this for a 500.
  if (isBody) return fromUpstream(backend, { status: 400, message })
  if (kind === 'internalServerError') return fromUpstream(backend, { status: 500, message })
  return fromUpstream(backend, { message })
}

/** What kind of error it is and the provider's HTTP status, where Codex tells them. */
export function errorInfo(error: Fields): { kind?: string; status?: number } {
  const info = error['codexErrorInfo']
  if (typeof info === 'string') return { kind: info }
  const [entry] = Object.entries(fields(info))
  if (!entry) return {}
  const status = number(fields(entry[1])['httpStatusCode'])
  return status === undefined ? { kind: entry[0] } : { kind: entry[0], status }
}

/**
 * What the provider said, out of the sentence that Codex makes of it: `unexpected status 401 Unauthorized:
 * WORDS, url: URL`, or the body of a refusal as it is. `code` is the provider's own.
 */
export function providerWords(told: string): { message: string; isBody: boolean; code?: string } {
  const inner = UNEXPECTED_STATUS.exec(told)?.[1] ?? told
  const body = parseBody(inner)
  const message = word(body?.['message'])
  if (!body || message === undefined) return { message: inner.trim(), isBody: false }
  const code = word(body['code'])
  return { message, isBody: inner === told, ...(code === undefined ? {} : { code }) }
}

/** The error for a backend that nobody has logged in to. */
export function notLoggedIn(backend: string, message = 'Nobody is logged in.'): ClinvkError {
  return new ClinvkError('not_logged_in', `${backend}: ${message} ${HOW_TO_LOG_IN}`, { details: { backend } })
}

/** What to do where nobody is logged in. */
export const HOW_TO_LOG_IN =
  'Run "codex login" as the user that runs clinvk, or configure a model provider with its key in Codex.'

/** The error for a request that the app-server refused. */
export function requestError(backend: string, method: string, thrown: unknown): ClinvkError {
  if (!(thrown instanceof RpcError)) {
    if (thrown instanceof ClinvkError) return thrown
    return new ClinvkError('agent_protocol', `${backend}: ${method} failed.`, {
      cause: thrown,
      details: { backend },
    })
  }
  const details = { backend }
  const text = `${backend}: ${thrown.message}`
  if (thrown.code === OVERLOADED) return new ClinvkError('backend_not_ready', text, { details })
  if (isStillHeld(thrown)) return new ClinvkError('session_busy', text, { details })
  if ((method === 'thread/resume' || method === 'thread/fork') && UNKNOWN_THREAD.test(thrown.message))
    return new ClinvkError('session_not_found', text, { details })
  return new ClinvkError('agent_failed', text, { details })
}

/** Whether a thread cannot be resumed yet, because it is being closed or another process writes it. */
export function isStillHeld(thrown: unknown): boolean {
  return thrown instanceof RpcError && /is closing; retry|already has an active writer/.test(thrown.message)
}

/**
 * The error for a process that ended although it was needed.
 *
 * @param shared Whether it served several sessions: what it said may be about another one, and is only for our log.
 */
export function crashError(backend: string, status: ExitStatus, stderr: string, shared = false): ClinvkError {
  const words = lastWords(stderr)
  return new ClinvkError('agent_crashed', `${backend} ${describeEnd.ended(status, shared ? '' : words)}`, {
    details: { backend, exit_code: status.code, signal: status.signal },
    ...(shared && words !== '' ? { cause: words } : {}),
  })
}

/** The app-server's own code for "too busy, try again". */
const OVERLOADED = -32001

const BY_KIND: Readonly<Record<string, ErrorCode>> = {
  usageLimitExceeded: 'upstream_rate_limited',
  rateLimitExceeded: 'upstream_rate_limited',
  flexUnavailable: 'upstream_rate_limited',
  serverOverloaded: 'upstream_overloaded',
  policyCapacityUnavailable: 'upstream_overloaded',
  unauthorized: 'upstream_auth',
  badRequest: 'upstream_invalid_request',
  cyberPolicy: 'upstream_forbidden',
  misalignmentPolicyViolation: 'upstream_forbidden',
  inferenceHookDenied: 'upstream_forbidden',
  sessionBudgetExceeded: 'agent_failed',
  tooManyDenials: 'agent_failed',
  sandboxError: 'agent_failed',
  threadRollbackFailed: 'agent_failed',
}

/**
 * Codex says in words of its own, and not in a code, whether a limit that is used up comes back by itself: the first
 * are for the provider's `insufficient_quota`, the last for `usage_not_included` (0.169.0).
 */
const UNPAID = /^quota exceeded|out of credits|spend cap|^to use codex with your chatgpt plan/i
const MISSING_KEY = /^missing environment variable/i
const NOT_LOGGED_IN = /not logged in|log ?in|sign ?in/i
const UNKNOWN_THREAD = /no rollout found|thread not found|session not found|invalid (?:session|thread) id/i
// After the words come the address, which is the operator's own business, and ids for the provider's support.
const UNEXPECTED_STATUS =
  /^unexpected status \d{3} [^:]*: ([\s\S]*?)(?:, (?:url|cf-ray|request id|auth error[^:]*): [^,]*)*$/
const LAST_WORDS = 500

/** "Please try again in 1.5s", as OpenAI words it. */
function toldDelay(message: string): number | undefined {
  const [, count, unit] = /try again in (\d+(?:\.\d+)?) ?(ms|s)\b/i.exec(message) ?? []
  return count === undefined ? undefined : Math.ceil(Number(count) * (unit === 'ms' ? 1 : 1000))
}

function parseBody(text: string): Fields | undefined {
  if (!text.trimStart().startsWith('{')) return undefined
  try {
    const body = fields(JSON.parse(text))
    // `{"error":{"message"}}` is OpenAI's shape, `{"detail"}` that of the ChatGPT backend.
    const error = fields(body['error'])
    if (word(error['message']) !== undefined) return error
    const message = word(body['message']) ?? word(body['detail']) ?? word(body['error'])
    return message === undefined ? undefined : { ...body, message }
  } catch {
    return undefined
  }
}

/** The last of what a process said, without colours, back traces and what Codex warns of at every start. */
function lastWords(stderr: string): string {
  const lines = Bun.stripANSI(stderr)
    .split('\n')
    .filter(
      (line) =>
        !/^\s*(?:WARNING: proceeding|Stack backtrace:|\d+: |at )|could not find bubblewrap|^\s*$/.test(line),
    )
  return tailOf(lines.join('\n').trim(), LAST_WORDS)
}
