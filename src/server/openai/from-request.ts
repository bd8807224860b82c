import type { JsonSchema } from '../../agents/client-tools.ts'
import type { HistoryMessage } from '../../agents/messages.ts'
import type { ImageReader } from '../chat/images.ts'
import type { ChatTurn } from '../chat/types.ts'
import { sentOf } from '../chat/without-effect.ts'
import { invalidFields } from '../validate.ts'
import { toHistory } from './from-messages.ts'
import { fromTools } from './from-tools.ts'
import { refuseUnsupported } from './refusals.ts'
import type { ChatCompletionRequest } from './request-schema.ts'

/**
 * Translates the body of a chat completion.
 *
 * @throws `invalid_request` and `unsupported_option`, with the field.
 */
export async function fromChatRequest(body: ChatCompletionRequest, images: ImageReader): Promise<ChatTurn> {
  const { messages } = body
  if (!messages)
    throw invalidFields([{ path: 'messages', message: 'is missing: expected a list of messages.' }])
  if (messages.length === 0)
    throw invalidFields([{ path: 'messages', message: 'is empty: at least one message is needed.' }])
  refuseUnsupported(body)
  const { system, conversation } = await toHistory(messages, images)
  const effort = body.reasoning_effort ?? undefined
  const maxTokens = body.max_completion_tokens ?? body.max_tokens ?? undefined
  const stop = [body.stop ?? []].flat().filter((text) => text !== '')
  return {
    model: body.model,
    messages: asPrompt(system, conversation),
    ...(system === undefined || conversation.length === 0 ? {} : { system }),
    ...(stop.length === 0 ? {} : { stop }),
    ...(effort === undefined ? {} : { effort, effortField: 'reasoning_effort' }),
    ...(maxTokens === undefined
      ? {}
      : { maxTokens, maxTokensField: body.max_completion_tokens ? 'max_completion_tokens' : 'max_tokens' }),
    ...(body.metadata ? { metadata: body.metadata } : {}),
    ...fromTools(body),
    ...answerOf(body),
    withoutEffect: [
      ...sentOf(body, WITHOUT_EFFECT),
      ...(messages.some((message) => 'name' in message && message.role !== 'function' && message.name)
        ? ['messages.name']
        : []),
    ],
  }
}

/** What only changes the odds, or what is ours to decide. The last five are of other servers that clients know. */
const WITHOUT_EFFECT = [
  'temperature',
  'top_p',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'logit_bias',
  'verbosity',
  'prediction',
  'service_tier',
  'store',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'moderation',
  'top_k',
  'min_p',
  'typical_p',
  'repetition_penalty',
  'chat_template_kwargs',
]

function answerOf({ response_format: format }: ChatCompletionRequest): Pick<ChatTurn, 'answer'> {
  if (!format || format.type === 'text') return {}
  return format.type === 'json_object'
    ? { answer: { schema: ANY_OBJECT, strict: false } }
    : { answer: { schema: format.json_schema.schema, strict: true } }
}

/** What is asked for by `json_object`. */
export const ANY_OBJECT: JsonSchema = { type: 'object' }

/** A request that has only instructions is answered as OpenAI does it: by doing what they say. */
function asPrompt(
  system: string | undefined,
  conversation: readonly HistoryMessage[],
): readonly HistoryMessage[] {
  if (conversation.length > 0 || system === undefined) return conversation
  return [{ role: 'user', parts: [{ type: 'text', text: system }] }]
}
