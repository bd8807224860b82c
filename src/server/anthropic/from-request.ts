import type { Effort } from '../../agents/messages.ts'
import type { ImageReader } from '../chat/images.ts'
import type { ChatTurn } from '../chat/types.ts'
import { sentOf } from '../chat/without-effect.ts'
import { fromTools } from './from-tools.ts'
import { toHistory, toSystem } from './messages.ts'
import { refuseUnsupported } from './refuse.ts'
import type { MessagesRequest, Thinking } from './schema.ts'

/**
 * Translates the body of `POST /messages`.
 *
 * @throws `unsupported_option` for what we cannot do, `invalid_request` for what its schema cannot say.
 */
export async function fromMessagesRequest(body: MessagesRequest, readImage: ImageReader): Promise<ChatTurn> {
  refuseUnsupported(body)
  const system = toSystem(body.system, body.messages)
  return {
    model: body.model,
    messages: await toHistory(body.messages, readImage),
    maxTokens: body.max_tokens,
    maxTokensField: 'max_tokens',
    withoutEffect: [...sentOf(body, WITHOUT_EFFECT), ...(asksForCitations(body) ? ['citations'] : [])],
    ...(system === undefined ? {} : { system }),
    ...effortOf(body),
    ...(body.stop_sequences ? { stop: body.stop_sequences } : {}),
    ...(body.metadata ? { metadata: body.metadata } : {}),
    ...fromTools(body),
    ...answerOf(body),
  }
}

/** How the answer tells the model's thinking: not at all, only that there was some, or in words. */
export type ThinkingView = 'hidden' | 'omitted' | 'shown'

/** Clients that did not ask for thinking take the first block for the answer. */
export function thinkingView(thinking: Thinking | null | undefined): ThinkingView {
  if (!thinking || thinking.type === 'disabled') return 'hidden'
  return 'display' in thinking && thinking.display === 'omitted' ? 'omitted' : 'shown'
}

/** What a request may say of itself without changing its answer. */
const WITHOUT_EFFECT = [
  'temperature',
  'top_p',
  'top_k',
  'service_tier',
  'inference_geo',
  'speed',
  'cache_control',
  'context_management',
  'diagnostics',
]

function answerOf({ output_config, output_format }: MessagesRequest): Pick<ChatTurn, 'answer'> {
  const format = output_config?.format ?? output_format
  return format ? { answer: { schema: format.schema, strict: true } } : {}
}

/** Agents give none. Some clients ask for them with every document. */
function asksForCitations({ messages }: MessagesRequest): boolean {
  return messages.some(
    ({ content }) =>
      typeof content !== 'string' &&
      content.some((block) => 'citations' in block && block.citations?.enabled === true),
  )
}

function effortOf({ thinking, output_config }: MessagesRequest): Pick<ChatTurn, 'effort' | 'effortField'> {
  if (thinking?.type === 'disabled') return { effort: 'none', effortField: 'thinking' }
  if (output_config?.effort) return { effort: output_config.effort, effortField: 'output_config.effort' }
  if (thinking?.type !== 'enabled') return {}
  const found = BUDGETS.find(({ below }) => thinking.budget_tokens < below)
  return found ? { effort: found.effort, effortField: 'thinking' } : {}
}

const BUDGETS: readonly { below: number; effort: Effort }[] = [
  { below: 4096, effort: 'low' },
  { below: 16_384, effort: 'medium' },
  { below: 32_768, effort: 'high' },
  { below: Number.POSITIVE_INFINITY, effort: 'xhigh' },
]
