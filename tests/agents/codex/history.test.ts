import { describe, expect, test } from 'bun:test'
import { historyItems } from '../../../src/agents/codex/history.ts'
import type { HistoryMessage } from '../../../src/agents/messages.ts'

const text = (words: string) => ({ type: 'text', text: words }) as const
const image = { type: 'image', mediaType: 'image/png', data: 'AAAA' } as const
const output = (more: object) => [{ type: 'function_call_output', call_id: 'c1', ...more }]

describe('a message of the history', () => {
  test.each<[string, HistoryMessage, unknown[]]>([
    [
      'of the user keeps its parts in order',
      { role: 'user', parts: [text('see'), image, text('$there')] },
      [
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_text', text: 'see' },
            { type: 'input_image', image_url: 'data:image/png;base64,AAAA' },
            { type: 'input_text', text: '$there' },
          ],
        },
      ],
    ],
    [
      'of the assistant comes before the calls that it made',
      { role: 'assistant', text: 'wait', toolCalls: [{ id: 'c1', name: 'f', input: { a: [1] } }] },
      [
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'wait' }] },
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{"a":[1]}' },
      ],
    ],
    [
      'of the assistant may be calls only',
      {
        role: 'assistant',
        text: '',
        toolCalls: [
          { id: 'c1', name: 'f', input: {} },
          { id: 'c2', name: 'g', input: undefined },
        ],
      },
      [
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
        { type: 'function_call', call_id: 'c2', name: 'g', arguments: '{}' },
      ],
    ],
    [
      'of a tool is its text',
      { role: 'tool', callId: 'c1', isError: false, parts: [text('22C')] },
      output({ output: '22C' }),
    ],
    [
      'of a tool may be empty',
      { role: 'tool', callId: 'c1', isError: false, parts: [] },
      output({ output: '' }),
    ],
    [
      'of a tool may hold images',
      { role: 'tool', callId: 'c1', isError: false, parts: [image] },
      output({ output: [{ type: 'input_image', image_url: 'data:image/png;base64,AAAA' }] }),
    ],
    [
      'of a tool that failed says so',
      { role: 'tool', callId: 'c1', isError: true, parts: [text('no such city')] },
      output({
        output: [
          { type: 'input_text', text: 'The tool call failed.' },
          { type: 'input_text', text: 'no such city' },
        ],
      }),
    ],
    ['without anything in it is left out', { role: 'user', parts: [] }, []],
  ])('%s', (_, message, expected) => {
    expect(historyItems([message])).toEqual(expected as Record<string, unknown>[])
  })

  test('is refused where it holds a document', () => {
    const document = { type: 'document', mediaType: 'application/pdf', data: 'AAAA' } as const
    expect(() => historyItems([{ role: 'user', parts: [document] }])).toThrow('application/pdf')
  })
})
