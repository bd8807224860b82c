import { describe, expect, test } from 'bun:test'
import { toHistory } from '../../../src/agents/claude/history.ts'
import type { HistoryMessage } from '../../../src/agents/messages.ts'
import type { InputPart } from '../../../src/agents/types.ts'
import { failure } from './support.ts'

const text = (words: string) => ({ type: 'text' as const, text: words })
const user = (...parts: (string | InputPart)[]): HistoryMessage => ({
  role: 'user',
  parts: parts.map((part) => (typeof part === 'string' ? text(part) : part)),
})
const said = (words: string, ...ids: string[]): HistoryMessage => ({
  role: 'assistant',
  text: words,
  toolCalls: ids.map((id) => ({ id, name: 'weather', input: { city: 'Rome' } })),
})
const tool = (callId: string, words = '22 C', isError = false): HistoryMessage => ({
  role: 'tool',
  callId,
  parts: [text(words)],
  isError,
})
const use = (id: string) => ({ type: 'tool_use', id, name: 'weather', input: { city: 'Rome' } })
const result = (id: string, words = '22 C', isError = false) => ({
  type: 'tool_result',
  tool_use_id: id,
  content: [text(words)],
  is_error: isError,
})

/** What is sent: `[role, content]` of each message, and what goes with the prompt. */
function sent(messages: HistoryMessage[]): unknown[] {
  const { frames, rest } = toHistory(messages)
  return [...frames.map(({ message }) => Object.values(message['message'] as object)), rest]
}

describe('earlier messages', () => {
  test.each<[string, HistoryMessage[], unknown[]]>([
    ['are none where there are none', [], [[]]],
    [
      'take turns',
      [user('a'), said('b'), user('c'), said('d')],
      [
        ['user', [text('a')]],
        ['assistant', [text('b')]],
        ['user', [text('c')]],
        ['assistant', [text('d')]],
        [],
      ],
    ],
    [
      'of one side are one message, the last of the user begins the prompt',
      [user('a'), user('b'), said('c'), said('d'), user('e'), user('f', 'g')],
      [
        ['user', [text('a'), text('b')]],
        ['assistant', [text('c'), text('d')]],
        [text('e'), text('f'), text('g')],
      ],
    ],
    [
      'tell calls and results as such',
      [user('a'), said('b', 'x', 'y'), tool('x'), tool('y', 'no', true), user('c'), said('d')],
      [
        ['user', [text('a')]],
        ['assistant', [text('b'), use('x'), use('y')]],
        ['user', [result('x'), result('y', 'no', true), text('c')]],
        ['assistant', [text('d')]],
        [],
      ],
    ],
    [
      'that end with a result leave it to the prompt',
      [user('a'), said('', 'x'), tool('x')],
      [['user', [text('a')]], ['assistant', [use('x')]], [result('x')]],
    ],
    [
      'begin with a user, because the provider wants it',
      [said('hello'), user('a')],
      [['user', [text('(no content)')]], ['assistant', [text('hello')]], [text('a')]],
    ],
    [
      'that say nothing are left out',
      [user('a'), said(' \n'), user('', ' '), said('b')],
      [['user', [text('a')]], ['assistant', [text('b')]], []],
    ],
    [
      'have ids that the provider takes, each once',
      [
        user('a'),
        said('', 'c 1', 'c.1'),
        tool('c 1', 'one'),
        tool('c.1', 'two'),
        said('', 'c 1'),
        tool('c 1'),
      ],
      [
        ['user', [text('a')]],
        ['assistant', [use('c_1'), use('c_1-2')]],
        ['user', [result('c_1', 'one'), result('c_1-2', 'two')]],
        ['assistant', [use('c_1-3')]],
        [result('c_1-3')],
      ],
    ],
  ])('%s', (_, messages, expected) => {
    expect(sent(messages)).toEqual(expected)
  })

  test('carry images and documents, in results as well', () => {
    const image = { type: 'image', mediaType: 'image/png', data: 'AAAA' } as const
    const pdf = { type: 'document', mediaType: 'application/pdf', data: 'BBBB', name: 'a.pdf' } as const
    const blocks = [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
      {
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: 'BBBB' },
        title: 'a.pdf',
      },
    ]
    const messages: HistoryMessage[] = [
      user(image, pdf),
      said('', 'x'),
      { role: 'tool', callId: 'x', parts: [image, pdf], isError: false },
    ]
    expect(sent(messages)).toEqual([
      ['user', blocks],
      ['assistant', [use('x')]],
      [{ type: 'tool_result', tool_use_id: 'x', content: blocks, is_error: false }],
    ])
  })

  test('carry what is no text of a failed result behind the results of its message', () => {
    const image = { type: 'image', mediaType: 'image/png', data: 'AAAA' } as const
    const pdf = { type: 'document', mediaType: 'application/pdf', data: 'BBBB' } as const
    const blocks = [image, pdf].map(({ type, mediaType, data }) => ({
      type,
      source: { type: 'base64', media_type: mediaType, data },
    }))
    const failed = (callId: string, ...parts: InputPart[]): HistoryMessage => ({
      role: 'tool',
      callId,
      parts,
      isError: true,
    })
    const messages = [
      user('a'),
      said('', 'x', 'y', 'w', 'z'),
      failed('x', image, text('no'), pdf),
      failed('y', image),
      failed('w'),
      tool('z'),
      user('b'),
    ]
    expect(sent(messages).at(-1)).toEqual([
      result('x', 'no', true),
      result('y', '[image]', true),
      result('w', '(no content)', true),
      result('z'),
      ...blocks,
      ...blocks.slice(0, 1),
      text('b'),
    ])
  })

  test('have an object as the input of a call, and a name that the provider takes', () => {
    const toolCalls = ['no JSON', [1], null].map((input, index) => ({ id: `${index}`, name: 'a.b', input }))
    const { frames } = toHistory([user('a'), { role: 'assistant', text: '', toolCalls }])
    expect(frames[1]?.message).toMatchObject({
      message: { content: toolCalls.map(({ input }) => ({ name: 'a_b', input: { input } })) },
    })
  })

  test('have calls with ids of which none looks like an entry of another', () => {
    const idsOf = (...ids: string[]) => {
      const toolCalls = ids.map((id) => ({ id, name: 'a', input: {} }))
      const results = ids.map((id) => tool(id))
      const { frames, rest } = toHistory([user('a'), { role: 'assistant', text: '', toolCalls }, ...results])
      type Said = { readonly content: readonly { readonly id: string }[] } | undefined
      const called = (frames[1]?.message['message'] as Said)?.content.map(({ id }) => id)
      expect(rest.map((block) => block['tool_use_id'] as string)).toEqual(called ?? [])
      return called
    }
    expect(idsOf('call_1', 'call_1_1')).toEqual(['call_1', 'call_1_1-2'])
    expect(idsOf('call_1_10', 'call_1')).toEqual(['call_1_10', 'call_1-2'])
    expect(idsOf('x', 'x_1_2', 'x_3-2')).toEqual(['x', 'x_1_2-2', 'x_3-2'])
    const fine = ['call_1', 'call_2', 'call_11', 'call_1-2', 'call_1_x', 'call_1x1']
    expect(idsOf(...fine)).toEqual(fine)
  })

  test('have the names by which the model knows the tools', () => {
    const toolCalls = ['a', 'b.c'].map((name) => ({ id: name, name, input: {} }))
    const messages = [user('a'), { role: 'assistant', text: '', toolCalls } as const]
    const { frames } = toHistory(messages, (name) => (name === 'a' ? 'mcp__client__a' : name))
    expect(frames[1]?.message).toMatchObject({
      message: { content: [{ name: 'mcp__client__a' }, { name: 'b_c' }] },
    })
  })

  test('are plain text and start no turn', () => {
    const { frames } = toHistory([user('/help'), said('b')])
    expect(frames.map(({ answered }) => answered)).toEqual([true, false])
    expect(frames[0]?.message).toMatchObject({ type: 'user', client_composed: true, shouldQuery: false })
    expect(frames[1]?.message).toMatchObject({ type: 'assistant' })
  })
})

test('what Claude Code would drop is refused', async () => {
  const refusal = (message: HistoryMessage) => failure((async () => toHistory([user('a'), message]))())
  expect(await refusal(tool('gone'))).toMatchObject({ code: 'invalid_request', status: 400 })
  const sheet = { type: 'document', mediaType: 'application/vnd.ms-excel', data: 'AAAA' } as const
  expect(await refusal(user(sheet))).toMatchObject({ code: 'unsupported_option', status: 400 })
})
