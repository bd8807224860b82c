import { totalmem } from 'node:os'
import type { PoolLimits } from '../agents/pool/types.ts'
import type { Config } from '../config/schema.ts'
import type { QueueLimits } from './queue.ts'

const MIB = 1024 ** 2
const GIB = 1024 ** 3

/** What the pool of each backend may hold, with what the machine has filled in. `memory` is the machine's, in bytes. */
export function toPoolLimits({ pool }: Pick<Config, 'pool'>, memory = totalmem()): PoolLimits {
  const { enabled } = pool
  return {
    enabled,
    minimum: enabled ? pool.minimum : 0,
    maximum: pool.maximum === 0 ? Math.min(16, Math.max(2, Math.floor(memory / GIB))) : pool.maximum,
    sessionsPerProcess: enabled ? pool.sessions_per_process : 1,
    keepAliveMs: enabled ? pool.keep_alive_secs * 1000 : 0,
    maxTurns: pool.max_turns,
    maxAgeMs: pool.max_age_secs * 1000,
    processMemoryBytes: pool.process_memory_mb * MIB,
  }
}

/** Memory that all agents may take together, in bytes. */
export function memoryCeiling({ pool }: Pick<Config, 'pool'>, memory = totalmem()): number {
  return pool.memory_mb === 0 ? memory / 2 : pool.memory_mb * MIB
}

/** How many prompts run and wait. */
export function toQueueLimits({ pool }: Pick<Config, 'pool'>): QueueLimits {
  return { running: pool.max_running, waiting: pool.queue, waitingPerBackend: pool.queue_per_backend }
}
