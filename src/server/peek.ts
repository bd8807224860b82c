import type { TurnEvent } from '../agents/types.ts'
import { each, type Source } from '../engine/each.ts'

/** How long a stream waits for its turn to begin before its headers go out without it, in ms. */
export const BEGIN_GRACE_MS = 3000

/** The events of a turn, and the first of them where it was there in time. */
export interface Peeked {
  readonly first: TurnEvent | undefined
  readonly events: AsyncGenerator<TurnEvent, void>
}

/**
 * Waits for the first event, at most `graceMs`, and gives all of them. What fails before anything happened can then
 * still be told by a status. The first event of a turn that waits in the queue tells so, and its stream begins.
 *
 * @throws what the turn failed with before its first event, within `graceMs`.
 */
export async function peek(events: AsyncGenerator<TurnEvent, void>, graceMs: number): Promise<Peeked> {
  const first = events.next()
  const grace = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => grace.resolve(undefined), graceMs)
  const early = await Promise.race([first, grace.promise]).finally(() => clearTimeout(timer))
  return { first: early?.value ?? undefined, events: startingWith(first, events) }
}

function startingWith(
  first: Promise<IteratorResult<TurnEvent, void>>,
  events: AsyncGenerator<TurnEvent, void>,
): AsyncGenerator<TurnEvent, void> {
  let head: typeof first | undefined = first
  const source: Source<TurnEvent> = {
    next() {
      const next = head ?? events.next()
      head = undefined
      return next
    },
    return: () => events.return(),
  }
  return each(source, { item: (event) => event })
}
