import { type Fields, fields, items, word } from '../fields.ts'
import type { TurnEvent } from '../types.ts'

/** Tool calls of an `assistant` message, where their input is whole, and their results in a `user` message. */
export function toToolEvents(message: Fields): TurnEvent[] {
  return items(message['content']).flatMap((block): TurnEvent[] => {
    if (block['type'] === 'tool_use')
      return [
        {
          type: 'tool_use',
          id: word(block['id']) ?? '',
          name: word(block['name']) ?? 'unknown',
          input: block['input'] ?? {},
        },
      ]
    if (block['type'] === 'tool_result')
      return [
        {
          type: 'tool_result',
          id: word(block['tool_use_id']) ?? '',
          output: toText(block['content']),
          isError: block['is_error'] === true,
        },
      ]
    return []
  })
}

/** A result's blocks as text; what is no text is named in brackets. */
function toText(content: unknown): string {
  if (typeof content === 'string') return content
  return items(content)
    .map(
      (block) =>
        word(block['text']) ?? (block['type'] === 'text' ? '' : `[${word(block['type']) ?? 'unknown'}]`),
    )
    .join('\n')
}

/** How much memory an event takes, about: the characters of its longest part. */
export function weightOf(event: TurnEvent): number {
  switch (event.type) {
    case 'text':
    case 'thinking':
      return event.text.length
    case 'tool_result':
      return event.output.length
    case 'tool_use':
      return JSON.stringify(fields(event.input)).length
    default:
      return 1
  }
}
