import type { Effort } from '../messages.ts'
import type { SessionOptions } from '../types.ts'

/**
 * How hard the model is to think, as variables of the process. Models of today take Claude Code's level, and think
 * as they see fit; older ones take a number of tokens; each ignores the other's. `none` turns thinking off where the
 * model lets that be done, and is the lowest level where it does not.
 */
export function effortEnv({ effort, maxTokens }: SessionOptions): Record<string, string> {
  // A budget is a part of the answer's tokens. Claude Code does not lower it below the least that is valid, so that
  // the provider would refuse a shorter answer.
  if (effort === undefined)
    return maxTokens !== undefined && maxTokens <= LEAST_BUDGET ? { MAX_THINKING_TOKENS: '0' } : {}
  const { level, budget } = STEPS[effort]
  const affordable = maxTokens === undefined ? budget : Math.min(budget, Math.floor(maxTokens / 2))
  return {
    // Goes before the command line's `--effort` and the user's own settings.
    CLAUDE_CODE_EFFORT_LEVEL: level,
    MAX_THINKING_TOKENS: String(affordable < LEAST_BUDGET ? 0 : affordable),
  }
}

/** Tokens; the provider's lower limit. */
const LEAST_BUDGET = 1024

/** Budgets in tokens. */
const STEPS: Readonly<Record<Effort, { readonly level: string; readonly budget: number }>> = {
  none: { level: 'low', budget: 0 },
  minimal: { level: 'low', budget: LEAST_BUDGET },
  low: { level: 'low', budget: 4000 },
  medium: { level: 'medium', budget: 10_000 },
  high: { level: 'high', budget: 16_000 },
  xhigh: { level: 'xhigh', budget: 24_000 },
  max: { level: 'max', budget: 31_999 },
}
