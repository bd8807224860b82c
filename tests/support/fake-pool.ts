import type { PoolStats } from '../../src/agents/pool/types.ts'
import type { FakeDriver } from './fake-driver.ts'

/** A pool with something to tell in every member. */
export const FAKE_STATS: PoolStats = {
  processes: [
    { pid: 101, state: 'busy', sessions: 3, turns: 9, startedAt: 1_000_000, memoryBytes: 1000 },
    { pid: 102, state: 'spare', sessions: 0, turns: 0, startedAt: 1_060_000 },
  ],
  started: 5,
  failedStarts: 2,
  died: 1,
  recycled: { turns: 1, sessions: 2, memory: 3, age: 4, changed: 5, unused: 6, shed: 7 },
  opened: { spare: 8, cold: 4 },
  heldBackUntil: 1_120_000,
}

/** The driver with that pool; its sessions are not really in it. */
export function withPool(driver: FakeDriver, stats: PoolStats = FAKE_STATS): FakeDriver {
  return Object.assign(driver, {
    pool: {
      capacity: 32,
      exclusive: false,
      shed: () => false,
      askForRoom: () => {},
      keepNone() {},
      stats: () => stats,
    },
  })
}
