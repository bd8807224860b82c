import { ClinvkError } from '../errors.ts'
import type { Channel } from '../process/channel.ts'
import type { TurnEvent } from './types.ts'

/** A turn that an agent is working on, as its driver sees it. */
export interface OpenTurn {
  /** What the driver reads from the agent; it ends with the turn, with an error for a failed one. */
  readonly events: Channel<TurnEvent>
  /** Resolves when the agent is quiet again: its turn ended, however, or its process did. Never rejects. */
  readonly settled: Promise<void>
  /** Asks the agent to stop the turn. It stays usable. */
  interrupt(): Promise<void>
  /** Ends the agent's process, for one that does not answer the interrupt. */
  kill(): Promise<void>
}

/** How long an agent may take to answer an interrupt before it is ended, in ms. */
const INTERRUPT_GRACE_MS = 3000

/**
 * Hands out the events of a turn and holds every driver to the same way of stopping: when `signal` aborts or the
 * reader leaves, the agent is interrupted, given a few seconds, and ended if it did not listen.
 *
 * @throws the signal's reason where that is a `ClinvkError`, else `cancelled`; or what the turn failed with.
 */
export async function* takeTurn(
  turn: OpenTurn,
  signal: AbortSignal,
  graceMs = INTERRUPT_GRACE_MS,
): AsyncGenerator<TurnEvent, void> {
  let settled = false
  void turn.settled.then(() => {
    settled = true
  })
  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= stopTurn(turn, graceMs)
    return stopping
  }
  const onAbort = () => void stop()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()

  let complete = false
  try {
    for await (const event of turn.events) {
      if (event.type === 'done') complete = true
      yield event
      // The turn waits for the client's tools; what comes after their results is asked for anew.
      if (event.type === 'done' && event.stopReason === 'tool_calls') return
    }
    if (signal.aborted && !complete) throw abortError(signal)
    complete = true
  } catch (error) {
    // A turn that failed has ended by itself, unless it was we who ended it.
    if (signal.aborted) throw abortError(signal)
    complete = settled
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    if (!complete) await stop()
    else await stopping
  }
}

/** Why a turn was aborted, as an error. */
export function abortError(signal: AbortSignal): ClinvkError {
  return signal.reason instanceof ClinvkError
    ? signal.reason
    : new ClinvkError('cancelled', 'The turn was cancelled.')
}

async function stopTurn(turn: OpenTurn, graceMs: number): Promise<void> {
  turn.events.discard()
  let timer: Timer | undefined
  const grace = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), graceMs)
  })
  turn.interrupt().catch(() => {})
  const outcome = await Promise.race([turn.settled, grace])
  clearTimeout(timer)
  if (outcome === 'late') await turn.kill().catch(() => {})
}
