import type { PoolStats, ProcessInfo } from '../../agents/pool/types.ts'
import type { BackendView, PoolView } from '../../engine/pool-view.ts'
import type { Instruments } from './registry.ts'

const STATES = ['starting', 'spare', 'idle', 'busy', 'leaving'] as const satisfies ProcessInfo['state'][]
const FROM_VIEW = [
  'processes',
  'sessions',
  'process_memory_bytes',
  'process_starts_total',
  'process_start_failures_total',
  'process_deaths_total',
  'process_recycled_total',
  'sessions_opened_total',
  'queue_running',
  'queue_waiting',
  'queue_refused_total',
] as const satisfies (keyof Instruments)[]

/** Replaces what is known of the pool by what it is now. It counts for itself, so its counts are taken over as they are. */
export function writePool(metrics: Instruments, { backends, queue }: PoolView): void {
  for (const name of FROM_VIEW) metrics[name].reset()
  for (const view of backends) writeBackend(metrics, view)
  metrics.queue_refused_total.inc(queue.refused)
  for (const { name: backend } of backends) {
    metrics.queue_running.set({ backend }, queue.running[backend] ?? 0)
    metrics.queue_waiting.set({ backend }, queue.waiting[backend] ?? 0)
  }
}

function writeBackend(metrics: Instruments, { name: backend, turns, pool }: BackendView): void {
  if (!pool) return
  writeProcesses(metrics, backend, pool)
  metrics.process_starts_total.inc({ backend }, pool.started)
  metrics.process_start_failures_total.inc({ backend }, pool.failedStarts)
  metrics.process_deaths_total.inc({ backend }, pool.died)
  for (const [reason, count] of Object.entries(pool.recycled))
    metrics.process_recycled_total.inc({ backend, reason }, count)
  for (const [start, count] of Object.entries({ warm: turns.warm, ...pool.opened }))
    metrics.sessions_opened_total.inc({ backend, start }, count)
}

function writeProcesses(metrics: Instruments, backend: string, { processes }: PoolStats): void {
  for (const state of STATES)
    metrics.processes.set({ backend, state }, processes.filter((one) => one.state === state).length)
  metrics.sessions.set(
    { backend },
    processes.reduce((sum, { sessions }) => sum + sessions, 0),
  )
  const known = processes.flatMap(({ memoryBytes }) => (memoryBytes === undefined ? [] : [memoryBytes]))
  // Where no process is, they take nothing; where it is not known what they take, nothing is said.
  if (known.length > 0 || processes.length === 0)
    metrics.process_memory_bytes.set(
      { backend },
      known.reduce((sum, bytes) => sum + bytes, 0),
    )
}
