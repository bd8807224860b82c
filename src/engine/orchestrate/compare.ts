import type { ParallelOptions } from './parallel.ts'
import type { Task } from './types.ts'

/** The same prompt for each of several backends. */
export function toComparison({ request, ...task }: Task, backends: readonly string[]): Task[] {
  return backends.map((backend) => ({ ...task, request: { ...request, backend } }))
}

/** All at once, or one after another. What fails is part of what is compared. */
export function comparisonOptions(backends: readonly string[], sequential: boolean): ParallelOptions {
  return { atMost: sequential ? 1 : backends.length, failFast: false }
}
