/** What puts things in order now and then. */
export interface Tidying {
  /** Who waits for another process looks now and then whether that still lives. */
  whileWaiting(): void
  stop(): void
}

const TIDY_MS = 60_000
const LOOK_MS = 1000

/** @param tidyUp must not throw. */
export function createTidying(tidyUp: () => void): Tidying {
  let tidiedAt = performance.now()
  const tidy = () => {
    tidiedAt = performance.now()
    tidyUp()
  }
  const timer = setInterval(tidy, TIDY_MS)
  timer.unref()
  return {
    whileWaiting() {
      if (performance.now() - tidiedAt > LOOK_MS) tidy()
    },
    stop: () => clearInterval(timer),
  }
}
