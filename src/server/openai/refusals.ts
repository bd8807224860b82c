import { ClinvkError } from '../../errors.ts'
import type { ChatCompletionRequest } from './request-schema.ts'

/**
 * Refuses what would change the meaning of the answer and is not done: to ignore it would be to answer something
 * else.
 *
 * @throws `unsupported_option`
 */
export function refuseUnsupported(body: ChatCompletionRequest): void {
  const { functions, function_call: call } = body
  if ((functions?.length ?? 0) > 0 && call !== 'none')
    throw refusal('functions', 'functions are the older form of tools, and not supported: send tools.')
  if (isSet(call) && call !== 'none' && call !== 'auto')
    throw refusal(
      'function_call',
      'function_call is the older form of tool_choice, and not supported: send that.',
    )
  if ((body.n ?? 1) > 1) throw refusal('n', 'Only one answer can be given to a request: n must be 1.')
  if (body.logprobs || (body.top_logprobs ?? 0) > 0)
    throw refusal(
      body.logprobs ? 'logprobs' : 'top_logprobs',
      'No agent tells the probabilities of its tokens.',
    )
  if (body.modalities?.some((modality) => modality !== 'text'))
    throw refusal('modalities', 'Answers are text: no agent speaks or draws.')
  if (isSet(body.audio)) throw refusal('audio', 'Answers are text: no agent speaks.')
  if (isSet(body.web_search_options))
    throw refusal(
      'web_search_options',
      'An agent cannot be made to search the web by a field of the request.',
    )
}

/** The error for a field that means something that is not done. */
export function refusal(param: string, message: string): ClinvkError {
  return new ClinvkError('unsupported_option', message, { details: { param } })
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}
