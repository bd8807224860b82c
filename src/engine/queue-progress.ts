import type { TurnEvent } from '../agents/types.ts'
import type { Ticket } from './queue-ticket.ts'

type Progress = Extract<TurnEvent, { type: 'progress' }>

/**
 * Waits until a turn has its place, and tells how many are ahead, at first and whenever that changes. The queue waits for
 * no reader: one that is slow is told what is so when it looks.
 *
 * @throws what ended the wait.
 */
export async function* waitForPlace(ticket: Ticket, backend: string): AsyncGenerator<Progress, void> {
  let told: number | undefined
  while (ticket.ahead !== undefined) {
    if (ticket.ahead === told) await ticket.changed()
    else {
      told = ticket.ahead
      yield {
        type: 'progress',
        message: messageOf(backend, told),
        data: { queue: { position: told, backend } },
      }
    }
  }
  await ticket.granted
}

/** Whether an event tells of the queue: then nothing was run yet. */
export function tellsQueue(event: TurnEvent): boolean {
  return event.type === 'progress' && event.data?.['queue'] !== undefined
}

function messageOf(backend: string, ahead: number): string {
  if (ahead === 0) return `Waiting for ${backend}: this prompt is the next.`
  return `Waiting for ${backend}: ${ahead} ${ahead === 1 ? 'prompt is' : 'prompts are'} ahead.`
}
