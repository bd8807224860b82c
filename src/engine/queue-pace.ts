/** How fast places get free, which tells who is refused when to come again. */
export interface Pace {
  /** A place got free. */
  freed(): void
  /** When one who is refused now finds room, in ms, as far as one can know. */
  retryAfterMs(): number
}

const LEAST_MS = 1000
const MOST_MS = 60_000
/** How long a place is taken to last while none got free yet. */
const UNKNOWN_MS = 5000
/** How many of the last ones count. */
const LATELY = 20

/** @param now in ms; only differences count. */
export function createPace(now: () => number): Pace {
  const times: number[] = []
  let refused = 0
  return {
    freed() {
      refused = 0
      times.push(now())
      if (times.length > LATELY) times.shift()
    },
    retryAfterMs() {
      // Each place that gets free makes room for one: who is refused together is not told to come together.
      refused += 1
      const [first] = times
      const each = first === undefined ? UNKNOWN_MS : (now() - first) / times.length
      return Math.round(Math.min(MOST_MS, Math.max(LEAST_MS, each * refused)))
    },
  }
}
