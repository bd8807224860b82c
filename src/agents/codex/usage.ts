import { type Fields, fields, number } from '../fields.ts'
import type { Usage } from '../types.ts'

/** Counts the tokens of one turn. */
export interface Meter {
  /** Takes the params of `thread/tokenUsage/updated`. */
  add(params: Fields): void
  /**
   * Takes the params of `rawResponse/completed`, the tokens of one model call. Codex adds them to the total only when
   * the calls of that answer have their results (0.169.0).
   */
  addResponse(params: Fields): void
  readonly usage: Usage | undefined
}

/** What is known of the threads of a session from one turn to the next. */
export interface Totals {
  /** The newest total of a thread. */
  of(threadId: unknown): Fields | undefined
  /** Takes the params of `thread/tokenUsage/updated`. */
  hear(params: Fields): void
}

/** @param fresh A thread that has spent nothing yet. */
export function createTotals(fresh?: string): Totals {
  const totals = new Map<unknown, Fields>(fresh === undefined ? [] : [[fresh, {}]])
  return {
    of: (threadId) => totals.get(threadId),
    hear({ threadId, tokenUsage }) {
      totals.set(threadId, fields(fields(tokenUsage)['total']))
    },
  }
}

/**
 * `total` runs over a whole thread, so a turn is the newest total without the one before its first call, for its own
 * thread and those of the agents that it started. Where nothing was heard of a thread before, `last`, its newest model
 * call, tells that one; after an answer that was cut it holds only zeros (0.169.0), and then nothing is known. Cached
 * input is a part of the input, and reasoning of the output.
 */
export function createMeter(totals: Totals): Meter {
  const threads = new Map<unknown, { before: Fields | undefined; latest: Fields }>()
  const spent = (name: string): number | undefined => {
    const counts = [...threads.values()].flatMap(({ before, latest }) => {
      const now = number(latest[name])
      return now === undefined ? [] : [Math.max(0, now - (number(before?.[name]) ?? 0))]
    })
    return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0)
  }
  const add = (params: Fields) => {
    const { threadId } = params
    const { total, last } = fields(params['tokenUsage'])
    const latest = fields(total)
    const before = threads.get(threadId)?.before ?? totals.of(threadId) ?? totalBefore(latest, fields(last))
    threads.set(threadId, { before, latest })
    totals.hear(params)
  }
  return {
    add,
    addResponse({ threadId, usage: last }) {
      const before = totals.of(threadId)
      if (before) add({ threadId, tokenUsage: { total: sum(before, fields(last)), last } })
    },
    get usage() {
      if ([...threads.values()].some(({ before }) => before === undefined)) return undefined
      const usage = keepKnown({
        inputTokens: spent('inputTokens'),
        outputTokens: spent('outputTokens'),
        cachedTokens: spent('cachedInputTokens'),
        cacheCreationTokens: spent('cacheWriteInputTokens'),
        reasoningTokens: spent('reasoningOutputTokens'),
      })
      // No model call was counted.
      return Object.values(usage).some((count) => count > 0) ? usage : undefined
    },
  }
}

function sum(total: Fields, more: Fields): Fields {
  const names = new Set([...Object.keys(total), ...Object.keys(more)])
  return Object.fromEntries(
    [...names].map((name) => [name, (number(total[name]) ?? 0) + (number(more[name]) ?? 0)]),
  )
}

function totalBefore(total: Fields, last: Fields): Fields | undefined {
  if (!Object.values(last).some((count) => (number(count) ?? 0) > 0)) return undefined
  return Object.fromEntries(
    Object.keys(total).map((name) => [name, (number(total[name]) ?? 0) - (number(last[name]) ?? 0)]),
  )
}

function keepKnown(counts: Readonly<Record<keyof Usage, number | undefined>>): Usage {
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== undefined))
}
