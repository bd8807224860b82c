import type { Clock } from './clock.ts'
import type { Fingerprints } from './fingerprint.ts'
import type { Roster } from './roster.ts'
import { isUnused, type Slot } from './slot.ts'
import type { PooledProcess, PoolLimits } from './types.ts'

/** What looks after processes while nobody asks for one. */
export interface Care<P extends PooledProcess> {
  /** Looks whether these are still fit for a new session, `print` being what their files are now. */
  weed(slots: Iterable<Slot<P>>, print: string): void
  /** To be called when something changed: looks again as soon as it may make a difference. */
  wake(): void
  stop(): void
}

/** What care is taken with. */
export interface CareSetup<P extends PooledProcess> {
  readonly clock: Clock
  readonly limits: PoolLimits
  readonly prints: Fingerprints
  readonly roster: Roster<P>
  /** Resident bytes of the process groups that these lead, as far as they are known. */
  readonly memoryOf: (pids: readonly number[]) => Promise<ReadonlyMap<number, number>>
  /** Whether processes are wanted that are not there, so that there is something to wait for. */
  readonly isWanting: () => boolean
  /** Called each time, for what is wanted. */
  readonly onLook: () => void
}

/** How often processes are looked at, in ms. */
const LOOK_MS = 5000
/** How often memory is looked at, in ms; it means reading what is known of all processes of the machine. */
const MEMORY_MS = 10_000

export function createCare<P extends PooledProcess>(setup: CareSetup<P>): Care<P> {
  const { clock, limits, prints, roster, memoryOf } = setup
  let cancel: (() => void) | undefined
  let lastLook = clock.now()
  let lastSample = Number.NEGATIVE_INFINITY
  let sampling = false
  let stopped = false

  const isAged = ({ startedAt }: Slot<P>, now: number) =>
    limits.maxAgeMs > 0 && now - startedAt >= limits.maxAgeMs
  const inService = () => [...roster.slots].filter(({ reason, ended }) => reason === undefined && !ended)

  const look = () => {
    const now = clock.now()
    lastLook = now
    for (const slot of inService()) {
      if (isUnused(slot) && now - slot.usedAt >= limits.keepAliveMs) roster.retire(slot, 'unused')
      else if (isAged(slot, now)) roster.retire(slot, 'age')
    }
    void lookAtFiles()
    if (!sampling && now - lastSample >= MEMORY_MS) void sample()
    setup.onLook()
    wake()
  }
  const lookAtFiles = async () => {
    const kinds = new Map(inService().map(({ kind }) => [kind.key, kind]))
    for (const [key, { files }] of kinds) {
      const print = await prints.of(files)
      for (const slot of inService())
        if (slot.kind.key === key && slot.print !== print) roster.retire(slot, 'changed')
    }
  }
  const sample = async () => {
    sampling = true
    lastSample = clock.now()
    const running = [...roster.slots].flatMap(({ process }) => (process ? process.pid : []))
    const found = await memoryOf(running).catch(() => new Map<number, number>())
    sampling = false
    for (const slot of roster.slots) {
      const bytes = slot.process && found.get(slot.process.pid)
      slot.memoryBytes = bytes ?? slot.memoryBytes
      if (limits.processMemoryBytes > 0 && (bytes ?? 0) > limits.processMemoryBytes)
        roster.retire(slot, 'memory')
    }
  }
  /** The next time at which a process without a session has to end. */
  const nextEnd = () =>
    Math.min(
      ...inService()
        .filter(isUnused)
        .map(({ usedAt, startedAt }) =>
          Math.min(
            usedAt + limits.keepAliveMs,
            limits.maxAgeMs > 0 ? startedAt + limits.maxAgeMs : Number.POSITIVE_INFINITY,
          ),
        ),
    )
  const wake = () => {
    const now = clock.now()
    // There was nothing to look at until now.
    if (!cancel) lastLook = now
    cancel?.()
    cancel = undefined
    if (stopped || (roster.slots.size === 0 && !setup.isWanting())) return
    cancel = clock.after(Math.max(0, Math.min(lastLook + LOOK_MS, nextEnd()) - now), look)
  }

  return {
    weed(slots, print) {
      const now = clock.now()
      for (const slot of slots) {
        if (slot.leaving) continue
        if (slot.print !== print) roster.retire(slot, 'changed')
        else if (isAged(slot, now)) roster.retire(slot, 'age')
      }
    },
    wake,
    stop() {
      stopped = true
      cancel?.()
    },
  }
}
