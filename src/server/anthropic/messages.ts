import type { HistoryMessage, HistoryToolCall } from '../../agents/messages.ts'
import type { InputPart } from '../../agents/types.ts'
import type { ImageReader } from '../chat/images.ts'
import { checkToolPairs, type ToolMention } from '../chat/tool-pairs.ts'
import { toBlockParts, toParts } from './content.ts'
import type { Message } from './schema.ts'
import type { AssistantBlock, TextBlock, ToolResultBlock, UserBlock } from './schema-blocks.ts'

/**
 * Translates a conversation. Earlier thinking is left out: it is signed by whoever made it, and nobody else takes it.
 *
 * @throws what {@link toParts} and {@link checkToolPairs} throw.
 */
export async function toHistory(
  messages: readonly Message[],
  readImage: ImageReader,
): Promise<HistoryMessage[]> {
  checkToolPairs(messages.flatMap(mentionsOf))
  const history: HistoryMessage[] = []
  const answered = firstAnswer(messages)
  for (const [index, message] of messages.entries()) {
    const path = `messages[${index}].content`
    if (message.role === 'assistant') history.push(...fromAssistant(message.content))
    if (message.role === 'system' && index > answered) history.push(...fromReminder(message.content))
    if (message.role === 'user') history.push(...(await fromUser(message.content, path, readImage)))
  }
  return history
}

function mentionsOf({ content }: Message, index: number): ToolMention[] {
  if (typeof content === 'string') return []
  return content.flatMap((block, place): ToolMention[] => {
    const path = `messages[${index}].content[${place}]`
    if ('input' in block) return [{ kind: 'call', id: block.id, path: `${path}.id` }]
    return 'tool_use_id' in block
      ? [{ kind: 'result', id: block.tool_use_id, path: `${path}.tool_use_id` }]
      : []
  })
}

/** Where instructions begin to be part of the conversation. */
function firstAnswer(messages: readonly Message[]): number {
  const found = messages.findIndex(({ role }) => role === 'assistant')
  return found < 0 ? messages.length : found
}

/**
 * What Claude Code says as the system while it works, such as what its user typed meanwhile. It is marked as Claude Code
 * marks it for models that know no such messages.
 */
function fromReminder(content: string | readonly TextBlock[]): HistoryMessage[] {
  const text = textsOf(content).join('\n\n')
  if (text === '') return []
  const marked = `<system-reminder>\n${text}\n</system-reminder>`
  return [{ role: 'user', parts: [{ type: 'text', text: marked }] }]
}

/**
 * What is said as instructions, in its order; undefined where nothing is. What is said so after the first answer
 * stays where it is: the system prompt of a conversation that goes on is the same, and its provider knows it still.
 */
export function toSystem(
  system: string | readonly TextBlock[] | null | undefined,
  messages: readonly Message[],
): string | undefined {
  const said = messages
    .slice(0, firstAnswer(messages))
    .flatMap((message) => (message.role === 'system' ? textsOf(message.content) : []))
  const all = [...textsOf(system ?? ''), ...said].filter((text) => text !== '')
  return all.length === 0 ? undefined : all.join('\n\n')
}

/** Results come before what else the user says: they belong to the answer in front of them. */
async function fromUser(
  content: string | readonly UserBlock[],
  path: string,
  readImage: ImageReader,
): Promise<HistoryMessage[]> {
  const results: HistoryMessage[] = []
  const parts: InputPart[] = []
  const blocks = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content
  for (const [index, block] of blocks.entries()) {
    const at = `${path}[${index}]`
    if (block.type === 'tool_result') results.push(await fromToolResult(block, at, readImage))
    else parts.push(...(await toBlockParts(block, at, readImage)))
  }
  return parts.length === 0 ? results : [...results, { role: 'user', parts }]
}

async function fromToolResult(
  { tool_use_id, content, is_error }: ToolResultBlock,
  path: string,
  readImage: ImageReader,
): Promise<HistoryMessage> {
  const parts = await toParts(content ?? '', `${path}.content`, readImage)
  return { role: 'tool', callId: tool_use_id, parts, isError: is_error === true }
}

/** The provider's own tools answer inside the message that calls them, which then goes on. */
function fromAssistant(content: string | readonly AssistantBlock[]): HistoryMessage[] {
  if (typeof content === 'string') return content === '' ? [] : [assistant(content, [])]
  const messages: HistoryMessage[] = []
  let text = ''
  let calls: HistoryToolCall[] = []
  const flush = () => {
    if (text !== '' || calls.length > 0) messages.push(assistant(text, calls))
    text = ''
    calls = []
  }
  for (const block of content) {
    if (block.type === 'thinking' || block.type === 'redacted_thinking') continue
    if (block.type === 'text') text += block.text
    else if ('input' in block) calls.push({ id: block.id, name: block.name, input: block.input })
    else {
      flush()
      messages.push({
        role: 'tool',
        callId: block.tool_use_id,
        parts: [
          {
            type: 'text',
            text: typeof block.content === 'string' ? block.content : JSON.stringify(block.content ?? null),
          },
        ],
        isError: isErrorResult(block),
      })
    }
  }
  flush()
  return messages
}

function assistant(text: string, toolCalls: readonly HistoryToolCall[]): HistoryMessage {
  return { role: 'assistant', text, toolCalls }
}

/** `web_search_tool_result_error` and its like; MCP results carry `is_error` instead. */
function isErrorResult(block: { readonly content?: unknown; readonly is_error?: unknown }): boolean {
  const { content } = block
  if (typeof content !== 'object' || content === null) return block.is_error === true
  return block.is_error === true || ('type' in content && String(content.type).endsWith('_error'))
}

function textsOf(content: string | readonly TextBlock[]): string[] {
  return typeof content === 'string' ? [content] : content.map(({ text }) => text)
}
