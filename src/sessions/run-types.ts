/** What is kept of runs and their events. */

import type { ErrorCode } from '../errors.ts'

/** How a run is. `interrupted`: its process ended in the middle of it. */
type RunStatus = 'running' | 'completed' | 'failed' | 'cancelled' | 'interrupted'

/** An error as it is kept: what it takes to tell it once more in every dialect. */
export interface KeptError {
  readonly code: ErrorCode
  readonly message: string
  readonly status: number
  readonly retryable: boolean
  readonly upstreamStatus?: number
  /** Of one that is to be tried again: nothing was run. */
  readonly retryAfterMs?: number
  readonly details: Readonly<Record<string, unknown>>
}

/** A run as it is kept. Times are epoch ms. */
export interface RunRecord {
  readonly id: string
  /** What it executes, such as `prompt`. */
  readonly kind: string
  /** Names who began it. Absent: nobody in particular. */
  readonly caller?: string
  /** What lists tell of it: plain data. */
  readonly about: Readonly<Record<string, unknown>>
  readonly status: RunStatus
  readonly error?: KeptError
  readonly createdAt: number
  readonly endedAt?: number
  /** Events that are kept of it. */
  readonly eventCount: number
}

/** A run that was begun with an idempotency key. `hash` stands for the request that began it. */
export interface KeyedRun {
  readonly id: string
  readonly hash: string | undefined
}

/** What a run begins with. `hash` stands for the whole request, with an idempotency key. */
export interface NewRun {
  readonly id: string
  readonly kind: string
  readonly caller: string | undefined
  readonly about: Readonly<Record<string, unknown>>
  readonly createdAt: number
  readonly holder: string
  readonly heldUntil: number
  readonly idempotency?: { readonly key: string; readonly hash: string }
}

/** One event of a run. `sequence` counts from 1 without gaps. */
export interface KeptEvent {
  readonly sequence: number
  readonly at: number
  readonly event: unknown
}

/** Which runs to list. */
export interface RunFilter {
  readonly caller: string | undefined
  readonly status?: string
  readonly kind?: string
  readonly session?: string
  readonly limit: number
  readonly offset?: number
}

/**
 * Runs that outlive the process. Every method is complete when it returns.
 * All throw `store_failed` when the store cannot be used.
 */
export interface RunStore {
  /**
   * Begins a run. With an idempotency key that its caller has used before nothing begins, and the run that did is
   * given, with the hash of its request.
   */
  begin(run: NewRun): KeyedRun | undefined
  /** The run that a caller began with an idempotency key. */
  findByKey(caller: string | undefined, key: string): KeyedRun | undefined
  get(id: string): RunRecord | undefined
  list(filter: RunFilter): { readonly runs: readonly RunRecord[]; readonly total: number }
  append(runId: string, events: readonly KeptEvent[]): void
  events(runId: string, after: number, limit: number): readonly KeptEvent[]
  end(id: string, status: Exclude<RunStatus, 'running'>, endedAt: number, error?: KeptError): void
  /** Nothing of it was run: the next request with its idempotency key begins anew. */
  freeKey(id: string): void
  /**
   * Says that its process lives, until then, also where another one took it for dead. Gives whether somebody wants it
   * cancelled.
   */
  renew(id: string, until: number): boolean
  /** Asks the process that executes it to cancel it. */
  askToCancel(id: string): void
  /** Runs that no process executes any more: marks them interrupted. Gives their ids. */
  markInterrupted(isAlive: (holder: string) => boolean, now: number): readonly string[]
  /** Asks the processes that execute runs of a session to cancel them; those are removed at their end, all others now. */
  removeOf(sessionId: string): void
  /** Removes one with its events. */
  remove(id: string): void
  removeOlderThan(time: number): number
  close(): void
}
