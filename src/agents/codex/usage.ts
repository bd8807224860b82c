import type { Usage } from '../types.ts'
import { type Fields, fields, number } from './fields.ts'

/** Counts the tokens of one turn from what `thread/tokenUsage/updated` tells. */
export interface Meter {
  add(tokenUsage: Fields): void
  readonly usage: Usage | undefined
}

/**
 * `total` runs over the whole thread and `last` is the newest model call, so a turn is the newest total without
 * the total before its first call. Cached input is a part of the input, and reasoning of the output.
 */
export function createMeter(): Meter {
  let before: Fields | undefined
  let latest: Fields = {}
  const spent = (name: string): number | undefined => {
    const now = number(latest[name])
    return now === undefined ? undefined : Math.max(0, now - (number(before?.[name]) ?? 0))
  }
  return {
    add(tokenUsage) {
      latest = fields(tokenUsage['total'])
      before ??= difference(latest, fields(tokenUsage['last']))
    },
    get usage() {
      if (before === undefined) return undefined
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
