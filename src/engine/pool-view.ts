import type { PoolLimits, PoolStats } from '../agents/pool/types.ts'
import type { Backend } from './backends.ts'
import type { QueueLimits, QueueStats } from './queue.ts'
import type { TurnCounts, TurnWatch } from './turn-watch.ts'

/** What the queue in front of the agents tells of itself. By backend, those without any may be missing. */
export interface QueueView {
  /** Turns that were let in and are not over. */
  readonly running: Readonly<Record<string, number>>
  readonly waiting: Readonly<Record<string, number>>
  /** Turns that found no place to wait, since the start. */
  readonly refused: number
  /** What may run and wait at once. */
  readonly limits: QueueLimits
}

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
  readonly queue?: QueueView
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
  readonly queue?: QueueView | undefined
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
    ...(queue ? { queue } : {}),
    ...(limits ? { limits } : {}),
    observerFailures: turns.failures(),
  }
}

/** The queue of an engine, by its own account. */
export function toQueueView(lines: readonly QueueStats[], limits: QueueLimits): QueueView {
  return {
    running: Object.fromEntries(lines.map(({ backend, running }) => [backend, running])),
    waiting: Object.fromEntries(lines.map(({ backend, waiting }) => [backend, waiting])),
    refused: lines.reduce((sum, { refused }) => sum + refused, 0),
    limits,
  }
}
