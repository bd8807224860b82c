/** What a pool of agent processes is: which processes it holds, how sessions share them, and what can be told of it. */

/** How a session came by its process: it was running already, or had to be started for it. */
export type ProcessStart = 'spare' | 'cold'

/** What a pool may hold. Times in ms; 0 is no limit unless said otherwise. */
export interface PoolLimits {
  /** Without it each session has a process of its own, which ends with it, and none is started ahead. */
  readonly enabled: boolean
  /** Spare processes that are kept ready for what was asked for last. */
  readonly minimum: number
  /** Processes of the backend at once. */
  readonly maximum: number
  /** Sessions that share a process at once, where the agent can. */
  readonly sessionsPerProcess: number
  /** How long a process without a session is kept. 0: not at all. */
  readonly keepAliveMs: number
  /** Turns after which a process takes no new session. */
  readonly maxTurns: number
  /** Age after which a process takes no new session. */
  readonly maxAgeMs: number
  /** Memory after which a process takes no new session, in bytes. */
  readonly processMemoryBytes: number
  /** Whether there is memory for one that is started ahead; by default there is. */
  readonly mayStartAhead?: () => boolean
}

/** For a driver that is used by itself: processes are kept and shared, and none is started ahead. */
export const SMALL_POOL: PoolLimits = {
  enabled: true,
  minimum: 0,
  maximum: 16,
  sessionsPerProcess: 16,
  keepAliveMs: 600_000,
  maxTurns: 0,
  maxAgeMs: 0,
  processMemoryBytes: 0,
}

/**
 * Why a process takes no new session and ends with its last one. `shed`: it made room, in the pool or in memory. One
 * that was for a single session from the beginning has no reason.
 */
export const RECYCLE_REASONS = ['turns', 'sessions', 'memory', 'age', 'changed', 'unused', 'shed'] as const
export type RecycleReason = (typeof RECYCLE_REASONS)[number]

/** What a pool needs of a process. */
export interface PooledProcess {
  readonly pid: number
  readonly alive: boolean
  /** Settles when nothing of it is left. Never rejects. */
  readonly exited: Promise<unknown>
  /** Ends it, politely at first. Never rejects. */
  end(): Promise<void>
}

/**
 * A file that a process reads when it starts. As a path: it has changed when another file is there, by its real path,
 * inode, size or time, as with programs. With an essence: when that differs, for what the agent itself rewrites.
 */
export type WatchedFile =
  | string
  | {
      readonly path: string
      /** What matters in its text, as JSON. May throw: then the whole text does. Always the same function for a path. */
      readonly essence: (text: string) => unknown
    }

/** What distinguishes one process from another, and how to start it. */
export interface Kind<P extends PooledProcess> {
  /** Sessions with an equal key can share a process, or take its spare. */
  readonly key: string
  start(signal: AbortSignal): Promise<P>
  /**
   * Starts one before it is asked for, where that is another thing: it may cost more, since nobody waits for it, and it
   * cannot know of any session. `false`: none is started ahead.
   */
  readonly startAhead?: ((signal: AbortSignal) => Promise<P>) | false
  /**
   * The program and the files that it reads when it starts, such as settings and logins: once one has changed, a
   * process that was started before takes no new session.
   */
  readonly files: readonly WatchedFile[]
}

/** A session's place in a process. */
export interface Lease<P extends PooledProcess> {
  readonly process: P
  readonly start: ProcessStart
  /** Whether other sessions live in the process. */
  readonly crowded: boolean
  /** Whether the process is to end with its last session, for another reason than that there may be no more. */
  readonly worn: boolean
  /** Marks a turn as running until the returned function is called. */
  beginTurn(): () => void
  /** Gives the process up because it does not answer: it ends when the running turns of other sessions have. */
  abandon(): Promise<void>
  /** The session is over. Further calls do nothing. */
  release(): void
}

/** One process, as it is shown. */
export interface ProcessInfo {
  /** Absent while it is being started. */
  readonly pid?: number
  /** `spare`: no session has used it. `idle`: no turn runs. `leaving`: takes no new session. */
  readonly state: 'starting' | 'spare' | 'idle' | 'busy' | 'leaving'
  /** Sessions that live in it. */
  readonly sessions: number
  /** Turns that it has had. */
  readonly turns: number
  /** Epoch ms. */
  readonly startedAt: number
  /** Bytes of its whole process group, where they are known. */
  readonly memoryBytes?: number
}

/** A pool as it is shown. Counts are since its start. */
export interface PoolStats {
  readonly processes: readonly ProcessInfo[]
  readonly started: number
  readonly failedStarts: number
  /** Processes that ended by themselves. */
  readonly died: number
  readonly recycled: Readonly<Record<RecycleReason, number>>
  /** Sessions, by how they came by their process. */
  readonly opened: Readonly<Record<ProcessStart, number>>
  /** Epoch ms until which none is started ahead, since starts failed. */
  readonly heldBackUntil?: number
}

/** The processes of one backend, as the engine sees them. */
export interface DriverPool {
  /** Sessions that may have a turn at once. */
  readonly capacity: number
  /** Whether each session has a process of its own, so that one without work costs as much as one with. */
  readonly exclusive: boolean
  /** Ends a process that no session uses; false where there is none. */
  shed(): boolean
  /**
   * Whom to ask for room where a session needs a process more than there may be, or no seat is left: it ends a session that
   * has no turn under way, and tells whether there was one.
   */
  askForRoom(giveUp: () => Promise<boolean>): void
  /** Starts none ahead any more, and ends those that no session uses, now and whenever it comes to that. */
  keepNone(): void
  stats(): PoolStats
}

/** The processes of one backend, as its driver sees them. */
export interface ProcessPool<P extends PooledProcess> extends DriverPool {
  /**
   * A place in a process of this kind, which is started where there is none.
   *
   * @throws what its start failed with, `shutting_down`, or as the signal says; the start goes on behind an abort.
   */
  take(kind: Kind<P>, signal?: AbortSignal): Promise<Lease<P>>
  /** Likewise for a question that opens no session: it needs no seat and is not counted. */
  visit(kind: Kind<P>, signal?: AbortSignal): Promise<Lease<P>>
  /** Has a spare ready, where the limits have any. Resolves when it is, or when it cannot be had now. */
  prepare(kind: Kind<P>): Promise<void>
  /** Ends all processes, and the starts under way. */
  close(): Promise<void>
}
