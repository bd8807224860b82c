import { sentOf } from '../../chat/without-effect.ts'
import { refusal } from '../refusals.ts'
import type { CreateResponse } from './schema.ts'

/**
 * Refuses what would change the meaning of the answer and cannot be done.
 *
 * @throws `unsupported_option` with the field at fault.
 */
export function checkRequest(body: CreateResponse): void {
  if (body.background === true)
    throw refusal('background', 'Responses in the background are not supported; use stream instead.')
  if (isSet(body.conversation))
    throw refusal('conversation', 'Conversations are not supported; use previous_response_id instead.')
  if (isSet(body.prompt))
    throw refusal('prompt', 'There are no stored prompts here; send the text in instructions and input.')
  checkTools(body)
  const format = body.text?.format?.type ?? 'text'
  if (format !== 'text')
    throw refusal('text.format', `The format ${JSON.stringify(format)} is not supported yet; only text is.`)
  if ((body.top_logprobs ?? 0) > 0)
    throw refusal('top_logprobs', 'Agents do not tell the probabilities of tokens.')
  if (body.include?.includes('message.output_text.logprobs'))
    throw refusal('include', 'Agents do not tell the probabilities of tokens.')
}

/** The fields of a request that were accepted and change nothing. */
export function fieldsWithoutEffect(body: CreateResponse): string[] {
  return [
    ...sentOf(body, WITHOUT_EFFECT),
    ...sentOf(body.text ?? {}, ['verbosity']).map((name) => `text.${name}`),
  ]
}

const WITHOUT_EFFECT = [
  'temperature',
  'top_p',
  'max_tool_calls',
  'parallel_tool_calls',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'service_tier',
  'truncation',
  'user',
]

function checkTools({ tools, tool_choice: choice }: CreateResponse): void {
  if (choice === 'none') return
  if (tools !== null && tools !== undefined && tools.length > 0)
    throw refusal('tools', 'Tools are not supported yet. Leave them out, or set tool_choice to "none".')
  if (isSet(choice) && choice !== 'auto')
    throw refusal('tool_choice', 'Tools are not supported yet: tool_choice can be "auto" or "none".')
}

function isSet(value: unknown): boolean {
  return value !== null && value !== undefined
}
