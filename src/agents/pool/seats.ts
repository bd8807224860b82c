import { isFit, isUnused, type Slot } from './slot.ts'
import type { PooledProcess, PoolLimits } from './types.ts'

/** What an agent's processes can do, however much the operator allows. 0: no limit. */
export interface SessionLimits {
  /** Sessions in a process at once. */
  readonly atOnce: number
  /** Sessions that a process may open in its life. */
  readonly inAll: number
}

/** The places in processes, and who gets which. */
export interface Seats<P extends PooledProcess> {
  /** Sessions that share a process at once. */
  readonly each: number
  /** Sessions that a process has in its life. */
  readonly inAll: number
  /** Whether a new session finds a place in it, now or once it has started. */
  isFree(slot: Slot<P>): boolean
  /** The best process for a session of this kind: one that runs before one that starts, with the fewest running turns. */
  find(slots: Iterable<Slot<P>>, key: string): Slot<P> | undefined
  /** Likewise where processes hold more sessions than they should. */
  findBeyond(slots: Iterable<Slot<P>>, key: string): Slot<P> | undefined
  /** Likewise for a question without a session. */
  findForVisit(slots: Iterable<Slot<P>>, key: string): Slot<P> | undefined
}

export function createSeats<P extends PooledProcess>(
  limits: Pick<PoolLimits, 'enabled' | 'sessionsPerProcess'>,
  sessions: SessionLimits,
): Seats<P> {
  const { enabled, sessionsPerProcess } = limits
  const each = enabled ? Math.min(orNone(sessionsPerProcess), orNone(sessions.atOnce)) : 1
  const inAll = enabled ? orNone(sessions.inAll) : 1

  const hasLifeLeft = ({ opened, waiting }: Slot<P>) => opened + waiting < inAll
  const isFree = (slot: Slot<P>) =>
    isFit(slot) && hasLifeLeft(slot) && slot.sessions + slot.waiting < Math.min(each, inAll)
  return {
    each,
    inAll,
    isFree,
    find: (slots, key) => best(slots, key, isFree),
    findBeyond: (slots, key) => best(slots, key, (slot) => isFit(slot) && hasLifeLeft(slot)),
    findForVisit: (slots, key) => best(slots, key, isFit),
  }
}

/** A limit of 0 is none. */
export function orNone(limit: number): number {
  return limit > 0 ? limit : Number.POSITIVE_INFINITY
}

function best<P extends PooledProcess>(
  slots: Iterable<Slot<P>>,
  key: string,
  fits: (slot: Slot<P>) => boolean,
): Slot<P> | undefined {
  const found = [...slots].filter((slot) => slot.kind.key === key && fits(slot))
  return (
    least(
      found.filter(({ process }) => process),
      ({ running }) => running,
    ) ?? least(found, ({ waiting }) => waiting)
  )
}

/** The process that would be missed least: none where all are used. One that runs, sooner than one that only starts. */
export function leastUseful<P extends PooledProcess>(slots: Iterable<Slot<P>>): Slot<P> | undefined {
  const unused = [...slots].filter((slot) => !slot.leaving && isUnused(slot))
  return least(unused, ({ process, usedAt }) => (process ? usedAt : Number.POSITIVE_INFINITY))
}

/** The first of those with the least. */
function least<T>(all: readonly T[], of: (one: T) => number): T | undefined {
  return all.reduce<T | undefined>(
    (found, one) => (found === undefined || of(one) < of(found) ? one : found),
    undefined,
  )
}
