import type { Kind, PooledProcess, ProcessInfo, RecycleReason } from './types.ts'

/** A process of a pool, from the beginning of its start to its end. */
export interface Slot<P extends PooledProcess> {
  readonly kind: Kind<P>
  /** What its files were when it started. */
  readonly print: string
  /** Epoch ms. */
  readonly startedAt: number
  readonly starting: Promise<P>
  /** Gives its start up. */
  readonly abort: AbortController
  /** Once it has started. */
  process: P | undefined
  /** Who waits for its start to have a session in it. */
  waiting: number
  /** Who asks it something without a session. */
  visits: number
  /** Sessions that live in it. */
  sessions: number
  /** Sessions that it has had. */
  opened: number
  /** Turns that run. */
  running: number
  /** Turns that it has had. */
  turns: number
  /** Epoch ms of when it, or a process of its kind, was last of use. */
  usedAt: number
  memoryBytes: number | undefined
  /** Takes no new session, and ends with its last one. */
  leaving: boolean
  /** Why, where it was not to be so from the beginning. */
  reason: RecycleReason | undefined
  /** Ends with the last turn that runs. */
  abandoned: boolean
  /** Set once we end it. */
  ended: Promise<void> | undefined
}

export function newSlot<P extends PooledProcess>(
  of: Pick<Slot<P>, 'kind' | 'print' | 'startedAt' | 'starting' | 'abort' | 'usedAt' | 'leaving'>,
): Slot<P> {
  return {
    ...of,
    process: undefined,
    waiting: 0,
    visits: 0,
    sessions: 0,
    opened: 0,
    running: 0,
    turns: 0,
    memoryBytes: undefined,
    reason: undefined,
    abandoned: false,
    ended: undefined,
  }
}

/** Whether it may take a new session, now or once it has started. */
export function isFit<P extends PooledProcess>({ leaving, process }: Slot<P>): boolean {
  return !leaving && process?.alive !== false
}

/** Whether nobody would miss it. */
export function isUnused<P extends PooledProcess>({ waiting, visits, sessions }: Slot<P>): boolean {
  return waiting + visits + sessions === 0
}

export function toInfo<P extends PooledProcess>(slot: Slot<P>): ProcessInfo {
  const { process, sessions, turns, startedAt, memoryBytes } = slot
  return {
    ...(process ? { pid: process.pid } : {}),
    state: stateOf(slot),
    sessions,
    turns,
    startedAt,
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
  }
}

function stateOf<P extends PooledProcess>(slot: Slot<P>): ProcessInfo['state'] {
  const { process, ended, abandoned, reason, running, opened } = slot
  if (ended || abandoned || reason !== undefined || process?.alive === false) return 'leaving'
  if (process === undefined) return 'starting'
  if (running > 0) return 'busy'
  return opened === 0 ? 'spare' : 'idle'
}
