/**
 * What is kept of sessions and their turns. The store is behind these types, so that nothing but `sessions/` knows
 * where they are kept.
 */

import type { Usage } from '../agents/types.ts'

/** What became of a session's last turn, or of a turn. `interrupted`: its process ended in the middle of it. */
export type TurnStatus = 'running' | 'completed' | 'failed' | 'cancelled' | 'interrupted'

/** A session as it is kept. Times are epoch ms. */
export interface SessionRecord {
  readonly id: string
  readonly backend: string
  /** The agent's own id of it, once it is known. */
  readonly agentSessionId?: string
  readonly agentVersion?: string
  readonly model?: string
  readonly workdir: string
  readonly title?: string
  readonly tags: readonly string[]
  readonly metadata: Readonly<Record<string, unknown>>
  /** `idle` before its first turn; then what became of the last one. */
  readonly status: 'idle' | TurnStatus
  /** The session that it was forked from. */
  readonly parent?: string
  /** What it is opened with, as the engine resolved it: plain data, without keys. */
  readonly options: unknown
  readonly createdAt: number
  readonly lastUsedAt: number
  readonly initialPrompt?: string
  readonly turnCount: number
  /** Of all turns together, as far as the agent told. */
  readonly usage: Usage
  /** US dollars. */
  readonly costUsd?: number
}

/** What a session begins with. */
export type NewSession = Omit<
  SessionRecord,
  'status' | 'createdAt' | 'lastUsedAt' | 'initialPrompt' | 'turnCount' | 'usage' | 'costUsd'
> & { readonly createdAt: number }

/** A session of the earlier program: what is left of it, without its turns. */
export type EarlierSession = Omit<SessionRecord, 'costUsd'>

/** A tool that an agent used in a turn. */
export interface ToolRecord {
  readonly id: string
  readonly name: string
  readonly input: unknown
  readonly output?: string
  readonly isError?: boolean
}

/** A turn as it is kept. */
export interface TurnRecord {
  /** Id of its run. */
  readonly id: string
  readonly sessionId: string
  /** Its place in the session, from 1. */
  readonly number: number
  /** What was said. What was no text is named in brackets, not kept. */
  readonly prompt: string
  readonly answer: string
  readonly tools: readonly ToolRecord[]
  readonly status: TurnStatus
  readonly stopReason?: string
  readonly model?: string
  readonly usage?: Usage
  readonly costUsd?: number
  readonly error?: { readonly code: string; readonly message: string }
  readonly startedAt: number
  readonly endedAt?: number
}

/** How a turn ended. */
export type TurnOutcome = Omit<TurnRecord, 'id' | 'sessionId' | 'number' | 'prompt' | 'startedAt'> & {
  readonly endedAt: number
  readonly agentSessionId?: string
  readonly agentVersion?: string
}

/** Which sessions to list. */
export interface SessionFilter {
  readonly backend?: string
  readonly status?: string
  readonly tag?: string
  readonly workdir?: string
  /** Occurs in the title, the id, or what was said or answered; letters of either case. */
  readonly text?: string
  readonly limit: number
  readonly offset?: number
  /** Goes on behind the session that a page ended with. */
  readonly after?: string
}

/** A page of sessions, the last used first. */
export interface SessionPage {
  readonly sessions: readonly SessionRecord[]
  /** Of all that match. */
  readonly total: number
  /** Where the next page begins; absent on the last one. */
  readonly next?: string
}

/** What can be changed of a session by its user. `null` removes. */
export interface SessionChanges {
  readonly title?: string | null
  readonly tags?: readonly string[]
}

/**
 * Sessions that outlive the process. Several processes use one store at once; every method is complete when it
 * returns. All throw `store_failed` when the store cannot be used.
 */
export interface SessionStore {
  create(session: NewSession): void
  get(id: string): SessionRecord | undefined
  /** The sessions whose id begins so, two at most. */
  startingWith(prefix: string): readonly SessionRecord[]
  list(filter: SessionFilter): SessionPage
  change(id: string, changes: SessionChanges): SessionRecord | undefined
  /** Takes sessions of the earlier program over. One that was taken over before, or has an id of ours, is left. */
  importEarlier(sessions: readonly EarlierSession[]): void
  /** Its options, as its last turn resolved them. */
  keepOptions(id: string, options: unknown): void
  /** Copies a session with all its turns. The copy has no session of the agent's own yet; `parent` names the original. */
  fork(id: string, copy: string, now: number): void
  /** Whether there was one. */
  remove(id: string): boolean
  /** Its turns, the first one first. */
  turns(sessionId: string): readonly TurnRecord[]
  /** A turn begins. Its number is the next one. */
  beginTurn(turn: {
    readonly id: string
    readonly sessionId: string
    readonly prompt: string
    readonly startedAt: number
  }): void
  endTurn(id: string, outcome: TurnOutcome): void
  /** What is known of the answer of a turn that was interrupted. */
  keepAnswer(turnId: string, answer: string): void
  /**
   * Takes a session for this process, for a while. False where another process has it.
   *
   * @param until epoch ms
   */
  lock(id: string, holder: string, until: number): boolean
  unlock(id: string, holder: string): void
  /** Turns that run in no process any more: marks them interrupted, and gives their sessions. */
  markInterrupted(isAlive: (holder: string) => boolean, now: number): readonly string[]
  /** Removes what was last used before then. Gives the ids. */
  removeOlderThan(time: number): readonly string[]
  close(): void
}
