import { type Fields, fields, number } from '../fields.ts'
import type { Usage } from '../types.ts'

/** Counts the tokens of one turn. */
export interface Meter {
  /** Takes the params of `thread/tokenUsage/updated`. */
  add(params: Fields): void
  readonly usage: Usage | undefined
}

/**
 * `total` runs over a whole thread and `last` is its newest model call, so a turn is the newest total without the
 * total before its first call, for its own thread and those of the agents that it started. Cached input is a part
 * of the input, and reasoning of the output.
 */
export function createMeter(): Meter {
  const threads = new Map<unknown, { before: Fields; latest: Fields }>()
  const spent = (name: string): number | undefined => {
    const counts = [...threads.values()].flatMap(({ before, latest }) => {
      const now = number(latest[name])
      return now === undefined ? [] : [Math.max(0, now - (number(before[name]) ?? 0))]
    })
    return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0)
  }
  return {
    add({ threadId, tokenUsage }) {
      const latest = fields(fields(tokenUsage)['total'])
      const before = threads.get(threadId)?.before ?? difference(latest, fields(fields(tokenUsage)['last']))
      threads.set(threadId, { before, latest })
    },
    get usage() {
      if (threads.size === 0) return undefined
      return keepKnown({
        inputTokens: spent('inputTokens'),
        outputTokens: spent('outputTokens'),
        cachedTokens: spent('cachedInputTokens'),
        cacheCreationTokens: spent('cacheWriteInputTokens'),
        reasoningTokens: spent('reasoningOutputTokens'),
      })
    },
  }
}

function difference(total: Fields, last: Fields): Fields {
  return Object.fromEntries(
    Object.keys(total).map((name) => [name, (number(total[name]) ?? 0) - (number(last[name]) ?? 0)]),
  )
}

function keepKnown(counts: Readonly<Record<keyof Usage, number | undefined>>): Usage {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined))
}
