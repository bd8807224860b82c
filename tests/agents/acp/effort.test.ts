import { expect, test } from 'bun:test'
import { nearestEffort } from '../../../src/agents/acp/effort.ts'
import type { Effort } from '../../../src/agents/messages.ts'

test.each<[Effort, string[], string | undefined]>([
  ['high', ['low', 'medium', 'high'], 'high'],
  ['max', ['low', 'medium', 'high', 'default'], 'high'],
  ['minimal', ['low', 'medium', 'high'], 'low'],
  ['medium', ['low', 'high'], 'low'],
  ['xhigh', ['high', 'max'], 'high'],
  ['none', ['none', 'low', 'default'], 'none'],
  ['low', ['high', 'max', 'default'], 'default'],
  ['medium', ['high', 'max', 'default'], 'high'],
  ['low', ['high', 'max'], 'high'],
  ['high', ['default', 'turbo'], undefined],
  ['none', [], undefined],
])('of the effort %s and the levels %j it is %p', (effort, offered, expected) => {
  expect(nearestEffort(effort, offered)).toBe(expected)
})
