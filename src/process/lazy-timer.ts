/** A timer that is started and stopped for each of many events: it looks at the clock when it fires, and is seldom set. */
export interface LazyTimer {
  /** Lets it fire once, that many ms from now or never, instead of when it was to. */
  start(ms: number): void
  /** It does not fire until it is started again. */
  stop(): void
  /** For good: nothing of it is left. */
  end(): void
}

/** Timers of the runtime fire at once past this. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export function createLazyTimer(onTime: () => void): LazyTimer {
  let timer: Timer | undefined
  let firesAt = 0
  let due: number | undefined

  const set = (ms: number, at: number) => {
    clearTimeout(timer)
    firesAt = at
    timer = setTimeout(look, Math.min(Math.max(0, Math.ceil(ms)), LONGEST_TIMER_MS))
  }
  const look = () => {
    timer = undefined
    if (due === undefined) return
    const left = due - performance.now()
    if (left > 0) return set(left, due)
    due = undefined
    onTime()
  }
  return {
    start(ms) {
      if (ms === Number.POSITIVE_INFINITY) {
        due = undefined
        return
      }
      due = performance.now() + ms
      if (timer === undefined || due < firesAt) set(ms, due)
    },
    stop() {
      due = undefined
    },
    end() {
      due = undefined
      clearTimeout(timer)
      timer = undefined
    },
  }
}
