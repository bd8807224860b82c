import { ClinvkError } from '../../errors.ts'
import type { Lease, PooledProcess } from './types.ts'

/**
 * Whether a session could not be opened because its process, which ran before, was about to die or dead already. It has
 * asked for nothing yet, so another process will do.
 */
export function wasLost({ start, process }: Lease<PooledProcess>, error: unknown): boolean {
  return start === 'spare' && !process.alive && error instanceof ClinvkError && error.code === 'agent_crashed'
}
