import { expect, test } from 'bun:test'
import { createClientCalls } from '../../../src/agents/codex/client-calls.ts'
import { createToolNames } from '../../../src/agents/codex/tool-names.ts'

test('calls that come after a turn was stopped keep nothing waiting', () => {
  const calls = createClientCalls('codex', createToolNames([{ name: 'f', inputSchema: {} }]))
  const item = (id: string) => ({ type: 'function_call', call_id: id, name: 'f', arguments: '{}' })
  expect(calls.read(item('a'))).toHaveLength(3)
  calls.endLeg()
  expect([calls.waiting, calls.open]).toEqual([true, false])
  calls.read(item('b'))
  calls.drop()
  expect([calls.waiting, calls.open]).toEqual([false, false])
  expect(calls.read(item('c'))).toEqual([])
  expect(calls.ask({ callId: 'd', tool: 'f' })?.events).toEqual([])
  expect(calls.ask({ callId: 'd', tool: 'other' })).toBeUndefined()
  expect(calls.open).toBe(false)
})
