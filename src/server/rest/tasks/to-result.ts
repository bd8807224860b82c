import type { TaskOutcome } from '../../../engine/orchestrate/types.ts'
import { toTaskProblem } from '../../problem.ts'
import type { StreamEvent } from '../schema.ts'
import { toPromptResponse } from '../to-response.ts'
import type { TaskResult } from './schema.ts'

/** What is known of a task before it runs. */
export interface ToldTask {
  /** What each of its events has besides. */
  readonly label: Readonly<Record<string, unknown>>
  readonly backend: string
  readonly verbose: boolean
  readonly metadata?: Record<string, unknown>
}

/** Translates what became of a task. `events` are told with verbose. */
export function toTaskResult(
  outcome: TaskOutcome,
  { backend, metadata }: Pick<ToldTask, 'backend' | 'metadata'>,
  events: StreamEvent[] | undefined,
): TaskResult {
  const repeated = metadata === undefined ? {} : { metadata }
  if (outcome.status === 'planned')
    return { status: 'completed', dry_run: true, ...outcome.plan, ...repeated }
  if (outcome.status === 'completed') {
    const { id, ...answer } = toPromptResponse(outcome.result, metadata, events)
    return { status: 'completed', run_id: id, ...answer }
  }
  const { status, turn, durationMs, error } = outcome
  return {
    status,
    ...(turn === undefined ? {} : { run_id: turn.id, session_id: turn.sessionId }),
    backend: turn?.backend ?? backend,
    ...(durationMs === undefined ? {} : { duration_ms: durationMs }),
    ...repeated,
    ...(events === undefined ? {} : { events }),
    error: toTaskProblem(error),
  }
}
