import { ClinvkError } from '../../errors.ts'
import { memoryOfGroups } from '../../process/memory.ts'
import { abortError } from '../take-turn.ts'
import { unlessAborted } from '../unless-aborted.ts'
import { createBackOff } from './back-off.ts'
import { createCare } from './care.ts'
import { type Clock, SYSTEM_CLOCK } from './clock.ts'
import { createFingerprints } from './fingerprint.ts'
import { createLease, type Room } from './lease.ts'
import { createRecentKinds } from './recent-kinds.ts'
import { createRoster } from './roster.ts'
import { createSeats, leastUseful, orNone, type SessionLimits } from './seats.ts'
import { type Slot, toInfo } from './slot.ts'
import { createSpares } from './spares.ts'
import type { Kind, Lease, PooledProcess, PoolLimits, ProcessPool, ProcessStart } from './types.ts'

/** What a pool is made with. */
export interface PoolSetup {
  /** Named in errors. */
  readonly backend: string
  readonly limits: PoolLimits
  readonly sessions: SessionLimits
  readonly clock?: Clock
  /** Resident bytes of the process groups that these lead, as far as they are known. */
  readonly memoryOf?: (pids: readonly number[]) => Promise<ReadonlyMap<number, number>>
  /** How long after a request a spare is started, in ms, so that it does not take the CPU from it. */
  readonly aheadMs?: number
}

const AHEAD_MS = 250

/** Makes an empty pool; nothing is started before it is asked for. */
export function createProcessPool<P extends PooledProcess>(setup: PoolSetup): ProcessPool<P> {
  const { backend, clock = SYSTEM_CLOCK, memoryOf = memoryOfGroups } = setup
  const limits = { ...setup.limits, maximum: orNone(setup.limits.maximum) }
  const { enabled, maximum } = limits
  const seats = createSeats<P>(limits, setup.sessions)
  const exclusive = seats.each === 1
  const backOff = createBackOff(clock)
  const prints = createFingerprints()
  const recent = createRecentKinds<P>(clock.now, enabled && limits.minimum > 0 ? limits.keepAliveMs : 0)
  const opened = { spare: 0, cold: 0 }
  const closing = new AbortController()
  let giveUp = async () => false

  const onChange = () => {
    spares.plan()
    care.wake()
  }
  const roster = createRoster<P>({
    clock,
    backOff,
    single: !enabled,
    keepsNone: limits.keepAliveMs === 0,
    onChange,
  })
  const { slots, retire, settle } = roster
  const spares = createSpares({
    clock,
    backOff,
    limits,
    prints,
    recent,
    roster,
    seats,
    delayMs: setup.aheadMs ?? AHEAD_MS,
  })
  const care = createCare({
    clock,
    limits,
    prints,
    roster,
    memoryOf,
    isWanting: () => recent.list().length > 0,
    onLook: spares.plan,
  })
  const hooks = {
    retire,
    settle,
    released(slot: Slot<P>) {
      slot.usedAt = clock.now()
      settle(slot)
      onChange()
    },
    maxTurns: limits.maxTurns,
  }

  /** Whether all are there that there may be, and none that could be ended for another one. */
  const isFull = () => {
    while (roster.count() >= maximum) {
      const other = leastUseful(slots)
      if (!other) return true
      retire(other, 'shed')
    }
    return false
  }
  /** Waits for a start that others wait for too; tells what it failed with. */
  const failureOf = (slot: Slot<P>, signal: AbortSignal | undefined) => {
    const failure = slot.starting.then(
      () => undefined,
      (error: unknown) => (slot.ended ? undefined : { error }),
    )
    return unlessAborted(failure, signal, closing.signal)
  }
  /** Finds a process for someone, or starts it, and keeps a place there: nothing may come between the two. */
  const reserve = async (kind: Kind<P>, place: 'waiting' | 'visits', signal: AbortSignal | undefined) => {
    const find = place === 'visits' ? seats.findForVisit : seats.find
    let hopeless = false
    while (true) {
      const print = await prints.of(kind.files)
      for (const stop of [closing.signal, signal]) if (stop?.aborted) throw abortError(stop)
      const same = [...slots].filter(({ kind: { key } }) => key === kind.key)
      care.weed(same, print)
      if (place === 'waiting') for (const slot of same) slot.usedAt = clock.now()
      const found = find(slots, kind.key)
      // While starts fail they are tried one at a time, and whoever waits for the same one need not try it again.
      const trial = found || backOff.until() === undefined ? undefined : starting()
      if (!trial) {
        const full = !found && isFull()
        const beyond = full && !exclusive ? seats.findBeyond(slots, kind.key) : undefined
        // Before one is shared beyond its seats, too, but only while no seat is left at all: whoever gives up a seat where
        // there are others may be of another kind again.
        const asks = full && place === 'waiting' && (!beyond || ![...slots].some(seats.isFree))
        if (asks && !hopeless) {
          hopeless = !(await giveUp())
          continue
        }
        const slot = found ?? beyond ?? roster.start(kind, print, clock.now())
        slot[place] += 1
        return slot
      }
      const failure = await failureOf(trial, signal)
      if (failure && trial.kind.key === kind.key) throw failure.error
    }
  }
  const starting = () => [...slots].find(({ process, ended }) => !process && !ended)

  const enter = async (kind: Kind<P>, room: Room, signal?: AbortSignal): Promise<Lease<P>> => {
    const place = room === 'visits' ? 'visits' : 'waiting'
    const slot = await reserve(kind, place, signal)
    const start = slot.process ? 'spare' : 'cold'
    let process: P | undefined
    try {
      process = slot.process ?? (await unlessAborted(slot.starting, closing.signal, signal))
    } finally {
      slot[place] -= 1
      if (!process) settle(slot)
    }
    if (start === 'cold') backOff.succeeded()
    const lease = createLease(slot, process, start, room, hooks)
    if (room === 'sessions') count(slot, start)
    return lease
  }
  const count = (slot: Slot<P>, start: ProcessStart) => {
    opened[start] += 1
    slot.opened += 1
    if (slot.opened >= seats.inAll) retire(slot, seats.inAll === 1 ? undefined : 'sessions')
    onChange()
  }

  return {
    capacity: maximum * seats.each,
    exclusive,
    shed() {
      const found = leastUseful(slots)
      if (found) retire(found, 'shed')
      return found !== undefined
    },
    askForRoom(whom) {
      giveUp = whom
    },
    keepNone() {
      spares.stop()
      roster.keepNone()
    },
    stats() {
      const { started, failedStarts, died, recycled } = roster
      const heldBackUntil = backOff.until()
      return {
        processes: [...slots].map(toInfo),
        started,
        failedStarts,
        died,
        recycled: { ...recycled },
        opened: { ...opened },
        ...(heldBackUntil === undefined ? {} : { heldBackUntil }),
      }
    },
    take(kind, signal) {
      recent.used(kind)
      return enter(kind, 'sessions', signal)
    },
    visit: (kind, signal) => enter(kind, 'visits', signal),
    async prepare(kind) {
      if (closing.signal.aborted) return
      recent.used(kind)
      await spares.startOne()
      onChange()
    },
    async close() {
      closing.abort(new ClinvkError('shutting_down', `${backend} is being shut down.`))
      spares.stop()
      care.stop()
      await roster.endAll()
    },
  }
}
