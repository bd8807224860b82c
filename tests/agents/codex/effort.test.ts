import { expect, test } from 'bun:test'
import { nearestEffort } from '../../../src/agents/codex/effort.ts'

const NEW = ['low', 'medium', 'high', 'xhigh', 'max', 'ultra']
const OLD = ['minimal', 'low', 'medium', 'high']

test.each([
  ['none', NEW, 'low'],
  ['high', NEW, 'high'],
  ['max', NEW, 'max'],
  ['none', OLD, 'minimal'],
  ['max', OLD, 'high'],
  ['medium', ['low', 'high'], 'low'],
  ['max', [], 'max'],
  ['none', ['ultra'], 'none'],
] as const)('%s of %j is %s', (asked, offered, expected) => {
  expect(nearestEffort(asked, offered)).toBe(expected)
})
