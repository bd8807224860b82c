import type { HistoryMessage, HistoryToolCall } from '../../../agents/messages.ts'
import type { InputPart } from '../../../agents/types.ts'
import { type ImageReader, toFilePart } from '../../chat/images.ts'
import type { ParsedItem, ParsedPart } from './parse-item.ts'

/** A conversation as agents are told it. */
export interface Conversation {
  /** What the system and the developer say, in order. */
  readonly system: readonly string[]
  readonly messages: readonly HistoryMessage[]
}

/**
 * Makes messages of items, all in their order. What an assistant says and calls between two others is one message,
 * since a call and its result must not have anything between them. References must have been resolved.
 *
 * @throws `invalid_request` for images and files that cannot be read.
 */
export async function toMessages(items: readonly ParsedItem[], images: ImageReader): Promise<Conversation> {
  const system: string[] = []
  const messages: HistoryMessage[] = []
  const addAssistant = (text: string, toolCalls: readonly HistoryToolCall[]) => {
    // Models refuse messages without anything in them.
    if (text === '' && toolCalls.length === 0) return
    const last = messages.at(-1)
    if (last?.role !== 'assistant') messages.push({ role: 'assistant', text, toolCalls })
    else
      messages[messages.length - 1] = {
        role: 'assistant',
        text: [last.text, text].filter((paragraph) => paragraph !== '').join('\n\n'),
        toolCalls: [...last.toolCalls, ...toolCalls],
      }
  }
  for (const item of items) {
    if (item.kind === 'call') addAssistant('', [{ id: item.callId, name: item.name, input: item.input }])
    else if (item.kind === 'hosted') {
      addAssistant('', [{ id: item.id, name: item.name, input: item.input }])
      messages.push({
        role: 'tool',
        callId: item.id,
        parts: [{ type: 'text', text: item.output }],
        isError: false,
      })
    } else if (item.kind === 'result')
      messages.push({
        role: 'tool',
        callId: item.callId,
        parts: await toParts(item.output, images),
        isError: false,
      })
    else if (item.kind === 'message') {
      if (item.role === 'user') messages.push({ role: 'user', parts: await toParts(item.content, images) })
      else if (item.role === 'assistant') addAssistant(textOf(item.content), [])
      else system.push(textOf(item.content))
    }
  }
  return { system, messages }
}

async function toParts(parts: readonly ParsedPart[], images: ImageReader): Promise<InputPart[]> {
  const read: InputPart[] = []
  for (const part of parts) {
    if (part.kind === 'text') read.push({ type: 'text', text: part.text })
    else if (part.kind === 'url') read.push(await images(part.url, part.path, part.name))
    else read.push(toFilePart(part.data, part.path, part.name))
  }
  return read
}

function textOf(parts: readonly ParsedPart[]): string {
  return parts.map((part) => (part.kind === 'text' ? part.text : '')).join('')
}
