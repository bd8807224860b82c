import type { TaskEvent } from '../../../engine/orchestrate/types.ts'
import type { ClinvkError } from '../../../errors.ts'
import { toTaskProblem } from '../../problem.ts'
import type { NumberedEvent } from '../answer-stream.ts'
import type { StreamEvent } from '../schema.ts'
import {
  createEventWriter,
  createSequence,
  type EventWriter,
  rememberEvent,
  type Sequence,
} from '../to-events.ts'
import type { TaskResult } from './schema.ts'
import { type ToldTask, toTaskResult } from './to-result.ts'

/** Listens to several tasks and translates what happens, for a stream or for a single answer. */
export interface Teller {
  /** The event of the stream; undefined for an outcome that the events before have told. */
  toEvent(event: TaskEvent): NumberedEvent | undefined
  /** What became of every task that has an outcome, in their order. */
  results(): TaskResult[]
  done(answer: object): NumberedEvent
}

/**
 * @param onFailure told of every task that failed.
 * @param keepsWays whether the results of tasks that ask for it tell the way to them; a stream has told it.
 */
export function createTeller(
  tasks: readonly ToldTask[],
  keepsWays: boolean,
  onFailure: (error: ClinvkError) => void,
): Teller {
  const sequence = createSequence()
  const writers = new Map<number, EventWriter>()
  const wayWriters = new Map<number, EventWriter>()
  const ways = new Map<number, StreamEvent[]>()
  const results: TaskResult[] = []
  const taskOf = (index: number): ToldTask => {
    const task = tasks[index]
    if (!task) throw new Error(`There is no task ${index}.`)
    return task
  }
  const writerOf = (
    { index, turn }: Extract<TaskEvent, { turn: unknown }>,
    known: Map<number, EventWriter>,
    numbers?: Sequence,
  ): EventWriter => {
    const { verbose, metadata } = taskOf(index)
    const told = { verbose, ...(metadata === undefined ? {} : { metadata }) }
    const writer = known.get(index) ?? createEventWriter(turn, told, numbers)
    known.set(index, writer)
    return writer
  }
  const head = () => ({ timestamp: new Date().toISOString(), sequence: sequence.next() })
  const remember = (event: Extract<TaskEvent, { turn: unknown }>) => {
    if (!keepsWays || !taskOf(event.index).verbose) return
    const way = ways.get(event.index) ?? []
    ways.set(event.index, way)
    rememberEvent(way, event.event, writerOf(event, wayWriters))
  }
  const settle = (event: Extract<TaskEvent, { outcome: unknown }>) => {
    if (event.outcome.status === 'failed') onFailure(event.outcome.error)
    results[event.index] = toTaskResult(event.outcome, taskOf(event.index), ways.get(event.index))
  }

  return {
    toEvent(event) {
      const { label, backend } = taskOf(event.index)
      if ('event' in event) {
        remember(event)
        return { ...writerOf(event, writers, sequence).toEvent(event.event), ...label }
      }
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
    results: () => results,
    done: (content) => ({ type: 'done', ...head(), content }),
  }
}
