import type { PoolLimits, PoolStats } from '../agents/pool/types.ts'
import type { Backend } from './backends.ts'
import type { QueueView } from './queue.ts'
import type { TurnCounts, TurnWatch } from './turn-watch.ts'

/** Conversations whose agent lives; the idle ones have no turn under way. */
export interface LiveConversations {
  readonly live: number
  readonly idle: number
}

/** What runs of one backend. */
export interface BackendView {
  readonly name: string
  readonly turns: TurnCounts
  /** From here on: absent where no process outlives a turn. */
  readonly conversations?: LiveConversations
  readonly pool?: PoolStats & {
    /** Sessions that may have a turn at once. */
    readonly capacity: number
    /** Whether each session has a process of its own. */
    readonly exclusive: boolean
  }
}

/** What runs, and why: it names no command, folder or prompt, and nothing of those who prompt. */
export interface PoolView {
  /** The enabled ones. */
  readonly backends: readonly BackendView[]
  readonly queue: QueueView
  /** Of each backend that has a pool, where they are known. */
  readonly limits?: PoolLimits
  /** How often those who watch the turns have thrown. */
  readonly observerFailures: number
}

/** Where a {@link PoolView} comes from. */
export interface PoolSources {
  readonly backends: readonly Backend[]
  readonly turns: TurnWatch
  readonly conversations: (backend: string) => LiveConversations
  readonly queue: QueueView
  readonly limits?: PoolLimits | undefined
}

export function toPoolView({ backends, turns, conversations, queue, limits }: PoolSources): PoolView {
  return {
    backends: backends
      .filter(({ enabled }) => enabled)
      .map(({ driver: { name, pool } }) => {
        const counts = { name, turns: turns.countsOf(name) }
        if (!pool) return counts
        const { capacity, exclusive } = pool
        return {
          ...counts,
          conversations: conversations(name),
          pool: { ...pool.stats(), capacity, exclusive },
        }
      }),
    queue,
    ...(limits ? { limits } : {}),
    observerFailures: turns.failures(),
  }
}
