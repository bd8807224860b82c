/** Time, as far as a pool needs it. Tests have one that they turn themselves. */
export interface Clock {
  /** Epoch ms: a machine that was asleep has let its processes grow old all the same. */
  now(): number
  /** Does something later, if the process still lives. The returned function calls it off. */
  after(ms: number, work: () => void): () => void
}

export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  after(ms, work) {
    const timer = setTimeout(work, ms)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
