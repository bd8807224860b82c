import { type Fields, fields, number } from '../fields.ts'
import type { Usage } from '../types.ts'

/** What one turn took. */
export interface Spent {
  readonly usage?: Usage
  /** US dollars. */
  readonly costUsd?: number
}

/**
 * Makes a reader of `result` messages that must see every one of a process. `total_cost_usd` and `modelUsage` are
 * running totals, and go on from the earlier ones when a conversation is resumed; newer versions also tell what
 * was used since the last result, sub-agents included, which `usage` leaves out.
 */
export function createMeter(resumed: boolean): (result: Fields) => Spent {
  let total = resumed ? undefined : 0
  return (result) => {
    const before = total
    total = number(result['total_cost_usd']) ?? total
    const models = Object.values(fields(result['model_usage_since_last_result'])).map(fields)
    if (models.length > 0) return sum(models)
    return {
      usage: toUsage(fields(result['usage'])),
      ...(before === undefined || total === undefined ? {} : { costUsd: Math.max(0, total - before) }),
    }
  }
}

function sum(models: readonly Fields[]): Spent {
  const add = (name: string) => models.reduce((all, model) => all + (number(model[name]) ?? 0), 0)
  const cached = add('cacheReadInputTokens')
  const created = add('cacheCreationInputTokens')
  const tells = (name: string) => models.every((model) => number(model[name]) !== undefined)
  return {
    usage: {
      inputTokens: add('inputTokens') + cached + created,
      outputTokens: add('outputTokens'),
      cachedTokens: cached,
      cacheCreationTokens: created,
      ...(tells('thinkingTokens') ? { reasoningTokens: add('thinkingTokens') } : {}),
    },
    ...(tells('costUSD') ? { costUsd: add('costUSD') } : {}),
  }
}

/** The provider's own shape, where `input_tokens` is only what was neither read from the cache nor written to it. */
export function toUsage(usage: Fields): Usage {
  const input = number(usage['input_tokens'])
  const output = number(usage['output_tokens'])
  const cached = number(usage['cache_read_input_tokens'])
  const created = number(usage['cache_creation_input_tokens'])
  const thinking = number(fields(usage['output_tokens_details'])['thinking_tokens'])
  return {
    ...(input === undefined ? {} : { inputTokens: input + (cached ?? 0) + (created ?? 0) }),
    ...(output === undefined ? {} : { outputTokens: output }),
    ...(cached === undefined ? {} : { cachedTokens: cached }),
    ...(created === undefined ? {} : { cacheCreationTokens: created }),
    ...(thinking === undefined ? {} : { reasoningTokens: thinking }),
  }
}
