import type { Slot } from './slot.ts'
import type { Lease, PooledProcess, ProcessStart, RecycleReason } from './types.ts'

/** What a lease tells the pool. */
export interface LeaseHooks<P extends PooledProcess> {
  retire(slot: Slot<P>, reason?: RecycleReason): void
  settle(slot: Slot<P>): void
  /** The session, or visit, is over. */
  released(slot: Slot<P>): void
  /** 0: no limit. */
  readonly maxTurns: number
}

/** What a lease takes up in its process. */
export type Room = 'sessions' | 'visits'

/** A place in a process that runs. */
export function createLease<P extends PooledProcess>(
  slot: Slot<P>,
  process: P,
  start: ProcessStart,
  room: Room,
  hooks: LeaseHooks<P>,
): Lease<P> {
  const turns = new Set<() => void>()
  let over = false
  slot[room] += 1

  const endTurns = () => {
    for (const end of turns) end()
  }
  return {
    process,
    start,
    get crowded() {
      return slot.sessions > 1
    },
    get worn() {
      return slot.reason !== undefined
    },
    beginTurn() {
      if (over) return () => {}
      const end = () => {
        if (!turns.delete(end)) return
        slot.running -= 1
        hooks.settle(slot)
      }
      turns.add(end)
      slot.running += 1
      slot.turns += 1
      if (hooks.maxTurns > 0 && slot.turns >= hooks.maxTurns) hooks.retire(slot, 'turns')
      return end
    },
    async abandon() {
      slot.leaving = true
      slot.abandoned = true
      endTurns()
      hooks.settle(slot)
      await slot.ended
    },
    release() {
      if (over) return
      over = true
      endTurns()
      slot[room] -= 1
      hooks.released(slot)
    },
  }
}
