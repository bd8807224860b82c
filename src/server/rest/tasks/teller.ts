import type { TaskEvent } from '../../../engine/orchestrate/types.ts'
import type { ClinvkError } from '../../../errors.ts'
import { toProblem, toTaskProblem } from '../../problem.ts'
import type { NumberedEvent } from '../answer-stream.ts'
import type { StreamEvent } from '../schema.ts'
import { createEventWriter, createSequence, type EventWriter, rememberEvent } from '../to-events.ts'
import type { TaskResult } from './schema.ts'
import { type ToldTask, toTaskResult } from './to-result.ts'

/** Listens to several tasks and translates what happens, for a stream or for a single answer. */
export interface Teller {
  /** The event of the stream; undefined for an outcome that the events before have told. */
  toEvent(event: TaskEvent): NumberedEvent | undefined
  /** Keeps what an answer tells of the way to it. */
  remember(event: TaskEvent): void
  /** What became of every task that has an outcome, in their order. */
  results(): TaskResult[]
  heartbeat(): NumberedEvent
  done(answer: object): NumberedEvent
  /** `id` is the request's. */
  error(error: ClinvkError, id: string): NumberedEvent
}

/** @param onFailure told of every task that failed. */
export function createTeller(tasks: readonly ToldTask[], onFailure: (error: ClinvkError) => void): Teller {
  const nextNumber = createSequence()
  const writers = new Map<number, EventWriter>()
  const ways = new Map<number, StreamEvent[]>()
  const results: TaskResult[] = []
  const taskOf = (index: number): ToldTask => {
    const task = tasks[index]
    if (!task) throw new Error(`There is no task ${index}.`)
    return task
  }
  const writerOf = (event: Extract<TaskEvent, { turn: unknown }>, number = nextNumber): EventWriter => {
    const known = writers.get(event.index)
    if (known) return known
    const { verbose, metadata } = taskOf(event.index)
    const told = { verbose, ...(metadata === undefined ? {} : { metadata }) }
    const writer = createEventWriter(event.turn, told, number)
    writers.set(event.index, writer)
    return writer
  }
  const head = () => ({ timestamp: new Date().toISOString(), sequence: nextNumber() })
  const settle = (event: Extract<TaskEvent, { outcome: unknown }>) => {
    if (event.outcome.status === 'failed') onFailure(event.outcome.error)
    results[event.index] = toTaskResult(event.outcome, taskOf(event.index), ways.get(event.index))
  }

  return {
    toEvent(event) {
      const { label, backend } = taskOf(event.index)
      if ('event' in event) return { ...writerOf(event).toEvent(event.event), ...label }
      settle(event)
      const { outcome } = event
      if (outcome.status === 'completed') return undefined
      if (outcome.status === 'planned')
        return { type: 'done', backend, ...head(), content: { ...outcome.plan, dry_run: true }, ...label }
      const session = outcome.turn === undefined ? {} : { session_id: outcome.turn.sessionId }
      return {
        type: 'error',
        backend,
        ...session,
        ...head(),
        content: toTaskProblem(outcome.error),
        ...label,
      }
    },
    remember(event) {
      if ('outcome' in event) {
        settle(event)
        return
      }
      if (!taskOf(event.index).verbose) return
      const way = ways.get(event.index) ?? []
      ways.set(event.index, way)
      rememberEvent(way, event.event, writerOf(event, createSequence()))
    },
    results: () => results,
    heartbeat: () => ({
      type: 'progress',
      ...head(),
      content: { kind: 'heartbeat', message: 'The agents are still at work.' },
    }),
    done: (content) => ({ type: 'done', ...head(), content }),
    error: (error, id) => ({ type: 'error', ...head(), content: toProblem(error, id) }),
  }
}
