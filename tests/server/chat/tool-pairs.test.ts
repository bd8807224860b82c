import { describe, expect, test } from 'bun:test'
import type { HistoryMessage } from '../../../src/agents/messages.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { checkToolPairs, pairCalls, type ToolMention } from '../../../src/server/chat/tool-pairs.ts'

describe('checkToolPairs', () => {
  const good: string[] = ['', '+a -a', '+a +b -b -a', '+a', '+a -a +a -a', '+a -a +b']
  test.each(good)('accepts "%s"', (text) => {
    expect(() => checkToolPairs(mentions(text))).not.toThrow()
  })

  const bad: [text: string, path: string, why: string][] = [
    ['-a', 'at[0]', 'no call'],
    ['+a -a -a', 'at[2]', 'already'],
    ['+a -b', 'at[1]', 'no call'],
    ['+a +a -a', 'at[1]', 'another call'],
  ]
  test.each(bad)('refuses "%s"', (text, path, why) => {
    const error = failure(() => checkToolPairs(mentions(text)))
    expect(error.details['errors']).toMatchObject([{ path }])
    expect(error.message).toContain(why)
  })
})

describe('pairCalls', () => {
  const user: HistoryMessage = { role: 'user', parts: [{ type: 'text', text: 'u' }] }

  test('is done soon with very many calls', () => {
    const ids = Array.from({ length: 200_000 }, (_, index) => String(index))
    const results = ids.map((id) => result(id))
    const answered = [calls(...ids), ...results.toReversed()]
    expect(pairCalls(answered)).toEqual([calls(...ids), ...results])
    expect(pairCalls([calls(...ids), user])).toHaveLength(ids.length + 2)
  })

  test('gives each call of one id its own result', () => {
    const all = [result('a'), calls('a'), result('a'), calls('a'), user, result('a'), calls('a')]
    expect(pairCalls(all)).toMatchObject([
      result('a'),
      calls('a'),
      result('a'),
      calls('a'),
      result('a'),
      user,
      calls('a'),
      { role: 'tool', callId: 'a', isError: true },
    ])
  })

  const cases: [title: string, before: HistoryMessage[], after: HistoryMessage[]][] = [
    ['leaves what is in order', [user, calls('a'), result('a'), user], [user, calls('a'), result('a'), user]],
    [
      'puts results in the order of their calls',
      [calls('a', 'b'), result('b'), result('a')],
      [calls('a', 'b'), result('a'), result('b')],
    ],
    [
      'puts results in front of what the user said meanwhile',
      [calls('a'), user, result('a')],
      [calls('a'), result('a'), user],
    ],
    [
      'takes the next result where an id is used again',
      [calls('a'), result('a', '1'), calls('a'), result('a', '2')],
      [calls('a'), result('a', '1'), calls('a'), result('a', '2')],
    ],
    [
      'says of an abandoned call that it was not carried out',
      [calls('a'), user],
      [
        calls('a'),
        {
          role: 'tool',
          callId: 'a',
          isError: true,
          parts: [{ type: 'text', text: 'No result: the call was not carried out.' }],
        },
        user,
      ],
    ],
  ]
  test.each(cases)('%s', (_, before, after) => {
    expect(pairCalls(before)).toEqual(after)
  })
})

function mentions(text: string): ToolMention[] {
  return text
    .split(' ')
    .filter((word) => word !== '')
    .map((word, index) => ({
      kind: word[0] === '+' ? 'call' : 'result',
      id: word.slice(1),
      path: `at[${index}]`,
    }))
}

function calls(...ids: string[]): HistoryMessage {
  return { role: 'assistant', text: '', toolCalls: ids.map((id) => ({ id, name: 'f', input: {} })) }
}

function result(callId: string, text = 'r'): HistoryMessage {
  return { role: 'tool', callId, parts: [{ type: 'text', text }], isError: false }
}

function failure(run: () => void): ClinvkError {
  try {
    run()
  } catch (error) {
    if (error instanceof ClinvkError) return error
  }
  throw new Error('It was accepted.')
}
