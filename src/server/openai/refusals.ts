import { ClinvkError } from '../../errors.ts'
import type { ChatCompletionRequest } from './request-schema.ts'

/**
 * Refuses what would change the meaning of the answer and is not done: to ignore it would be to answer something
 * else.
 *
 * @throws `unsupported_option`
 */
export function refuseUnsupported(body: ChatCompletionRequest): void {
  const { response_format: format, tool_choice: choice, function_call: call } = body
  if (isFilled(body.tools) && choice !== 'none')
    throw refusal('tools', 'Functions are not supported yet. Leave tools out, or send tool_choice: "none".')
  if (isFilled(body.functions) && call !== 'none')
    throw refusal('functions', 'Functions are not supported yet. Leave functions out.')
  if (!isFree(choice))
    throw refusal('tool_choice', 'Functions are not supported yet, so the model cannot be made to call one.')
  if (!isFree(call))
    throw refusal(
      'function_call',
      'Functions are not supported yet, so the model cannot be made to call one.',
    )
  if (format && format.type !== 'text')
    throw refusal(
      'response_format',
      `response_format ${JSON.stringify(format.type)} is not supported yet. Leave it out, or send {"type": "text"}.`,
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

function isFilled(list: readonly unknown[] | null | undefined): boolean {
  return (list?.length ?? 0) > 0
}

function isFree(choice: unknown): boolean {
  return !isSet(choice) || choice === 'none' || choice === 'auto'
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}
