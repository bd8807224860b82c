import type { HistoryMessage, HistoryToolCall, ToolResult } from '../messages.ts'
import { contentItems, resultParts } from './content.ts'
import { createToolNames, type ToolNames } from './tool-names.ts'

/**
 * Earlier messages as items of the conversation, for `thread/inject_items`; they reach the provider as they are.
 *
 * @param names what the tools that are called are known by.
 */
export function historyItems(
  history: readonly HistoryMessage[],
  names: ToolNames = createToolNames(),
): Record<string, unknown>[] {
  return history.flatMap((message) => itemsOf(message, names))
}

function itemsOf(message: HistoryMessage, names: ToolNames): Record<string, unknown>[] {
  switch (message.role) {
    case 'user':
      return message.parts.length === 0
        ? []
        : [{ type: 'message', role: 'user', content: contentItems(message.parts) }]
    case 'assistant':
      return [
        ...(message.text === '' ? [] : [answer(message.text)]),
        ...message.toolCalls.map((call) => toolCall(call, names)),
      ]
    case 'tool':
      return [{ type: 'function_call_output', call_id: message.callId, output: toolOutput(message) }]
  }
}

function toolCall({ id, name, input }: HistoryToolCall, names: ToolNames): Record<string, unknown> {
  return {
    type: 'function_call',
    call_id: id,
    name: names.offered(name),
    arguments: JSON.stringify(input ?? {}),
  }
}

function answer(text: string): Record<string, unknown> {
  return { type: 'message', role: 'assistant', content: [{ type: 'output_text', text }] }
}

/** A plain text stays one. */
function toolOutput(result: ToolResult): unknown {
  const told = resultParts(result)
  const [only] = told
  if (told.length === 0) return ''
  return told.length === 1 && only?.type === 'text' ? only.text : contentItems(told)
}
