import { wasNotRun } from '../../engine/not-run.ts'
import type { ClinvkError, ErrorCode } from '../../errors.ts'

const afterRun = new WeakSet<ClinvkError>()

/** Notes that a turn had begun when it failed with this error, unless no model can have been asked by then. */
export function markAgentRan(error: ClinvkError): ClinvkError {
  if (!BEFORE_ANY_MODEL.has(error.code) && !wasNotRun(error)) afterRun.add(error)
  return error
}

/** What fails while an agent is opened, and costs nothing to try again once its cause is mended. */
const BEFORE_ANY_MODEL: ReadonlySet<ErrorCode> = new Set([
  'invalid_request',
  'unsupported_option',
  'invalid_workdir',
  'workdir_refused',
  'model_not_found',
  'not_logged_in',
  'backend_not_installed',
  'backend_not_ready',
  'queue_full',
])

/**
 * Whether an agent had begun to work when the error came up, so that the same request once more would do its
 * work, and its cost, once more.
 */
export function agentRan(error: ClinvkError): boolean {
  return afterRun.has(error)
}

/**
 * Tells the SDKs of OpenAI and Anthropic not to send the request again by themselves: they honour
 * `x-should-retry` before their own rules on the status. What is worth another try, because no agent ran, is
 * left to these rules.
 */
export function retryHeaders(error: ClinvkError): Record<string, string> {
  return agentRan(error) || !error.retryable ? { 'x-should-retry': 'false' } : {}
}
