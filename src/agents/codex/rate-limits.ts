import { type Fields, fields, number } from '../fields.ts'

/** What the account's limits are, as far as Codex told. */
export interface RateLimits {
  /** Takes a `RateLimitSnapshot`; what it does not mention stays as it was. */
  update(snapshot: Fields): void
  /** How long until every limit that is used up is reset, in ms, at a time in ms since 1970. */
  retryAfterMs(now: number): number | undefined
}

/** Codex tells the provider's `retry-after` nowhere, but for an account's limits it tells when they are reset. */
export function createRateLimits(): RateLimits {
  const windows = new Map<string, Fields>()
  return {
    update(snapshot) {
      for (const name of ['primary', 'secondary'])
        if (snapshot[name]) windows.set(name, fields(snapshot[name]))
    },
    retryAfterMs(now) {
      const waits = [...windows.values()]
        .filter((window) => (number(window['usedPercent']) ?? 0) >= 100)
        // `resetsAt` is in seconds since 1970.
        .map((window) => (number(window['resetsAt']) ?? 0) * 1000 - now)
        .filter((wait) => wait > 0)
      return waits.length === 0 ? undefined : Math.max(...waits)
    },
  }
}
