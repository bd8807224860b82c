import { expect, test } from 'bun:test'
import type { DriverPool } from '../../src/agents/pool/types.ts'
import { createMemoryBudget, watchMemory } from '../../src/engine/memory-budget.ts'
import { waitUntil } from '../support/processes.ts'

/** A pool whose processes take `each` bytes; `spares` of them have no work. */
function poolOf(each: number, { busy = 0, spares = 0 }): DriverPool & { readonly left: () => number } {
  let left = spares
  return {
    left: () => left,
    capacity: 1,
    exclusive: true,
    askForRoom: () => {},
    keepNone() {},
    shed() {
      if (left === 0) return false
      left -= 1
      return true
    },
    stats: () => ({
      processes: Array.from({ length: busy + left }, (_, pid) => ({
        pid,
        state: 'idle',
        sessions: 1,
        turns: 0,
        startedAt: 0,
        memoryBytes: each,
      })),
      started: 0,
      failedStarts: 0,
      died: 0,
      recycled: { turns: 0, sessions: 0, memory: 0, age: 0, changed: 0, unused: 0, shed: 0 },
      opened: { spare: 0, cold: 0 },
    }),
  }
}

test('agents without work end until the others fit, spares before conversations', async () => {
  const [first, second] = [poolOf(10, { busy: 1, spares: 2 }), poolOf(100, { busy: 1, spares: 1 })]
  const budget = createMemoryBudget(105)
  let conversations = 0
  const stop = watchMemory(
    budget,
    [first, second],
    async () => {
      conversations += 1
      return false
    },
    5,
  )
  await waitUntil(() => conversations > 0)
  stop()
  expect([first.left(), second.left()]).toEqual([0, 0])
  expect(budget.used).toBe(110)
})

test('nothing ends while all fit', async () => {
  const pool = poolOf(10, { busy: 1, spares: 2 })
  const budget = createMemoryBudget(30)
  const stop = watchMemory(budget, [pool], () => Promise.reject(new Error('unexpected')), 1)
  await waitUntil(() => budget.used === 30)
  await Bun.sleep(20)
  stop()
  expect(pool.left()).toBe(2)
})
