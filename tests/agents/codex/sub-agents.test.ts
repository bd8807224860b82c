import { expect, test } from 'bun:test'
import { createSubAgents } from '../../../src/agents/codex/sub-agents.ts'

const spawn = (tool: string, ...receiverThreadIds: string[]) => ({
  item: { type: 'collabAgentToolCall', tool, receiverThreadIds },
})

test('agents are known by the call that started them, with what they do', () => {
  const agents = createSubAgents()
  agents.observe('item/completed', { threadId: 't1', ...spawn('spawnAgent', 'a', 'b') })
  agents.observe('item/completed', { threadId: 'a', ...spawn('spawnAgent', 'c') })
  agents.observe('turn/started', { threadId: 'c', turn: { id: 'u1' } })
  agents.observe('turn/started', { threadId: 'b', turn: { id: 'u2' } })
  agents.observe('turn/completed', { threadId: 'b', turn: { id: 'u2' } })
  expect(agents.of('t1')).toEqual([
    { threadId: 'a', turnId: undefined },
    { threadId: 'b', turnId: undefined },
    { threadId: 'c', turnId: 'u1' },
  ])
  expect(agents.of('a')).toEqual([{ threadId: 'c', turnId: 'u1' }])
  expect(agents.lineOf('c')).toEqual(['c', 'a', 't1'])
})

test('agents are known by their thread or their activity too', () => {
  const agents = createSubAgents()
  agents.observe('thread/started', { thread: { id: 'a', parentThreadId: 't1' } })
  agents.observe('item/started', { threadId: 't1', item: { type: 'subAgentActivity', agentThreadId: 'b' } })
  expect(agents.of('t1').map(({ threadId }) => threadId)).toEqual(['a', 'b'])
})

test('talking to an agent is not starting it, and nobody starts its own ancestor', () => {
  const agents = createSubAgents()
  agents.observe('item/completed', { threadId: 't1', ...spawn('sendInput', 'x') })
  agents.observe('item/completed', { threadId: 't1', ...spawn('spawnAgent', 'a', 't1') })
  agents.observe('item/completed', { threadId: 'a', ...spawn('resumeAgent', 't1') })
  expect(agents.of('t1')).toEqual([{ threadId: 'a', turnId: undefined }])
  expect(agents.of('a')).toEqual([])
})

test('a thread that is left takes its agents along', () => {
  const agents = createSubAgents()
  agents.observe('item/completed', { threadId: 't1', ...spawn('spawnAgent', 'a') })
  agents.observe('item/completed', { threadId: 'a', ...spawn('spawnAgent', 'c') })
  agents.observe('item/completed', { threadId: 't2', ...spawn('spawnAgent', 'b') })
  agents.forget('t1')
  expect(agents.of('t1')).toEqual([])
  expect(agents.lineOf('c')).toEqual(['c'])
  expect(agents.of('t2')).toEqual([{ threadId: 'b', turnId: undefined }])
})
