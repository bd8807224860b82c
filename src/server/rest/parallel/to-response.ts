import type { TaskResult } from '../tasks/schema.ts'
import type { ParallelRequest, ParallelResponse } from './schema.ts'

/** `results` has one of each task, in their order. */
export function toParallelResponse(
  tasks: ParallelRequest['tasks'],
  results: readonly TaskResult[],
  durationMs: number,
): ParallelResponse {
  const count = (wanted: TaskResult['status']) => results.filter(({ status }) => status === wanted).length
  return {
    total_tasks: results.length,
    completed: count('completed'),
    failed: count('failed'),
    cancelled: count('cancelled'),
    total_duration_ms: durationMs,
    results: results.map((result, index) => {
      const { id, name } = tasks[index] ?? {}
      return {
        index,
        ...(id === undefined ? {} : { id }),
        ...(name === undefined ? {} : { name }),
        ...result,
      }
    }),
  }
}
