import type { ClinvkError } from '../errors.ts'
import { shuttingDown } from '../errors.ts'
import { within } from '../process/within.ts'

/** The end of an engine, in two steps: nothing begins any more, and what runs is ended. */
export interface Ending {
  /** Aborted with the first. */
  readonly leaving: AbortSignal
  /** Aborted with the second. */
  readonly closing: AbortSignal
  /** Something is under way, until the result is called. */
  begin(): () => void
  /** Takes the first step, and waits until nothing is under way, at most for `ms`. */
  drain(ms: number, reason: ClinvkError): Promise<void>
  /** Takes both, and waits at most `graceMs` for what is under way. */
  close(graceMs: number): Promise<void>
}

/** @param leave ends what has no work, and tells what waits for some. */
export function createEnding(leave: (reason: ClinvkError) => Promise<void>): Ending {
  const leaving = new AbortController()
  const closing = new AbortController()
  const underWay = new Set<Promise<void>>()

  const leaveOnce = async (reason: ClinvkError) => {
    if (leaving.signal.aborted) return
    leaving.abort(reason)
    await leave(reason)
  }
  const quiet = async () => {
    while (underWay.size > 0) await Promise.allSettled(underWay)
  }
  return {
    leaving: leaving.signal,
    closing: closing.signal,
    begin() {
      const { promise, resolve } = Promise.withResolvers<void>()
      underWay.add(promise)
      return () => {
        underWay.delete(promise)
        resolve()
      }
    },
    async drain(ms, reason) {
      await within(ms, Promise.all([leaveOnce(reason), quiet()]))
    },
    async close(graceMs) {
      const reason = shuttingDown()
      const left = leaveOnce(reason)
      closing.abort(reason)
      // A reader that takes no events keeps its turn from ending; its agent is ended all the same.
      await Promise.all([left, within(graceMs, Promise.allSettled(underWay))])
    },
  }
}
