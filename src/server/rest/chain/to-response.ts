import type { TaskResult } from '../tasks/schema.ts'
import type { ChainRequest, ChainResponse } from './schema.ts'

/** `results` has one of each step, in their order. */
export function toChainResponse(
  steps: ChainRequest['steps'],
  results: readonly TaskResult[],
  durationMs: number,
): ChainResponse {
  const failed = results.findIndex(({ status }) => status !== 'completed')
  return {
    total_steps: results.length,
    completed_steps: results.filter(({ status }) => status === 'completed').length,
    failed_step: failed === -1 ? null : failed,
    total_duration_ms: durationMs,
    results: results.map((result, index) => {
      const name = steps[index]?.name
      return { index, ...(name === undefined ? {} : { name }), ...result }
    }),
  }
}
