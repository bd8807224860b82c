import type { ClinvkError } from '../../errors.ts'

const afterRun = new WeakSet<ClinvkError>()

/** Notes that a turn had begun when it failed with this error. */
export function markAgentRan(error: ClinvkError): ClinvkError {
  afterRun.add(error)
  return error
}

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
