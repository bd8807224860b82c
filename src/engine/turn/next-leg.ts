import type { ToolResult } from '../../agents/messages.ts'
import type { TurnEvent } from '../../agents/types.ts'
import { ClinvkError } from '../../errors.ts'
import type { Conversation } from '../conversations.ts'
import { digestOf } from '../digest.ts'
import { answersCalls, toContinuation, type WaitingTurns } from '../waiting-turns.ts'
import type { CheckedTurn, Leg, TurnControl } from './leg.ts'
import { isSameKind } from './prepare.ts'

/** Where turns wait for the results of the client's tools. */
export interface NextLegSetup {
  readonly waitingTurns: Pick<WaitingTurns, 'take' | 'add'>
  /** Aborted when none waits any more. */
  readonly leaving: AbortSignal
}

/** Finds the turn that waits for just the results that a request brings, and goes on with it; undefined where none does. */
export function createNextLeg({ waitingTurns, leaving }: NextLegSetup) {
  return async (
    { request, prepared }: CheckedTurn,
    { signal, timed }: TurnControl,
  ): Promise<Leg | undefined> => {
    const { history = [], parts, caller } = request
    const continuation = parts.length === 0 ? toContinuation(history) : undefined
    if (!continuation) return undefined
    const digest = await digestOf(continuation.before)
    const found = waitingTurns.take(
      (turn) =>
        turn.caller === caller &&
        turn.digest === digest &&
        isSameKind(turn.conversation, prepared) &&
        answersCalls(turn, continuation),
    )
    if (!found) return undefined
    const { conversation, release } = found
    const { live } = conversation
    const given = [...found.given, ...continuation.results]
    const [next, ...untold] = found.untold
    const isLost = () =>
      !live?.alive || live.answer === undefined || (next === undefined && !(live.canAnswer?.(given) ?? true))
    if (isLost()) {
      await release().catch(() => {})
      return undefined
    }
    const undo = async () => (leaving.aborted ? await release() : waitingTurns.add(found))
    const leg = { conversation, release, undo, isLost, maxTurns: undefined, kept: undefined }
    if (next) return { ...leg, idle: true, events: tellNext(next), given, untold }
    return { ...leg, events: timed(answer(conversation, given, signal)), given: [], untold: [] }
  }
}

/** Nothing is answered before the first event is asked for: the turn may have to wait for its place. */
async function* answer(
  { live, driver }: Conversation,
  results: readonly ToolResult[],
  signal: AbortSignal,
): AsyncGenerator<TurnEvent, void> {
  if (!live?.answer)
    throw new ClinvkError('agent_crashed', `${driver.name} ended before it was given the results.`)
  yield* live.answer(results, signal)
}

/** Tells a call that the model made together with earlier ones; it took nothing more. */
async function* tellNext(call: readonly TurnEvent[]): AsyncGenerator<TurnEvent, void> {
  yield { type: 'init' }
  yield* call
  yield { type: 'done', stopReason: 'tool_calls' }
}
