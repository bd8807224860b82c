import { type Fields, fields, items, number, word } from '../fields.ts'
import type { TurnEvent } from '../types.ts'

/** A thread item that is a tool call, as we show it. */
export interface ToolItem {
  readonly name: string
  readonly input: unknown
}

/** What tool an item is a call of; `undefined` for an item that is none. */
export function toolOf(item: Fields): ToolItem | undefined {
  switch (item['type']) {
    case 'commandExecution':
      return { name: 'shell', input: { command: item['command'], cwd: item['cwd'] } }
    case 'fileChange':
      return { name: 'apply_patch', input: { changes: item['changes'] } }
    case 'mcpToolCall':
      return { name: `${item['server']}.${item['tool']}`, input: item['arguments'] ?? {} }
    case 'dynamicToolCall':
      return { name: word(item['tool']) ?? 'tool', input: item['arguments'] ?? {} }
    case 'collabAgentToolCall':
      return {
        name: `agent.${item['tool']}`,
        input: { prompt: item['prompt'], agents: item['receiverThreadIds'] },
      }
    case 'webSearch':
      return { name: 'web_search', input: { query: item['query'], action: item['action'] } }
    case 'imageView':
      return { name: 'view_image', input: { path: item['path'] } }
    case 'imageGeneration':
      return { name: 'image_generation', input: { prompt: item['revisedPrompt'] ?? null } }
    default:
      return undefined
  }
}

/** Whether the input is known only when the call is over. */
export function isToldLate(item: Fields): boolean {
  return item['type'] === 'webSearch' || item['type'] === 'imageGeneration'
}

/** The result of a call that is over. */
export function toolResult(id: string, item: Fields): TurnEvent {
  const status = word(item['status'])
  const isError = status === 'failed' || status === 'declined' || item['success'] === false
  return { type: 'tool_result', id, output: outputOf(item, status), isError }
}

function outputOf(item: Fields, status: string | undefined): string {
  switch (item['type']) {
    case 'commandExecution': {
      const exitCode = number(item['exitCode'])
      const output =
        word(item['aggregatedOutput']) ?? (status === 'declined' ? 'The command was declined.' : '')
      return exitCode === undefined || exitCode === 0
        ? output
        : `${output.trimEnd()}\n[exit code ${exitCode}]`.trimStart()
    }
    case 'fileChange': {
      if (status !== 'completed') return `The change was ${status === 'declined' ? 'declined' : 'not made'}.`
      return items(item['changes'])
        .map((change) => `${fields(change['kind'])['type']} ${change['path']}`)
        .join('\n')
    }
    case 'mcpToolCall':
      return word(fields(item['error'])['message']) ?? textOf(fields(item['result'])['content'])
    case 'dynamicToolCall':
      return textOf(item['contentItems'])
    default:
      return ''
  }
}

/** The text of content blocks; what is no text is named. */
function textOf(content: unknown): string {
  return items(content)
    .map((block) => word(block['text']) ?? `[${block['type']}]`)
    .join('\n')
}
