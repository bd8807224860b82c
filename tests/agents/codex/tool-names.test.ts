import { expect, test } from 'bun:test'
import { createToolNames } from '../../../src/agents/codex/tool-names.ts'
import type { AgentProfile } from '../../../src/agents/messages.ts'

const names = (profile: AgentProfile, ...tools: readonly string[]) =>
  createToolNames(
    tools.map((name) => ({ name, inputSchema: {} })),
    profile,
  )

test.each<[AgentProfile, string, string]>([
  ['pure', 'weather', 'weather'],
  ['pure', 'exec_command', 'client_exec_command'],
  ['pure', 'mcp', 'client_mcp'],
  ['pure', 'mcp__docs__find', 'client_mcp__docs__find'],
  ['pure', 'mcpx', 'mcpx'],
  ['pure', 'apply_patch', 'apply_patch'],
  ['project', 'apply_patch', 'client_apply_patch'],
  ['full', 'wait', 'client_wait'],
  ['full', 'weather', 'weather'],
  ['pure', 'a.b/ü', 'client_a_b__'],
  ['pure', 'x'.repeat(130), `client_${'x'.repeat(121)}`],
])('in the profile %s %s is offered as %s', (profile, name, expected) => {
  const { offered, own } = names(profile, name)
  expect([offered(name), own(expected)]).toEqual([expected, name])
})

test('no two tools are offered by one name', () => {
  const { offered, own } = names('pure', 'a.b', 'a/b', 'client_a_b', 'mcp')
  const all = ['a.b', 'a/b', 'client_a_b', 'mcp'].map(offered)
  expect(all).toEqual(['client_a_b_2', 'client_a_b_3', 'client_a_b', 'client_mcp'])
  expect(all.map(own)).toEqual(['a.b', 'a/b', 'client_a_b', 'mcp'])
})

test('a name of another tool is its own, and none of the client', () => {
  const { offered, own } = names('full', 'weather')
  expect([offered('exec_command'), own('exec_command'), own('mcp__x')]).toEqual([
    'exec_command',
    undefined,
    undefined,
  ])
})
