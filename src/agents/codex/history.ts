import type { HistoryMessage, HistoryToolCall } from '../messages.ts'
import type { InputPart } from '../types.ts'
import { contentItems } from './content.ts'

/** Earlier messages as items of the conversation, for `thread/inject_items`; they reach the provider as they are. */
export function historyItems(history: readonly HistoryMessage[]): Record<string, unknown>[] {
  return history.flatMap(itemsOf)
}

function itemsOf(message: HistoryMessage): Record<string, unknown>[] {
  switch (message.role) {
    case 'user':
      return message.parts.length === 0
        ? []
        : [{ type: 'message', role: 'user', content: contentItems(message.parts) }]
    case 'assistant':
      return [...(message.text === '' ? [] : [answer(message.text)]), ...message.toolCalls.map(toolCall)]
    case 'tool': {
      const output = toolOutput(message.parts, message.isError)
      return [{ type: 'function_call_output', call_id: message.callId, output }]
    }
  }
}

function toolCall({ id, name, input }: HistoryToolCall): Record<string, unknown> {
  return { type: 'function_call', call_id: id, name, arguments: JSON.stringify(input ?? {}) }
}

function answer(text: string): Record<string, unknown> {
  return { type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] }
}

/** A plain text stays one. There is no other way to tell the model that a call failed than to say so. */
function toolOutput(parts: readonly InputPart[], isError: boolean): unknown {
  const told: readonly InputPart[] = isError
    ? [{ type: 'text', text: 'The tool call failed.' }, ...parts]
    : parts
  const [only] = told
  if (told.length === 0) return ''
  return told.length === 1 && only?.type === 'text' ? only.text : contentItems(told)
}
