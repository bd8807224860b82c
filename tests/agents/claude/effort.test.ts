import { expect, test } from 'bun:test'
import { effortEnv } from '../../../src/agents/claude/effort.ts'
import type { SessionOptions } from '../../../src/agents/types.ts'
import { options } from './support.ts'

test.each<[Partial<SessionOptions>, string | undefined, string | undefined]>([
  [{}, undefined, undefined],
  [{ effort: 'none' }, 'low', '0'],
  [{ effort: 'minimal' }, 'low', '1024'],
  [{ effort: 'low' }, 'low', '4000'],
  [{ effort: 'medium' }, 'medium', '10000'],
  [{ effort: 'high' }, 'high', '16000'],
  [{ effort: 'xhigh' }, 'xhigh', '24000'],
  [{ effort: 'max' }, 'max', '31999'],
  // Half of the answer at most, and a whole budget or none.
  [{ effort: 'max', maxTokens: 8000 }, 'max', '4000'],
  [{ effort: 'high', maxTokens: 2047 }, 'high', '0'],
  [{ effort: 'high', maxTokens: 2048 }, 'high', '1024'],
  // The provider refuses an answer that is no longer than its least budget.
  [{ maxTokens: 1024 }, undefined, '0'],
  [{ maxTokens: 1025 }, undefined, undefined],
])('%j is level %s and a budget of %s', (more, level, budget) => {
  const env = effortEnv(options(more))
  expect([env['CLAUDE_CODE_EFFORT_LEVEL'], env['MAX_THINKING_TOKENS']]).toEqual([level, budget])
})
