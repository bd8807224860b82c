import { describe, expect, test } from 'bun:test'
import { refusal, said, translate } from './support.ts'

const user = (...content: unknown[]) => ({ role: 'user', content })
const assistant = (...content: unknown[]) => ({ role: 'assistant', content })
const text = (words: string) => ({ type: 'text', text: words })
const call = (id: string, type = 'tool_use') => ({ type, id, name: 'look', input: { at: id } })
const result = (id: string, more: object = {}) => ({ type: 'tool_result', tool_use_id: id, ...more })

async function history(...messages: unknown[]) {
  return (await translate({ messages })).messages
}

describe('toHistory', () => {
  test('keeps roles and order', async () => {
    const messages = await history(
      { role: 'user', content: 'one' },
      { role: 'assistant', content: 'two' },
      user(text('three'), text('four')),
    )
    expect(messages).toEqual([
      { role: 'user', parts: [text('one')] },
      { role: 'assistant', text: 'two', toolCalls: [] },
      { role: 'user', parts: [text('three'), text('four')] },
    ] as never)
  })

  test('joins the blocks of an answer as they were written, and leaves thinking out', async () => {
    const [, answer] = await history(
      { role: 'user', content: 'hi' },
      assistant(
        { type: 'thinking', thinking: 'hm', signature: 's' },
        { type: 'redacted_thinking', data: 'x' },
        text('The sky '),
        { ...text('is blue'), citations: null },
      ),
    )
    expect(answer).toEqual({ role: 'assistant', text: 'The sky is blue', toolCalls: [] })
  })

  test('puts results of tools behind the answer that called, before what else is said', async () => {
    const messages = await history(
      { role: 'user', content: 'go' },
      assistant(text('I look.'), call('a'), call('b')),
      user(
        text('and?'),
        result('a', { content: 'A' }),
        result('b', { content: [text('B'), { type: 'tool_reference', tool_name: 'f' }], is_error: true }),
      ),
    )
    expect(messages.slice(1)).toEqual([
      {
        role: 'assistant',
        text: 'I look.',
        toolCalls: [
          { id: 'a', name: 'look', input: { at: 'a' } },
          { id: 'b', name: 'look', input: { at: 'b' } },
        ],
      },
      { role: 'tool', callId: 'a', parts: [{ type: 'text', text: 'A' }], isError: false },
      {
        role: 'tool',
        callId: 'b',
        parts: [
          { type: 'text', text: 'B' },
          { type: 'text', text: 'f' },
        ],
        isError: true,
      },
      { role: 'user', parts: [{ type: 'text', text: 'and?' }] },
    ])
  })

  test('takes a result without content', async () => {
    const messages = await history(
      { role: 'user', content: 'go' },
      assistant(call('a')),
      user(result('a', { is_error: null })),
    )
    expect(messages.at(-1)).toEqual({ role: 'tool', callId: 'a', parts: [], isError: false })
  })

  test("splits an answer where the provider's own tools gave their results", async () => {
    const messages = await history(
      { role: 'user', content: 'go' },
      assistant(
        text('I search.'),
        call('s', 'server_tool_use'),
        { type: 'web_search_tool_result', tool_use_id: 's', content: [{ title: 'T' }] },
        text('Found.'),
        call('f', 'server_tool_use'),
        {
          type: 'web_fetch_tool_result',
          tool_use_id: 'f',
          content: { type: 'web_fetch_tool_result_error', error_code: 'unavailable' },
        },
        call('m', 'mcp_tool_use'),
        { type: 'mcp_tool_result', tool_use_id: 'm', content: 'oh', is_error: true },
      ),
      { role: 'user', content: 'thanks' },
    )
    expect(messages.map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'assistant',
      'tool',
      'assistant',
      'tool',
      'user',
    ])
    expect(messages.filter(({ role }) => role === 'tool')).toEqual([
      { role: 'tool', callId: 's', parts: [{ type: 'text', text: '[{"title":"T"}]' }], isError: false },
      {
        role: 'tool',
        callId: 'f',
        parts: [{ type: 'text', text: '{"type":"web_fetch_tool_result_error","error_code":"unavailable"}' }],
        isError: true,
      },
      { role: 'tool', callId: 'm', parts: [{ type: 'text', text: 'oh' }], isError: true },
    ])
  })

  test('makes no message of nothing', async () => {
    expect(await said({ role: 'user', content: '' })).toEqual([])
    expect(await said({ role: 'assistant', content: '' })).toEqual([])
    expect(await said(user(text('')))).toEqual([])
    expect(await said(assistant({ type: 'thinking', thinking: 'hm' }))).toEqual([])
  })

  test('refuses a result that belongs to no call', async () => {
    expect(await refusal({ messages: [user(result('x', { content: 'X' }))] })).toEqual({
      code: 'invalid_request',
      message: 'messages[0].content[0].tool_use_id is the id of no call in an earlier message.',
    })
  })

  test('refuses a result that comes twice', async () => {
    const messages = [
      { role: 'user', content: 'go' },
      assistant(text('I look.'), call('a')),
      user(result('a'), result('a')),
    ]
    expect(await refusal({ messages })).toEqual({
      code: 'invalid_request',
      message: 'messages[2].content[1].tool_use_id is the id of a call that has its result already.',
    })
  })
})
