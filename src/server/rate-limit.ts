/** What each caller may do. */
export interface RateLimits {
  /** Requests per second in the long run. */
  readonly rps: number
  /** Requests at once. */
  readonly burst: number
  /** How long a caller is remembered after its last request, in ms. */
  readonly forgetMs: number
}

/** Takes one request of a caller; undefined lets it in, else it is the time to wait, in ms. */
export type RateLimiter = (caller: string) => number | undefined

/** A token bucket for each caller. `now` is in ms and only its differences count. */
export function createRateLimiter(
  { rps, burst, forgetMs }: RateLimits,
  now: () => number = () => performance.now(),
): RateLimiter {
  const buckets = new Map<string, { tokens: number; at: number }>()
  let sweepAt = now() + forgetMs
  return (caller) => {
    const at = now()
    if (at >= sweepAt) {
      for (const [name, bucket] of buckets) if (at - bucket.at >= forgetMs) buckets.delete(name)
      sweepAt = at + forgetMs
    }
    const bucket = buckets.get(caller) ?? { tokens: burst, at }
    const tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 1000) * rps)
    const allowed = tokens >= 1
    buckets.set(caller, { tokens: allowed ? tokens - 1 : tokens, at })
    return allowed ? undefined : Math.ceil(((1 - tokens) / rps) * 1000)
  }
}
