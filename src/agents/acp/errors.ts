import type { RequestError } from '@agentclientprotocol/sdk'
import { ClinvkError, fromUpstream } from '../../errors.ts'
import type { ExitStatus } from '../../process/child.ts'
import { tailOf } from '../../process/tail.ts'
import { describeEnd } from '../command.ts'
import { type Fields, fields, number, word } from '../fields.ts'
import type { Finding } from './profile.ts'

/** Who failed, and what to do about a missing login. */
export interface Failing {
  readonly backend: string
  readonly loginHint: string
}

/** A JSON-RPC error, as far as it matters. */
export type Refusal = Pick<RequestError, 'code' | 'message' | 'data'>

const AUTH_REQUIRED = -32000
const METHOD_NOT_FOUND = -32601

/** The error that the JSON-RPC error of a prompt or of a new session stands for. */
export function refusalError(
  { backend, loginHint }: Failing,
  refusal: Refusal,
  finding: Finding = {},
): ClinvkError {
  const data = fields(refusal.data)
  const message = withoutPrefix(finding.message ?? sentence(refusal.message, data))
  const details = { backend }
  if (refusal.code === AUTH_REQUIRED)
    return new ClinvkError('not_logged_in', `${backend}: ${message} ${loginHint}`, { details })
  // OpenCode's name for it.
  if (data['errorName'] === 'ContextOverflowError')
    return new ClinvkError('context_too_long', `${backend}: ${message}`, { details })
  // Gemini tells a model that does not exist as a 500.
  if (UNKNOWN_MODEL.test(message))
    return new ClinvkError('model_not_found', `${backend}: ${message}`, { upstreamStatus: 404, details })
  const status = finding.status ?? statusOf(refusal, data)
  if (status === undefined) return new ClinvkError('agent_failed', `${backend}: ${message}`, { details })
  return fromUpstream(backend, {
    status,
    message: status === 401 ? `${message} ${loginHint}` : message,
    retryAfterMs: finding.retryAfterMs ?? number(data['retryAfterMs']) ?? toldDelay(message),
  })
}

/** Whether more is to be learnt: the error is a provider's, but its status is not told. */
export function lacksStatus({ code, message, data }: Refusal): boolean {
  const told = fields(data)
  return (
    code !== AUTH_REQUIRED &&
    told['errorName'] !== 'ContextOverflowError' &&
    statusOf({ code, message, data }, told) === undefined
  )
}

/** The error for a session that was to be opened again. Agents have no common code for one they don't know. */
export function resumeError(failing: Failing, id: string, refusal: Refusal): ClinvkError {
  if (refusal.code === AUTH_REQUIRED) return refusalError(failing, refusal)
  const message = withoutPrefix(sentence(refusal.message, fields(refusal.data)))
  return new ClinvkError(
    'session_not_found',
    `${failing.backend}: session ${id} cannot be opened: ${message}`,
    {
      details: { backend: failing.backend },
    },
  )
}

/** The error for a model that could not be chosen. */
export function modelError({ backend }: Failing, model: string, refusal: Refusal): ClinvkError {
  if (refusal.code === METHOD_NOT_FOUND) return noModels(backend)
  const why = withoutPrefix(sentence(refusal.message, fields(refusal.data)))
  return new ClinvkError('model_not_found', `${backend}: the model "${model}" is not available: ${why}`, {
    details: { backend },
  })
}

/** The error for a model where the agent lets none be chosen. */
export function noModels(backend: string): ClinvkError {
  return new ClinvkError('unsupported_option', `model: ${backend} cannot be told which model to use.`, {
    details: { backend, option: 'model' },
  })
}

/**
 * The error for a process that ended although something was expected of it.
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

const UNKNOWN_MODEL = /\bmodels?[/ :]\s?"?[\w.:/-]+"? (?:is |was )?not found|\bmodel not found\b/i
const LAST_WORDS = 500

/** Gemini's code is the HTTP status itself; others put it into `data`, or only into words. */
function statusOf({ code, message }: Refusal, data: Fields): number | undefined {
  const told = [code, data['status'], data['statusCode'], data['httpStatus'], fields(data['error'])['code']]
  const [, worded] = /\b(?:HTTP|status(?: code)?|API error)[: ]+(?:\()?([45]\d\d)\b/i.exec(message) ?? []
  return [...told.map(number), Number(worded)].find(
    (status) => status !== undefined && Number.isInteger(status) && status >= 400 && status <= 599,
  )
}

/** The innermost message: some pass the provider's JSON on as it came. */
function sentence(text: string, data: Fields, depth = 0): string {
  const details = word(data['details']) ?? word(data['message'])
  if (/^internal error\.?$/i.test(text.trim()) && details !== undefined) return sentence(details, {}, depth)
  if (depth > 4 || !/^[[{]/.test(text.trim())) return text.trim() || 'It gave no reason.'
  try {
    const parsed: unknown = JSON.parse(text)
    const found = fields(Array.isArray(parsed) ? parsed[0] : parsed)
    const inner = word(fields(found['error'])['message']) ?? word(found['message'])
    return inner === undefined ? text.trim() : sentence(inner, {}, depth + 1)
  } catch {
    return text.trim()
  }
}

/** The SDK on the agent's side writes the meaning of the code before the message. */
function withoutPrefix(message: string): string {
  const short = message.replace(/^(?:internal error|invalid params|invalid request): (?=\S)/i, '')
  return /[.!?]$/.test(short) ? short : `${short}.`
}

/** "Please retry in 7.5s", as Google words it. */
function toldDelay(message: string): number | undefined {
  const [, seconds] = /retry (?:after|in) (\d+(?:\.\d+)?) ?s/i.exec(message) ?? []
  return seconds === undefined ? undefined : Math.ceil(Number(seconds) * 1000)
}

function lastWords(stderr: string): string {
  return tailOf(stderr.trim(), LAST_WORDS)
}
