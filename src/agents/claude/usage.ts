import { type Fields, fields, number, word } from '../fields.ts'
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

/**
 * Counts the answers that a turn's stream tells of. A turn that waits for the client's tools tells their tokens while
 * it waits, and the rest, sub-agents and all, when it ends.
 */
export interface Tally {
  /** An event of the stream of an answer. */
  take(event: Fields): void
  /** An answer that was not streamed, as it stands in a message. */
  takeWhole(message: Fields): void
  /** The tokens of the answers since the last time. */
  next(): Usage
  /** What a whole turn took, without what was told of it already. */
  rest(spent: Spent): Spent
}

export function createTally(): Tally {
  const answers = new Map<string, Usage>()
  let told: Usage = {}
  let id = ''
  let begun: Fields = {}
  return {
    take(event) {
      if (event['type'] === 'message_start') {
        const message = fields(event['message'])
        id = word(message['id']) ?? ''
        begun = fields(message['usage'])
      }
      // A stream that broke has none, and is not paid for in the result either.
      if (event['type'] !== 'message_delta') return
      const ended = Object.entries(fields(event['usage'])).filter(
        ([, value]) => value !== null && value !== 0,
      )
      answers.set(id, toUsage({ ...begun, ...Object.fromEntries(ended) }))
    },
    takeWhole: (message) => void answers.set(word(message['id']) ?? '', toUsage(fields(message['usage']))),
    next() {
      const usage = [...answers.values()].reduce<Usage>((all, one) => combine(all, one, 1), {})
      answers.clear()
      told = combine(told, usage, 1)
      return usage
    },
    rest(spent) {
      return spent.usage ? { ...spent, usage: combine(spent.usage, told, -1) } : spent
    },
  }
}

const PARTS = [
  'inputTokens',
  'outputTokens',
  'cachedTokens',
  'cacheCreationTokens',
  'reasoningTokens',
] as const

/** Adds two usages, or takes the second from the first as far as that tells of it. */
function combine(usage: Usage, other: Usage, sign: 1 | -1): Usage {
  return Object.fromEntries(
    PARTS.flatMap((part) => {
      const [one, two] = [usage[part], other[part]]
      if (one === undefined && (two === undefined || sign < 0)) return []
      return [[part, Math.max(0, (one ?? 0) + sign * (two ?? 0))]]
    }),
  )
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
function toUsage(usage: Fields): Usage {
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
