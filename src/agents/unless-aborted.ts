import { abortError } from './take-turn.ts'
import type { AgentSession } from './types.ts'

/**
 * Waits for something, but not longer than until one of the signals aborts; the work goes on then, and whether it
 * fails is of no interest any more.
 *
 * @throws as the work, or as the signal says.
 */
export async function unlessAborted<T>(
  work: Promise<T>,
  ...signals: readonly (AbortSignal | undefined)[]
): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const listening = signals.flatMap((signal) => {
    if (!signal) return []
    const onAbort = () => aborted.reject(abortError(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    return [() => signal.removeEventListener('abort', onAbort)]
  })
  try {
    return await Promise.race([aborted.promise, work])
  } finally {
    for (const stop of listening) stop()
  }
}

/** Likewise for a session: one that comes after nobody waits for it any more is closed. */
export async function sessionUnlessAborted(
  opening: Promise<AgentSession>,
  signal: AbortSignal,
): Promise<AgentSession> {
  try {
    return await unlessAborted(opening, signal)
  } catch (error) {
    if (signal.aborted) void opening.then((session) => session.close()).catch(() => {})
    throw error
  }
}
