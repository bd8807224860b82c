import { abortError } from '../../agents/take-turn.ts'
import type { TurnEvent } from '../../agents/types.ts'
import { toClinvkError } from '../../errors.ts'
import { createListener } from '../client-calls.ts'
import type { Conversations } from '../conversations.ts'
import { digestOf } from '../digest.ts'
import type { Ending } from '../ending.ts'
import { type TurnLimits, withTimeouts } from '../limits.ts'
import { markNotRun } from '../not-run.ts'
import type { Queue } from '../queue.ts'
import { waitForPlace } from '../queue-progress.ts'
import type { Ticket } from '../queue-ticket.ts'
import type { SessionKeeper } from '../session-keeper.ts'
import type { ToldAnswer, WaitingTurn, WaitingTurns } from '../waiting-turns.ts'
import { asAsked } from './as-asked.ts'
import type { CheckedTurn, Leg, TurnControl } from './leg.ts'
import { leaveTrail, saidIn } from './trail.ts'

/** What a turn goes through. */
export interface PlaySetup {
  /** Goes on with a turn that waits for what this one brings. */
  readonly nextLeg: (turn: CheckedTurn, control: TurnControl) => Promise<Leg | undefined>
  readonly firstLeg: (turn: CheckedTurn, control: TurnControl) => Promise<Leg>
  readonly queue: Pick<Queue, 'enter'>
  readonly keeper: Pick<SessionKeeper, 'keep'>
  /** Where its agent waits for what its client says next, and where for the results of its tools. */
  readonly conversations: Pick<Conversations, 'leave'>
  readonly waitingTurns: Pick<WaitingTurns, 'add'>
  readonly limits: Pick<TurnLimits, 'silenceMs' | 'totalMs'>
  readonly ending: Pick<Ending, 'begin' | 'leaving' | 'closing'>
}

/**
 * The stream of a turn: its session, its place in the queue, what its agent tells, and what it leaves behind. Nothing happens
 * before the first event is asked for, so a reader that never comes leaves nothing behind.
 */
export function createPlay(setup: PlaySetup) {
  const { nextLeg, firstLeg, queue, keeper, conversations, waitingTurns, limits, ending } = setup

  const toControl = (signal: AbortSignal): TurnControl => {
    const ours = new AbortController()
    const cancel: TurnControl['cancel'] = (reason) => ours.abort(reason)
    return {
      signal: AbortSignal.any([signal, ours.signal, ending.closing]),
      cancel,
      timed: (events) => withTimeouts(events, limits, cancel),
    }
  }
  /** Keeps a turn for the request that brings the results of its calls. */
  const wait = async (
    { request }: CheckedTurn,
    { conversation, release, given }: Leg,
    answer: ToldAnswer,
    untold: WaitingTurn['untold'],
  ) => {
    const digest = await digestOf(saidIn(request))
    waitingTurns.add({ conversation, release, caller: request.caller, digest, answer, untold, given })
  }

  return async function* play(turn: CheckedTurn, asked: AbortSignal): AsyncGenerator<TurnEvent, void> {
    const over = ending.begin()
    const control = toControl(asked)
    const { signal } = control
    const { caller } = turn.request
    const backend = turn.prepared.backend.driver.name
    let leg: Leg | undefined
    let ticket: Ticket | undefined
    let began = false
    let waits = false
    try {
      for (const stop of [signal, ending.leaving]) if (stop.aborted) throw abortError(stop)
      leg = (await nextLeg(turn, control)) ?? (await firstLeg(turn, control))
      if (!leg.idle) {
        ticket = queue.enter({ backend, caller }, signal)
        yield* waitForPlace(ticket, backend)
      }
      if (leg.isLost?.()) {
        await leg.release().catch(() => {})
        leg = await firstLeg(turn, control)
      }
      began = true
      const { conversation, kept, untold } = leg
      const told = asAsked(leg, turn, control)
      const listener = createListener()
      for await (const event of kept ? keeper.keep(kept, told.events, signal) : told.events) {
        listener.hear(event)
        if (event.type === 'done' && event.stopReason === 'end_turn')
          await leaveTrail(conversations, conversation, turn.request, listener.told().text)
        if (event.type === 'done' && event.stopReason === 'tool_calls') {
          ticket?.leave()
          await wait(turn, leg, listener.told(), [...untold, ...told.untold()])
          waits = true
        }
        yield event.type === 'init'
          ? { ...event, start: event.start ?? 'warm', waitedMs: ticket?.waitedMs ?? 0 }
          : event
      }
    } catch (error) {
      const failure = signal.aborted ? abortError(signal) : toClinvkError(error)
      throw began ? failure : markNotRun(failure)
    } finally {
      // Before the session is let go: its next turn finds the place free.
      ticket?.leave()
      if (!waits) await (began ? leg?.release() : leg?.undo())?.catch(() => {})
      over()
    }
  }
}
