import { expect, test } from 'bun:test'
import { uniqueCallIds } from '../../src/agents/call-ids.ts'
import type { HistoryMessage } from '../../src/agents/messages.ts'

const calls = (...ids: readonly string[]): HistoryMessage => ({
  role: 'assistant',
  text: '',
  toolCalls: ids.map((id) => ({ id, name: 'look', input: {} })),
})
const result = (callId: string): HistoryMessage => ({ role: 'tool', callId, parts: [], isError: false })
const user: HistoryMessage = { role: 'user', parts: [{ type: 'text', text: 'u' }] }

test('ids of calls that a client numbers anew in each answer become unique, with their results', () => {
  expect(
    uniqueCallIds([
      user,
      calls('call_0', 'call_1'),
      result('call_0'),
      result('call_1'),
      calls('call_0'),
      result('call_0'),
      calls('call_0', 'call_1'),
      result('call_0'),
      result('call_1'),
    ]),
  ).toEqual([
    user,
    calls('call_0', 'call_1'),
    result('call_0'),
    result('call_1'),
    calls('call_0-2'),
    result('call_0-2'),
    calls('call_0-3', 'call_1-2'),
    result('call_0-3'),
    result('call_1-2'),
  ])
})

test('an id that another call has, even a later one, is not given', () => {
  expect(
    uniqueCallIds([calls('a'), result('a'), calls('a'), result('a'), calls('a-2'), result('a-2')]),
  ).toEqual([calls('a'), result('a'), calls('a-3'), result('a-3'), calls('a-2'), result('a-2')])
})

test('an id stays as short as providers take it', () => {
  const long = 'x'.repeat(64)
  const [, , second] = uniqueCallIds([calls(long), result(long), calls(long), result(long)])
  const id = second?.role === 'assistant' ? (second.toolCalls[0]?.id ?? '') : ''
  expect(id).toMatch(/^x+-2$/)
  expect(id.length).toBeLessThanOrEqual(64)
})

test('ids that are unique stay', () => {
  const history = [user, calls('a', 'b'), result('a'), result('b')]
  expect(uniqueCallIds(history)).toEqual(history)
})

test('very many calls of one id are each given their own', () => {
  const made = uniqueCallIds(Array.from({ length: 50_000 }, () => calls('a')))
  const ids = made.flatMap((message) => (message.role === 'assistant' ? message.toolCalls : []))
  expect(new Set(ids.map(({ id }) => id)).size).toBe(50_000)
})
