import { ClinvkError } from '../errors.ts'
import { type Channel, createChannel } from '../process/channel.ts'
import type { TurnEvent } from './types.ts'

/** How long other sessions of a process wait for one whose reader takes nothing, in ms. */
const PATIENCE_MS = 1000
/** What is then kept for that reader, in characters of text, before its turn is given up. */
const MOST_KEPT = 32 * 1024 * 1024

/**
 * The channel of a turn in a process that serves several sessions: a slow reader slows the process while it is alone
 * with it, and is buffered for, within a limit, when others wait.
 */
export function createSharedChannel(
  backend: string,
  othersWait: () => boolean,
  capacity?: number,
): Channel<TurnEvent> {
  return createChannel<TurnEvent>(capacity, {
    patienceMs: PATIENCE_MS,
    limit: MOST_KEPT,
    isNeeded: othersWait,
    tooSlow: () =>
      new ClinvkError('cancelled', `${backend}: the answer was not read while others waited for the agent.`, {
        details: { backend },
      }),
  })
}
