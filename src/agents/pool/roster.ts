import type { BackOff } from './back-off.ts'
import type { Clock } from './clock.ts'
import { isUnused, newSlot, type Slot } from './slot.ts'
import { type Kind, type PooledProcess, RECYCLE_REASONS, type RecycleReason } from './types.ts'

/** The processes of a pool: how they begin, and how they end. */
export interface Roster<P extends PooledProcess> {
  readonly slots: ReadonlySet<Slot<P>>
  /** Processes that count against the maximum: those that are being ended do not, since others need not wait for them. */
  count(): number
  /** @param usedAt when a process of its kind was last asked for. */
  start(kind: Kind<P>, print: string, usedAt: number, ahead?: boolean): Slot<P>
  /** It takes no new session. Without a reason that was to be so from the beginning, and is not counted. */
  retire(slot: Slot<P>, reason?: RecycleReason): void
  /** To be called when a session, turn or visit is over: ends the process if it was the last. */
  settle(slot: Slot<P>): void
  /** Ends those that no session uses, now and whenever it comes to that. */
  keepNone(): void
  endAll(): Promise<void>
  readonly started: number
  readonly failedStarts: number
  readonly died: number
  readonly recycled: Readonly<Record<RecycleReason, number>>
}

/** What a roster is made with. */
export interface RosterSetup {
  readonly clock: Clock
  readonly backOff: BackOff
  /** Whether each process is for one session only. */
  readonly single: boolean
  /** Whether a process that no session uses is ended at once. */
  readonly keepsNone: boolean
  /** Called when a process has begun, leaves or is gone. */
  readonly onChange: () => void
}

/** One that dies sooner than this without having had a session has not started, in ms. */
const PROVEN_MS = 1000

export function createRoster<P extends PooledProcess>(setup: RosterSetup): Roster<P> {
  const { clock, backOff, onChange } = setup
  const slots = new Set<Slot<P>>()
  const recycled = Object.fromEntries(RECYCLE_REASONS.map((reason) => [reason, 0])) as Record<
    RecycleReason,
    number
  >
  let started = 0
  let failedStarts = 0
  let died = 0
  let { keepsNone } = setup

  const watch = (slot: Slot<P>, process: P) => {
    slot.process = process
    const since = clock.now()
    const proven = clock.after(PROVEN_MS, () => backOff.succeeded())
    void process.exited.then(() => {
      proven()
      slots.delete(slot)
      slot.leaving = true
      // Its end was not by itself where it was given up or is being ended.
      if (!slot.ended && !slot.abandoned) {
        died += 1
        if (slot.opened === 0 && clock.now() - since < PROVEN_MS) backOff.failed()
      }
      onChange()
    })
    settle(slot)
    onChange()
  }
  const end = (slot: Slot<P>) => {
    if (slot.ended) return
    const { promise, resolve } = Promise.withResolvers<void>()
    slot.ended = promise
    slot.leaving = true
    slot.abort.abort()
    void slot.starting
      .then((process) => process.end())
      .catch(() => {})
      .finally(() => {
        slots.delete(slot)
        resolve()
        onChange()
      })
  }
  const retire = (slot: Slot<P>, reason?: RecycleReason) => {
    // One that was to leave from the beginning, at its session's end, can wear out before.
    if (slot.reason !== undefined || (slot.leaving && (reason === undefined || isUnused(slot)))) return
    slot.leaving = true
    slot.reason = reason
    if (reason !== undefined) recycled[reason] += 1
    settle(slot)
    onChange()
  }
  const settle = (slot: Slot<P>) => {
    if (slot.ended || !slots.has(slot)) return
    if (slot.abandoned ? slot.running === 0 : slot.leaving && isUnused(slot)) end(slot)
    else if (keepsNone && isUnused(slot) && slot.process) retire(slot, 'unused')
  }

  return {
    slots,
    count: () => [...slots].filter(({ ended, process }) => !ended && process?.alive !== false).length,
    start(kind, print, usedAt, ahead = false) {
      const abort = new AbortController()
      const begin = (ahead && kind.startAhead) || kind.start
      const starting = (async () => begin(abort.signal))()
      const startedAt = clock.now()
      const slot = newSlot({ kind, print, startedAt, starting, abort, usedAt, leaving: setup.single })
      slots.add(slot)
      started += 1
      starting.then(
        (process) => watch(slot, process),
        () => {
          slots.delete(slot)
          slot.leaving = true
          if (!slot.ended) {
            failedStarts += 1
            backOff.failed()
          }
          onChange()
        },
      )
      onChange()
      return slot
    },
    retire,
    settle,
    keepNone() {
      keepsNone = true
      for (const slot of slots) if (isUnused(slot)) retire(slot, 'unused')
    },
    async endAll() {
      for (const slot of slots) end(slot)
      await Promise.all([...slots].map(({ ended }) => ended))
    },
    get started() {
      return started
    },
    get failedStarts() {
      return failedStarts
    },
    get died() {
      return died
    },
    recycled,
  }
}
