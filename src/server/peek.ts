import type { TurnEvent } from '../agents/types.ts'

/** How long a stream waits for its turn to begin before its headers go out without it, in ms. */
export const BEGIN_GRACE_MS = 3000

/**
 * Waits for the first event, at most `graceMs`, and gives all of them. What fails before anything happened can then
 * still be told by a status.
 *
 * @throws what the turn failed with before its first event, within `graceMs`.
 */
export async function peek(
  events: AsyncGenerator<TurnEvent, void>,
  graceMs: number,
): Promise<AsyncGenerator<TurnEvent, void>> {
  const first = events.next()
  const grace = Promise.withResolvers<void>()
  const timer = setTimeout(grace.resolve, graceMs)
  try {
    await Promise.race([first, grace.promise])
  } finally {
    clearTimeout(timer)
  }
  return startingWith(first, events)
}

async function* startingWith(
  first: Promise<IteratorResult<TurnEvent, void>>,
  events: AsyncGenerator<TurnEvent, void>,
): AsyncGenerator<TurnEvent, void> {
  try {
    for (let next = await first; !next.done; next = await events.next()) yield next.value
  } finally {
    await events.return()
  }
}
