import { within } from '../../process/within.ts'

/** How long a piece of work may keep the next one waiting, in ms: one that hangs must not stop all that follow. */
const PATIENCE_MS = 10_000

/** Begins each piece of work when the one before it has ended, however it ended. */
export function createQueue(patienceMs = PATIENCE_MS): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(work: () => Promise<T>) => {
    const mine = within(patienceMs, last).then(work)
    last = mine.catch(() => {})
    return mine
  }
}
