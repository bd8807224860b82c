import type { BackOff } from './back-off.ts'
import type { Clock } from './clock.ts'
import type { Fingerprints } from './fingerprint.ts'
import type { RecentKind, RecentKinds } from './recent-kinds.ts'
import type { Roster } from './roster.ts'
import type { Seats } from './seats.ts'
import { isUnused, type Slot } from './slot.ts'
import type { PooledProcess, PoolLimits } from './types.ts'

/** What starts processes ahead, for the kinds that were asked for last. */
export interface Spares {
  /** To be called when a spare may be missing: it is started a short while later. */
  plan(): void
  /** Starts the spare that is missed most, if it may be now. Resolves when it has started, or has not. */
  startOne(): Promise<void>
  stop(): void
}

/** What spares are started with. */
export interface SparesSetup<P extends PooledProcess> {
  readonly clock: Clock
  readonly backOff: BackOff
  readonly limits: PoolLimits
  readonly prints: Fingerprints
  readonly recent: RecentKinds<P>
  readonly roster: Roster<P>
  readonly seats: Seats<P>
  /** How long nothing may have been asked for before one is started, in ms. */
  readonly delayMs: number
}

/** While requests keep coming, a start waits no longer than this many delays. */
const MOST_DELAYS = 8

export function createSpares<P extends PooledProcess>(setup: SparesSetup<P>): Spares {
  const { clock, backOff, limits, prints, recent, roster, seats, delayMs } = setup
  let cancel: (() => void) | undefined
  let firstPlan: number | undefined
  let busy = false
  let stopped = false

  const count = (key: string) =>
    [...roster.slots].filter((slot) => slot.kind.key === key && seats.isFree(slot)).length
  /** A spare of a kind that is asked for less may make room. */
  const inTheWay = (rank: number): Slot<P> | undefined => {
    const before = new Set(
      recent
        .list()
        .slice(0, rank + 1)
        .map(({ kind }) => kind.key),
    )
    return [...roster.slots].find(
      (slot) => isUnused(slot) && !slot.leaving && slot.process && !before.has(slot.kind.key),
    )
  }
  const hasRoom = (rank: number) => {
    const over = roster.count() - limits.maximum
    return over < 0 || (over === 0 && inTheWay(rank) !== undefined)
  }
  const missing = (): RecentKind<P> | undefined =>
    recent.list().find(({ kind }, rank) => count(kind.key) < limits.minimum && hasRoom(rank))
  /** One start at a time: they would slow each other, and more so the request that waits for one. */
  const mayStart = () =>
    !stopped &&
    backOff.until() === undefined &&
    limits.mayStartAhead?.() !== false &&
    ![...roster.slots].some(({ process, ended }) => process === undefined && !ended)

  const startOne = async () => {
    const found = busy || !mayStart() ? undefined : missing()
    if (!found) return
    busy = true
    try {
      const print = await prints.of(found.kind.files)
      const still = mayStart() ? missing() : undefined
      if (still?.kind.key !== found.kind.key) return
      if (roster.count() >= limits.maximum) {
        const other = inTheWay(recent.list().indexOf(still))
        if (other) roster.retire(other, 'shed')
      }
      await roster.start(still.kind, print, still.usedAt, true).starting.catch(() => {
        // What can be started for a session need not be able to start without one.
        if (still.kind.startAhead) recent.forget(still.kind)
      })
    } finally {
      busy = false
      plan()
    }
  }
  const plan = () => {
    if (stopped || busy || !missing()) return
    const now = clock.now()
    firstPlan ??= now
    cancel?.()
    cancel = clock.after(Math.max(0, Math.min(delayMs, firstPlan + MOST_DELAYS * delayMs - now)), () => {
      firstPlan = undefined
      void startOne()
    })
  }

  return {
    plan,
    startOne,
    stop() {
      stopped = true
      cancel?.()
    },
  }
}
