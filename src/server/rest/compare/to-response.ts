import type { TaskResult } from '../tasks/schema.ts'
import type { CompareRequest, CompareResponse } from './schema.ts'

/** `results` has one of each backend, in their order. */
export function toCompareResponse(
  { prompt, backends }: Pick<CompareRequest, 'prompt' | 'backends'>,
  results: readonly TaskResult[],
  durationMs: number,
): CompareResponse {
  return { prompt, backends, results: [...results], total_duration_ms: durationMs }
}
