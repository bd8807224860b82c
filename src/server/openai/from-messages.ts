import type { HistoryMessage, HistoryToolCall } from '../../agents/messages.ts'
import type { InputPart } from '../../agents/types.ts'
import { callInput } from '../chat/call-input.ts'
import { type ImageReader, toFilePart } from '../chat/images.ts'
import { checkToolPairs, type ToolMention } from '../chat/tool-pairs.ts'
import { invalidFields } from '../validate.ts'
import { refusal } from './refusals.ts'
import type { ChatMessage, Content, ContentPart } from './request-schema.ts'

/**
 * Translates the messages of a chat. Instructions, wherever they stand, are the system prompt.
 *
 * @throws `invalid_request` and `unsupported_option`, with the field.
 */
export async function toHistory(
  messages: readonly ChatMessage[],
  images: ImageReader,
): Promise<{ system?: string; conversation: HistoryMessage[] }> {
  checkToolPairs(messages.flatMap(mentionsOf))
  const instructions: string[] = []
  const conversation: HistoryMessage[] = []
  for (const [index, message] of messages.entries()) {
    const path = `messages[${index}]`
    if (isInstructions(message)) instructions.push(toText(message.content, `${path}.content`, message.role))
    else conversation.push(await toMessage(message, index, messages, images))
  }
  const system = instructions.filter((text) => text !== '').join('\n\n')
  return { conversation, ...(system === '' ? {} : { system }) }
}

type Instructions = Extract<ChatMessage, { role: 'system' | 'developer' }>
type Assistant = Extract<ChatMessage, { role: 'assistant' }>

function isInstructions(message: ChatMessage): message is Instructions {
  return message.role === 'system' || message.role === 'developer'
}

async function toMessage(
  message: Exclude<ChatMessage, Instructions>,
  index: number,
  all: readonly ChatMessage[],
  images: ImageReader,
): Promise<HistoryMessage> {
  const path = `messages[${index}]`
  switch (message.role) {
    case 'user':
      return { role: 'user', parts: await toParts(message.content, `${path}.content`, images) }
    case 'assistant': {
      if (message.audio ?? undefined)
        throw refusal(`${path}.audio`, 'No answer here was ever spoken: send its text as content.')
      const content = toText(message.content ?? '', `${path}.content`, 'assistant')
      return {
        role: 'assistant',
        text: [content, message.refusal ?? ''].filter((text) => text !== '').join('\n'),
        toolCalls: toToolCalls(message, index),
      }
    }
    case 'tool': {
      const parts = await toParts(message.content, `${path}.content`, images)
      return { role: 'tool', callId: message.tool_call_id, parts, isError: false }
    }
    case 'function': {
      const call = callOf(message.name, index, all)
      const parts: InputPart[] = [{ type: 'text', text: message.content ?? '' }]
      return { role: 'tool', callId: legacyCallId(call), parts, isError: false }
    }
  }
}

function toToolCalls(
  { tool_calls: calls, function_call: legacy }: Assistant,
  index: number,
): HistoryToolCall[] {
  const own = (calls ?? []).map((call) =>
    call.type === 'custom'
      ? { id: call.id, name: call.custom.name, input: { input: call.custom.input } }
      : {
          id: call.id,
          name: call.function.name,
          input: callInput(call.function.arguments),
        },
  )
  if (!legacy) return own
  return [...own, { id: legacyCallId(index), name: legacy.name, input: callInput(legacy.arguments) }]
}

/** Calls in the older form have no id: there is one in a message at most. */
function legacyCallId(messageIndex: number): string {
  return `call_${messageIndex}`
}

function mentionsOf(message: ChatMessage, index: number, all: readonly ChatMessage[]): ToolMention[] {
  const path = `messages[${index}]`
  switch (message.role) {
    case 'tool':
      return [{ kind: 'result', id: message.tool_call_id, path: `${path}.tool_call_id` }]
    case 'function':
      return [{ kind: 'result', id: legacyCallId(callOf(message.name, index, all)), path: `${path}.name` }]
    case 'assistant':
      return [
        ...(message.tool_calls ?? []).map(
          ({ id }, number): ToolMention => ({ kind: 'call', id, path: `${path}.tool_calls[${number}].id` }),
        ),
        ...(message.function_call
          ? [{ kind: 'call' as const, id: legacyCallId(index), path: `${path}.function_call` }]
          : []),
      ]
    default:
      return []
  }
}

/** The message that made the last call of this name; -1 where there is none. */
function callOf(name: string, before: number, all: readonly ChatMessage[]): number {
  return all
    .slice(0, before)
    .findLastIndex((message) => message.role === 'assistant' && message.function_call?.name === name)
}

async function toParts(content: Content, path: string, images: ImageReader): Promise<InputPart[]> {
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  const parts: InputPart[] = []
  for (const [index, part] of content.entries()) parts.push(await toPart(part, `${path}[${index}]`, images))
  return parts
}

async function toPart(part: ContentPart, path: string, images: ImageReader): Promise<InputPart> {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'refusal':
      return { type: 'text', text: part.refusal }
    case 'image_url': {
      const isBare = typeof part.image_url === 'string'
      const url = typeof part.image_url === 'string' ? part.image_url : part.image_url.url
      return await images(url, `${path}.image_url${isBare ? '' : '.url'}`)
    }
    case 'file': {
      const { file_data: data, filename } = part.file
      if (!data)
        throw refusal(`${path}.file`, 'The server keeps no files: send the file itself, as file_data.')
      const at = `${path}.file.file_data`
      const name = filename ?? undefined
      return /^(data|https?):/i.test(data) ? await images(data, at, name) : toFilePart(data, at, name)
    }
    case 'input_audio':
      throw refusal(`${path}.input_audio`, 'No agent listens: send text, images or files.')
  }
}

/** Content of a role whose words are text. */
function toText(content: Content, path: string, role: string): string {
  if (typeof content === 'string') return content
  return content
    .map((part, index) => {
      if (part.type === 'text') return part.text
      if (part.type === 'refusal') return part.refusal
      throw invalidFields([
        { path: `${path}[${index}].type`, message: `is "${part.type}"; what the ${role} says must be text.` },
      ])
    })
    .join('\n')
}
