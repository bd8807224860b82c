import { abortError } from '../../agents/take-turn.ts'
import { ClinvkError } from '../../errors.ts'
import type { Budget } from '../collect.ts'
import type { Engine } from '../types.ts'
import { merge } from './merge.ts'
import { createSharedBudget, runTask } from './run-task.ts'
import type { PlannedTask, TaskEvent } from './types.ts'

/** How tasks run side by side. */
export interface ParallelOptions {
  /** How many run at a time. */
  readonly atMost: number
  /** The first failure cancels all others. */
  readonly failFast: boolean
  readonly budget?: Budget
}

/**
 * Runs tasks side by side and begins them in their order. Every task has an outcome in the end; leaving early, or
 * aborting `signal`, cancels all that run.
 *
 * @throws the signal's reason, after the outcomes.
 */
export async function* runParallel(
  engine: Pick<Engine, 'start'>,
  tasks: readonly PlannedTask[],
  { atMost, failFast, budget = createSharedBudget() }: ParallelOptions,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, void> {
  const ours = new AbortController()
  const either = AbortSignal.any([signal, ours.signal])
  const queue = tasks.entries()
  const begin = () => {
    const next = queue.next()
    if (next.done) return undefined
    const [index, task] = next.value
    const events = runTask(engine, index, task, budget, either)
    return failFast ? stopping(events, ours) : events
  }
  yield* merge(begin, atMost, () => ours.abort(new ClinvkError('cancelled', 'Nobody reads any more.')))
  if (signal.aborted) throw abortError(signal)
}

/** Cancels the others at once when a task has failed, however slowly its outcome is read. */
async function* stopping(
  events: AsyncGenerator<TaskEvent, void>,
  all: AbortController,
): AsyncGenerator<TaskEvent, void> {
  for await (const event of events) {
    if ('outcome' in event && event.outcome.status === 'failed')
      all.abort(
        new ClinvkError(
          'cancelled',
          `Task ${event.index} failed, and with fail_fast that cancels the others.`,
        ),
      )
    yield event
  }
}
