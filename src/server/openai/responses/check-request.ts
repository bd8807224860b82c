import { sentOf } from '../../chat/without-effect.ts'
import { refusal } from '../refusals.ts'
import type { CreateResponse } from './schema.ts'

/**
 * Refuses what would change the meaning of the answer and cannot be done.
 *
 * @throws `unsupported_option` with the field at fault.
 */
export function checkRequest(body: CreateResponse): void {
  if (body.background === true && body.store === false)
    throw refusal('background', 'A response in the background needs store: it is read by its id.')
  if (isSet(body.conversation))
    throw refusal('conversation', 'Conversations are not supported; use previous_response_id instead.')
  if (isSet(body.prompt))
    throw refusal('prompt', 'There are no stored prompts here; send the text in instructions and input.')
  if ((body.top_logprobs ?? 0) > 0)
    throw refusal('top_logprobs', 'Agents do not tell the probabilities of tokens.')
  if (body.include?.includes('message.output_text.logprobs'))
    throw refusal('include', 'Agents do not tell the probabilities of tokens.')
}

/** The fields of a request that were accepted and change nothing. `hosted` are types of tools of the provider's own. */
export function fieldsWithoutEffect(body: CreateResponse, hosted: readonly string[]): string[] {
  const types = body.tool_choice === 'none' ? [] : hosted
  return [
    ...sentOf(body, WITHOUT_EFFECT),
    ...types.map((type) => `tools.${type.replace(/[^\w.-]/g, '_').slice(0, 60)}`),
    ...sentOf(body.text ?? {}, ['verbosity']).map((name) => `text.${name}`),
  ]
}

const WITHOUT_EFFECT = [
  'temperature',
  'top_p',
  'max_tool_calls',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'service_tier',
  'truncation',
  'user',
]

function isSet(value: unknown): boolean {
  return value !== null && value !== undefined
}
