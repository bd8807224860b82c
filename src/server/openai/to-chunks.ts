import type { TurnEvent } from '../../agents/types.ts'
import type { ChunkWriter } from '../chat/types.ts'
import { encodeSse } from '../sse.ts'
import type { ChatCompletionChunk, Delta } from './answer-schema.ts'
import { customInput } from './custom-tools.ts'
import { toOpenAiErrorBody } from './errors.ts'
import { type AnswerHead, toCompletionUsage, toFinishReason } from './to-response.ts'

/**
 * Translates a turn's events into chunks: the role, the answer, why it ended, its tokens where they were asked for
 * and are known, and `[DONE]`. A run that fails ends with an error instead, and no client takes it for complete.
 */
export function createChunkWriter(
  head: AnswerHead,
  options: { readonly includeUsage: boolean; readonly customTools?: ReadonlySet<string> },
): ChunkWriter {
  const chunk = (rest: Pick<ChatCompletionChunk, 'choices' | 'usage'>) =>
    encodeSse({
      data: JSON.stringify({
        id: head.id,
        object: 'chat.completion.chunk',
        created: head.created,
        model: head.model,
        service_tier: 'default',
        system_fingerprint: null,
        ...(options.includeUsage ? { usage: null } : {}),
        ...rest,
      } satisfies ChatCompletionChunk),
    })
  const choice = (
    delta: Delta,
    finish_reason: ChatCompletionChunk['choices'][number]['finish_reason'] = null,
  ) => chunk({ choices: [{ index: 0, delta, logprobs: null, finish_reason }] })

  let calls = -1
  let custom = false
  const callDelta = (piece: Omit<NonNullable<Delta['tool_calls']>[number], 'index'>) =>
    choice({ tool_calls: [{ index: calls, ...piece }] })

  const toChunk = (event: TurnEvent): string => {
    switch (event.type) {
      case 'text':
        return event.text === '' ? '' : choice({ content: event.text })
      case 'thinking':
        return event.text === '' ? '' : choice({ reasoning_content: event.text })
      case 'call_start': {
        const { id, name } = event
        calls += 1
        custom = options.customTools?.has(name) === true
        return custom
          ? callDelta({ id, type: 'custom', custom: { name, input: '' } })
          : callDelta({ id, type: 'function', function: { name, arguments: '' } })
      }
      case 'call_delta':
        // The text of a custom tool is inside the JSON, and told when that is whole.
        return custom || event.json === '' ? '' : callDelta({ function: { arguments: event.json } })
      case 'call_end':
        return custom ? callDelta({ custom: { input: customInput(event.input) } }) : ''
      case 'done': {
        const usage = options.includeUsage ? toCompletionUsage(event.usage) : undefined
        const last = choice({}, toFinishReason(event.stopReason))
        return `${last}${usage === undefined ? '' : chunk({ choices: [], usage })}${encodeSse({ data: '[DONE]' })}`
      }
      default:
        return ''
    }
  }
  return {
    opening: () => choice({ role: 'assistant', content: '', refusal: null }),
    toChunk,
    // Every client skips a chunk that says nothing; some lose what follows a comment.
    heartbeat: () => choice({}),
    error: (error) => encodeSse({ data: JSON.stringify(toOpenAiErrorBody(error)) }),
  }
}
