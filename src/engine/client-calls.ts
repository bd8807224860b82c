import type { TurnEvent } from '../agents/types.ts'
import type { ToldAnswer } from './waiting-turns.ts'

/** Remembers what events tell of an answer and its calls. */
export function createListener(): {
  hear(event: TurnEvent): void
  told(): ToldAnswer
} {
  let text = ''
  const calls: ToldAnswer['calls'][number][] = []
  return {
    hear(event) {
      if (event.type === 'text') text += event.text
      if (event.type === 'call_end') calls.push({ id: event.id, name: event.name, input: event.input })
    },
    told: () => ({ text, calls }),
  }
}

/**
 * Passes on the first call of an answer only, for a client that wants one at a time; the others are kept. The agent
 * waits for the results of all of them anyway.
 */
export function createSerial(): {
  apply(events: AsyncIterable<TurnEvent>): AsyncGenerator<TurnEvent, void>
  /** The calls that were not passed on, each with its events. */
  untold(): readonly (readonly TurnEvent[])[]
} {
  const kept: TurnEvent[][] = []
  let calls = 0
  return {
    async *apply(events) {
      for await (const event of events) {
        if (event.type === 'call_start') calls += 1
        if (calls <= 1 || !isOfCall(event)) yield event
        else if (event.type === 'call_start') kept.push([event])
        else kept.at(-1)?.push(event)
      }
    },
    untold: () => kept,
  }
}

function isOfCall({ type }: TurnEvent): boolean {
  return type === 'call_start' || type === 'call_delta' || type === 'call_end'
}
