import type { DriverPool } from '../agents/pool/types.ts'

/** Memory that all agents share. */
export interface MemoryBudget {
  /** Bytes that they may take together. */
  readonly ceiling: number
  /** Bytes that they took when they were last measured. */
  used: number
}

export function createMemoryBudget(ceiling: number): MemoryBudget {
  return { ceiling, used: 0 }
}

/** How often the agents are measured, in ms. Their pools look at each process no more often. */
const LOOK_MS = 10_000

/**
 * Keeps agents within their memory: beyond it those without work end, one of each pool at a time and then that of the
 * conversation that waits longest, until what is measured is less again. One that works is left alone. The result stops
 * it.
 */
export function watchMemory(
  budget: MemoryBudget,
  pools: readonly DriverPool[],
  shedConversation: () => Promise<boolean>,
  everyMs = LOOK_MS,
): () => void {
  const look = () => {
    budget.used = pools
      .flatMap((pool) => pool.stats().processes)
      .reduce((sum, { memoryBytes = 0 }) => sum + memoryBytes, 0)
    if (budget.used <= budget.ceiling) return
    const ended = pools.filter((pool) => pool.shed())
    if (ended.length === 0) void shedConversation().catch(() => {})
  }
  const timer = setInterval(look, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
