import type { PoolLimits, ProcessInfo } from '../../agents/pool/types.ts'
import type { BackendView, PoolView } from '../../engine/pool-view.ts'
import type { QueueView } from '../../engine/queue.ts'
import type { PoolBackend, PoolResponse } from './schema-pool.ts'

/** Tells of the pool. Every member is named here, so that nothing is told that was not meant to be. `now`: epoch ms. */
export function toPoolResponse({ backends, queue, limits }: PoolView, now: number): PoolResponse {
  const processes = backends.flatMap(({ pool }) => pool?.processes ?? [])
  return {
    backends: backends.map((backend) => toBackend(backend, queue, now)),
    queue: toQueue(queue),
    ...(limits ? { limits: toLimits(limits) } : {}),
    totals: {
      running: sum(backends.map(({ name }) => queue.running[name] ?? 0)),
      processes: processes.length,
      sessions: sum(processes.map(({ sessions }) => sessions)),
      memory_bytes: sum(processes.map(({ memoryBytes = 0 }) => memoryBytes)),
    },
  }
}

function toBackend(view: BackendView, queue: QueueView, now: number): PoolBackend {
  const { name, turns, pool, conversations = { live: 0, idle: 0 } } = view
  return {
    name,
    running: queue.running[name] ?? 0,
    waiting: queue.waiting[name] ?? 0,
    waits: { turns: turns.waited, total_s: turns.waitedMs / 1000 },
    ...(pool
      ? {
          pool: {
            processes: pool.processes.map((process) => toProcess(process, now)),
            sessions: sum(pool.processes.map(({ sessions }) => sessions)),
            conversations: { live: conversations.live, idle: conversations.idle },
            capacity: pool.capacity,
            exclusive: pool.exclusive,
            hits: { warm: turns.warm, spare: pool.opened.spare, cold: pool.opened.cold },
            started: pool.started,
            failed_starts: pool.failedStarts,
            deaths: pool.died,
            recycled: { ...pool.recycled },
            ...(pool.heldBackUntil === undefined ? {} : { held_back_until: toTime(pool.heldBackUntil) }),
          },
        }
      : {}),
  }
}

function toProcess({ pid, state, sessions, turns, startedAt, memoryBytes }: ProcessInfo, now: number) {
  return {
    ...(pid === undefined ? {} : { pid }),
    state,
    sessions,
    turns,
    started_at: toTime(startedAt),
    age_s: Math.max(0, Math.floor((now - startedAt) / 1000)),
    ...(memoryBytes === undefined ? {} : { memory_bytes: memoryBytes }),
  }
}

function toQueue({ running, waiting, refused, limits }: QueueView) {
  return {
    running: sum(Object.values(running)),
    waiting: sum(Object.values(waiting)),
    refused,
    limits: {
      running: limits.running,
      waiting: limits.waiting,
      waiting_per_backend: limits.waitingPerBackend,
    },
  }
}

function toLimits(limits: PoolLimits) {
  return {
    enabled: limits.enabled,
    minimum: limits.minimum,
    maximum: limits.maximum,
    sessions_per_process: limits.sessionsPerProcess,
    keep_alive_s: limits.keepAliveMs / 1000,
    max_turns: limits.maxTurns,
    max_age_s: limits.maxAgeMs / 1000,
    process_memory_bytes: limits.processMemoryBytes,
  }
}

function toTime(at: number): string {
  return new Date(at).toISOString()
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, one) => total + one, 0)
}
