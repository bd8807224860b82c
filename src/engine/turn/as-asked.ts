import type { TurnEvent } from '../../agents/types.ts'
import { ClinvkError } from '../../errors.ts'
import { createSerial } from '../client-calls.ts'
import type { Conversation } from '../conversations.ts'
import { withJsonAnswer } from '../json-answer.ts'
import { withMaxTurns, withParagraphs } from '../limits.ts'
import { withStop } from '../stop.ts'
import type { CheckedTurn, Leg, TurnControl } from './leg.ts'

/** The events of a leg as its request wants them: checked, cut at what it is to stop at, calls one at a time. */
export function asAsked(
  { events, conversation, maxTurns }: Leg,
  { request, prepared }: CheckedTurn,
  { signal, timed }: TurnControl,
): {
  readonly events: AsyncIterable<TurnEvent>
  /** The calls that were held back, each with its events. */
  readonly untold: () => readonly (readonly TurnEvent[])[]
} {
  const { check, backend } = prepared
  const { stop } = request
  const counted = backend.driver.capabilities.maxTurns === 'emulated' ? maxTurns : undefined
  // An answer in JSON is stopped before it is checked: what a stop leaves of it may fit no more.
  const formed =
    check === undefined
      ? events
      : withJsonAnswer(withStop(events, stop), check, (prompt) =>
          withStop(timed(sayMore(conversation, prompt, signal)), stop),
        )
  const limited = withParagraphs(withMaxTurns(formed, counted))
  const whole = check === undefined ? withStop(limited, stop) : limited
  const serial = createSerial()
  return { events: request.serialCalls ? serial.apply(whole) : whole, untold: serial.untold }
}

async function* sayMore(
  { live, driver }: Conversation,
  text: string,
  signal: AbortSignal,
): AsyncGenerator<TurnEvent, void> {
  if (!live?.alive)
    throw new ClinvkError('agent_crashed', `${driver.name} ended before it could correct its answer.`)
  yield* live.prompt({ parts: [{ type: 'text', text }] }, signal)
}
