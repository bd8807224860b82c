import { ClinvkError, fromUpstream } from '../../errors.ts'
import type { ExitStatus } from '../../process/child.ts'
import { tailOf } from '../../process/tail.ts'
import { describeEnd } from '../command.ts'
import { type Fields, number, word } from '../fields.ts'

/** What was learnt of a failure before the `result` that tells of it. */
export interface Trouble {
  /** Claude Code's own word for it, from the message that it synthesised: `rate_limit`, `model_not_found` … */
  readonly kind?: string | undefined
  /** How long the provider asked to be left alone, in ms. */
  readonly retryAfterMs?: number | undefined
  readonly model?: string | undefined
}

/** The error that a failed turn's `result` stands for. `subtype` may say "success" all the same. */
export function resultError(backend: string, result: Fields, trouble: Trouble = {}): ClinvkError {
  const status = number(result['api_error_status'])
  const message = words(word(result['result']) ?? firstError(result) ?? 'It gave no reason.')
  const details = { backend }

  if (status === undefined && (trouble.kind === 'authentication_failed' || NOT_LOGGED_IN.test(message)))
    return new ClinvkError('not_logged_in', `${backend}: ${message} ${HOW_TO_LOG_IN}`, { details })
  // The status is ours: the provider says most of these with a 400, which would blame the request.
  if (trouble.kind === 'billing_error' || OUT_OF_MONEY.test(message))
    return new ClinvkError('upstream_billing', `${backend}: ${message}`, {
      ...(status === undefined ? {} : { upstreamStatus: status }),
      details,
    })
  // A limit of the plan that Claude Code knows of by itself comes without a status.
  if (trouble.kind === 'rate_limit' && status === undefined)
    return new ClinvkError('upstream_rate_limited', `${backend}: ${message}`, {
      ...(trouble.retryAfterMs === undefined ? {} : { retryAfterMs: trouble.retryAfterMs }),
      details,
    })
  if (trouble.kind === 'model_not_found')
    return new ClinvkError(
      'model_not_found',
      `${backend}: the model ${trouble.model === undefined ? 'asked for' : `"${trouble.model}"`} does not exist, or this account may not use it.`,
      { ...(status === undefined ? {} : { upstreamStatus: status }), details },
    )
  if (result['subtype'] !== 'success' && status === undefined) return startError(backend, message)
  return fromUpstream(backend, {
    status,
    message: status === 401 ? `${message} ${HOW_TO_LOG_IN}` : message,
    retryAfterMs: trouble.retryAfterMs,
  })
}

/** The error for what Claude Code says when it refuses to start or to run: on stderr, or in a `result`. */
function startError(backend: string, message: string): ClinvkError {
  if (UNKNOWN_SESSION.test(message))
    return new ClinvkError('session_not_found', `${backend}: ${message}`, { details: { backend } })
  return new ClinvkError('agent_failed', `${backend}: ${message}`, { details: { backend } })
}

/** The error for a process that ended although something was expected of it. */
export function crashError(backend: string, status: ExitStatus, stderr: string): ClinvkError {
  const tail = lastWords(stderr)
  if (UNKNOWN_SESSION.test(tail)) return startError(backend, tail)
  return new ClinvkError('agent_crashed', `${backend} ${describeEnd.ended(status, tail)}`, {
    details: { backend, exit_code: status.code, signal: status.signal },
  })
}

/**
 * How long the provider told Claude Code to wait, where an `api_retry` shows it: its own back-off is 500 ms,
 * doubled each time up to 32 s, and a quarter at random; a longer delay comes from a `retry-after`.
 */
export function toldDelay(retry: Fields): number | undefined {
  const delay = number(retry['retry_delay_ms'])
  const attempt = number(retry['attempt']) ?? 1
  const own = Math.min(500 * 2 ** (attempt - 1), 32_000) * 1.5
  return delay !== undefined && delay > own ? delay : undefined
}

const HOW_TO_LOG_IN = 'Run "claude auth login" as the user that runs clinvk, or set ANTHROPIC_API_KEY for it.'
const NOT_LOGGED_IN = /not logged in|please run \/login|invalid api key|oauth token/i
// The provider's words for a limit that its customer has set, and Claude Code's for credits that end in mid-answer
// (2.1.330), which have no kind.
const OUT_OF_MONEY = /specified API usage limits|usage credits ran out/i
const UNKNOWN_SESSION = /no conversation found|--resume requires a valid session/i
const LAST_WORDS = 500

/** Claude Code's sentence without what only says that it is an error, and without the operator's own addresses. */
function words(text: string): string {
  return text
    .replace(/^(?:API )?Error: /, '')
    .replace(/^Request rejected \(\d{3}\) · /, '')
    .replace(/^\d{3} (?=\S)/, '')
    .replace(/ If it persists, check your inference gateway \([^)]*\)\.?/, '')
    .replace(/ · Please run \/login| · Fix external API key/g, '.')
    .trim()
}

function firstError(result: Fields): string | undefined {
  const errors = result['errors']
  const found = Array.isArray(errors) ? errors.find((error) => word(error) !== undefined) : undefined
  return word(found)
}

function lastWords(stderr: string): string {
  return tailOf(stderr.trim(), LAST_WORDS)
}

/** The error for a process that refuses the first request of a conversation. */
export function protocolError(backend: string, response: Fields): ClinvkError {
  return new ClinvkError(
    'agent_protocol',
    `${backend} refused to be driven: ${word(response['error']) ?? 'it gave no reason.'} A newer version may help.`,
    { details: { backend } },
  )
}

/** The error for a parked process that does not take the folder. Another one, started there, may say more. */
export function claimError(backend: string, workdir: string, response: Fields): ClinvkError {
  return new ClinvkError(
    'agent_protocol',
    `${backend} could not be put to work in ${workdir}: ${word(response['error']) ?? 'it gave no reason.'}`,
    { details: { backend, claim: false } },
  )
}

export function isClaimError(error: unknown): boolean {
  return error instanceof ClinvkError && error.details['claim'] === false
}
