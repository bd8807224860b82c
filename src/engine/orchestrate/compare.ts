import type { TurnRequest } from '../types.ts'
import type { ParallelOptions } from './parallel.ts'
import type { Task } from './types.ts'

/** The same prompt for each of several backends. */
export function toComparison(request: TurnRequest, backends: readonly string[], dryRun: boolean): Task[] {
  return backends.map((backend) => ({ request: { ...request, backend }, dryRun }))
}

/** All at once, or one after another. What fails is part of what is compared. */
export function comparisonOptions(backends: readonly string[], sequential: boolean): ParallelOptions {
  return { atMost: sequential ? 1 : backends.length, failFast: false }
}
