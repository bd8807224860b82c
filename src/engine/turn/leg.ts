import type { ToolResult } from '../../agents/messages.ts'
import type { TurnEvent } from '../../agents/types.ts'
import type { ClinvkError } from '../../errors.ts'
import type { Conversation } from '../conversations.ts'
import type { KeptTurn } from '../session-keeper.ts'
import type { TurnRequest } from '../types.ts'
import type { Prepared } from './prepare.ts'

/** A turn that was checked and has not begun. */
export interface CheckedTurn {
  /** Of its run. */
  readonly id: string
  readonly sessionId: string
  readonly request: TurnRequest
  readonly prepared: Prepared
}

/** What ends a turn before its time. */
export interface TurnControl {
  /** Aborted with the reason for which it is to end. */
  readonly signal: AbortSignal
  readonly cancel: (reason: ClinvkError) => void
  /** Ends it when what its agent does takes too long. */
  readonly timed: (events: AsyncIterable<TurnEvent>) => AsyncIterable<TurnEvent>
}

/** What a turn does until it ends or waits for the client's tools. Nothing happens before its first event is asked for. */
export interface Leg {
  readonly conversation: Conversation
  /** Ends the lease. */
  readonly release: () => Promise<void>
  /** Instead of `release`, where nothing was run: all is as it was before. */
  readonly undo: () => Promise<void>
  /** The agent that waited is gone, or takes the results no more: it has to be begun anew. */
  readonly isLost?: () => boolean
  /** No agent is asked for it, so it needs no place. */
  readonly idle?: boolean
  readonly events: AsyncIterable<TurnEvent>
  readonly maxTurns: number | undefined
  /** Absent where nothing is kept of it. */
  readonly kept: KeptTurn | undefined
  /** See {@link WaitingTurn}. */
  readonly given: readonly ToolResult[]
  readonly untold: readonly (readonly TurnEvent[])[]
}
