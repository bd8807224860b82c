/** Longer waits limit a request; what libraries wait for before they try again is shorter. */
const LONGEST_PAUSE_MS = 120_000

/**
 * Lets pauses of this process pass at once while `run` runs: some libraries try again for minutes by default. How
 * often they try is left to them.
 */
export async function withQuickRetries<T>(run: () => Promise<T>): Promise<T> {
  const { setTimeout: real } = globalThis
  const quick = (callback: () => void, ms = 0, ...values: []) =>
    real(callback, ms > LONGEST_PAUSE_MS ? ms : Math.min(ms, 1), ...values)
  globalThis.setTimeout = Object.assign(quick, real)
  try {
    return await run()
  } finally {
    globalThis.setTimeout = real
  }
}
