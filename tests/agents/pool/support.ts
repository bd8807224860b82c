import type { Clock } from '../../../src/agents/pool/clock.ts'
import { createProcessPool } from '../../../src/agents/pool/pool.ts'
import type { SessionLimits } from '../../../src/agents/pool/seats.ts'
import {
  type Kind,
  type PooledProcess,
  type PoolLimits,
  type PoolStats,
  type ProcessPool,
  SMALL_POOL,
  type WatchedFile,
} from '../../../src/agents/pool/types.ts'

/** Lets everything happen that can happen without time passing. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** A clock that stands still until it is turned. */
interface TurnedClock extends Clock {
  /** Lets time pass, with everything that is due in it. */
  pass(ms: number): Promise<void>
  /** How much is still to be done later. */
  pending(): number
}

function turnedClock(): TurnedClock {
  let now = 1_000_000
  const timers = new Set<{ at: number; work: () => void }>()
  return {
    now: () => now,
    after(ms, work) {
      const timer = { at: now + ms, work }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    async pass(ms) {
      const end = now + ms
      await settle()
      while (true) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((one, two) => one.at - two.at)
        if (!next) break
        now = Math.max(now, next.at)
        timers.delete(next)
        next.work()
        await settle()
      }
      now = end
    },
    pending: () => timers.size,
  }
}

/** A process that is none. */
interface FakeProcess extends PooledProcess {
  readonly key: string
  readonly wasEnded: boolean
  /** Ends by itself. */
  die(): void
}

/** A start that waits to be told how it goes. */
interface PendingStart {
  readonly key: string
  readonly signal: AbortSignal
  succeed(): FakeProcess
  fail(message?: string): void
}

interface World {
  readonly clock: TurnedClock
  readonly pool: ProcessPool<FakeProcess>
  /** All processes that were ever started. */
  readonly processes: readonly FakeProcess[]
  /** What pool memory is asked for tells. */
  readonly memory: Map<number, number>
  /** Starts that have not come to an end. */
  readonly starts: readonly PendingStart[]
  /** A kind whose processes start at once, or when they are told to. Those that linger end only when they die. */
  kind(
    key?: string,
    more?: { held?: boolean; files?: readonly WatchedFile[]; lingers?: boolean },
  ): Kind<FakeProcess>
  /** Processes that live, by key. */
  alive(): readonly string[]
  /** The states of the processes, as they are shown. */
  states(): readonly PoolStats['processes'][number]['state'][]
}

export function world(limits: Partial<PoolLimits> = {}, sessions: Partial<SessionLimits> = {}): World {
  const clock = turnedClock()
  const processes: FakeProcess[] = []
  const starts: PendingStart[] = []
  const memory = new Map<number, number>()
  const begin = (key: string, lingers = false): FakeProcess => {
    const process = fakeProcess(processes.length + 1, key, lingers)
    processes.push(process)
    return process
  }
  const pool = createProcessPool<FakeProcess>({
    backend: 'fake',
    limits: { ...SMALL_POOL, ...limits },
    sessions: { atOnce: 0, inAll: 0, ...sessions },
    clock,
    memoryOf: async () => memory,
  })
  const hold = (key: string, signal: AbortSignal) =>
    new Promise<FakeProcess>((resolve, reject) => {
      const over = () => starts.splice(starts.indexOf(start), 1)
      const start: PendingStart = {
        key,
        signal,
        succeed() {
          over()
          const process = begin(key)
          resolve(process)
          return process
        },
        fail(message = 'it does not start') {
          over()
          reject(new Error(message))
        },
      }
      starts.push(start)
      signal.addEventListener('abort', () => start.fail('given up'))
    })
  return {
    clock,
    pool,
    processes,
    memory,
    starts,
    kind: (key = 'a', { held = false, files = [], lingers = false } = {}) => ({
      key,
      files,
      start: async (signal) => (held ? hold(key, signal) : begin(key, lingers)),
    }),
    alive: () => processes.filter(({ alive }) => alive).map(({ key }) => key),
    states: () => pool.stats().processes.map(({ state }) => state),
  }
}

function fakeProcess(pid: number, key: string, lingers: boolean): FakeProcess {
  const { promise: exited, resolve } = Promise.withResolvers<void>()
  let alive = true
  let wasEnded = false
  const die = () => {
    alive = false
    resolve()
  }
  return {
    pid,
    key,
    get alive() {
      return alive
    },
    get wasEnded() {
      return wasEnded
    },
    exited,
    async end() {
      wasEnded ||= alive
      alive = false
      if (!lingers) die()
      await exited
    },
    die,
  }
}

/** What a promise is rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}
