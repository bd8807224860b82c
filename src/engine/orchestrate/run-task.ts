import { abortError } from '../../agents/take-turn.ts'
import { ClinvkError, toClinvkError } from '../../errors.ts'
import { type Budget, createFold, MAX_COLLECTED, type TurnFold } from '../collect.ts'
import type { Engine } from '../types.ts'
import type { PlannedTask, TaskEvent, TurnHead } from './types.ts'

/** The room for the answers of all tasks together: as much as a single answer may have. */
export function createSharedBudget(limit = MAX_COLLECTED): Budget {
  return {
    left: limit,
    exceeded: (backend) =>
      new ClinvkError(
        'agent_protocol',
        `${backend}: with this one the answers are longer than ${limit} characters together. Ask for less at a time.`,
        { details: { backend }, retryable: false },
      ),
  }
}

/** One of several tasks. It never throws: what it fails with is its outcome. */
export async function* runTask(
  engine: Pick<Engine, 'start'>,
  index: number,
  task: PlannedTask,
  budget: Budget,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, void> {
  let head: TurnHead | undefined
  let fold: TurnFold | undefined
  try {
    if (signal.aborted) throw abortError(signal)
    if (task.dryRun) {
      yield { index, outcome: { status: 'planned', plan: task.plan } }
      return
    }
    const { events, ...turn } = await engine.start(task.request, signal)
    head = turn
    fold = createFold(turn, budget)
    for await (const event of events) {
      fold.add(event)
      yield { index, turn, event }
    }
    yield { index, outcome: { status: 'completed', result: fold.result() } }
  } catch (thrown) {
    fold?.drop()
    const error = signal.aborted ? abortError(signal) : toClinvkError(thrown)
    const status = signal.aborted || error.code === 'cancelled' ? 'cancelled' : 'failed'
    const began = head && { turn: head, durationMs: Math.max(0, Date.now() - head.startedAt) }
    yield { index, outcome: { status, error, ...began } }
  }
}
