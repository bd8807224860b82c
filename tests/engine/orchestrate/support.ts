import { afterEach } from 'bun:test'
import type { TurnEvent } from '../../../src/agents/types.ts'
import { inList, planTasks } from '../../../src/engine/orchestrate/check.ts'
import type { Task, TaskEvent, TaskOutcome } from '../../../src/engine/orchestrate/types.ts'
import type { Engine, TurnRequest } from '../../../src/engine/types.ts'
import { ClinvkError } from '../../../src/errors.ts'
import type { FakeDriver } from '../../support/fake-driver.ts'
import { createTestEngine } from '../../support/test-engine.ts'

const engines: Engine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
})

export function engineOf(...drivers: FakeDriver[]): Engine {
  const engine = createTestEngine(drivers, { blocked: ['/usr'] })
  engines.push(engine)
  return engine
}

export const never = new AbortController().signal

export const ask = (text: string, more: Partial<TurnRequest> = {}): TurnRequest => ({
  parts: [{ type: 'text', text }],
  ...more,
})

export const plan = (engine: Engine, tasks: readonly Task[]) => planTasks(engine, tasks, inList('tasks'))

/** Text of a prompt as a driver got it. */
export const textOf = ({ parts }: Pick<TurnRequest, 'parts'>): string =>
  parts.map((part) => (part.type === 'text' ? part.text : '')).join('')

/** The events of an answer. */
export const saying = (...texts: string[]): TurnEvent[] => [
  { type: 'init' },
  ...texts.map((text): TurnEvent => ({ type: 'text', text })),
  { type: 'done', stopReason: 'end_turn' },
]

/** Reads everything; the outcomes in the order of the tasks, and what it ended with. */
export async function readAll(events: AsyncGenerator<TaskEvent, void>) {
  const all: TaskEvent[] = []
  let end = 'complete'
  try {
    for await (const event of events) all.push(event)
  } catch (error) {
    end = error instanceof ClinvkError ? error.code : String(error)
  }
  const outcomes: TaskOutcome[] = []
  for (const event of all) if ('outcome' in event) outcomes[event.index] = event.outcome
  return { all, outcomes, end, said: outcomes.map(told) }
}

/** An outcome in few words. */
function told(outcome: TaskOutcome): string {
  if (outcome.status === 'completed') return `completed ${outcome.result.text}`
  return 'error' in outcome ? `${outcome.status} ${outcome.error.code}` : outcome.status
}
