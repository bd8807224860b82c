import type { TurnEvent } from '../../agents/types.ts'
import type { ClinvkError } from '../../errors.ts'
import type { Folders } from '../../process/folders.ts'
import type { Conversation, Conversations } from '../conversations.ts'
import { resolveOptions } from '../options.ts'
import { isLeftBehind, type WaitingTurns } from '../waiting-turns.ts'
import type { KeptSessions } from './kept-session.ts'
import type { CheckedTurn, Leg, TurnControl } from './leg.ts'
import { makePlace } from './prepare.ts'
import type { PromptedTurn } from './prompt.ts'
import { type Claimed, claim } from './trail.ts'

/** Where a turn finds its session, and what it does there. */
export interface FirstLegSetup {
  readonly conversations: Pick<Conversations, 'claim' | 'create' | 'lease' | 'leave' | 'end'>
  readonly waitingTurns: Pick<WaitingTurns, 'end'>
  readonly folders: Pick<Folders, 'scratch'>
  readonly kept: KeptSessions
  readonly prompt: (turn: PromptedTurn, signal: AbortSignal) => AsyncIterable<TurnEvent>
  /** Cancels the turn that a session has under way. */
  readonly cancels: Map<string, (reason: ClinvkError) => void>
  /** Aborted when no turn begins any more. */
  readonly leaving: AbortSignal
}

/** The conversation of a turn: of a session that is known, of a chat that goes on, or a new one. */
interface Chosen {
  readonly conversation: Conversation
  readonly continued?: Claimed | undefined
  readonly isNew: boolean
}

/** Begins a turn: takes its session, once the turns before it are over, and has its agent prompted. */
export function createFirstLeg(setup: FirstLegSetup) {
  const { conversations, waitingTurns, folders, kept, cancels, leaving } = setup

  const choose = async ({ sessionId, request, prepared }: CheckedTurn): Promise<Chosen> => {
    const { known, backend, options } = prepared
    if (known) return { conversation: known, isNew: false }
    const continued = await claim(conversations, request, prepared)
    if (continued) return { conversation: continued.conversation, continued, isNew: false }
    const place = await makePlace(folders, prepared)
    return { conversation: conversations.create(sessionId, backend.driver, place, options), isNew: true }
  }
  const endLeftBehind = ({ history = [], caller }: CheckedTurn['request']) => {
    if (history.length === 0) return
    void waitingTurns.end((turn) => isLeftBehind(turn, caller, history)).catch(() => {})
  }
  const lease = ({ conversation, isNew }: Chosen, wait: boolean, signal: AbortSignal) =>
    conversations.lease(conversation, wait, signal).catch(async (error: unknown) => {
      if (isNew) await conversations.end(conversation.id)
      throw error
    })
  /** The options of the turn, and what lets its session go, where that is kept. */
  const take = async (
    turn: CheckedTurn,
    { conversation, isNew }: Chosen,
    wait: boolean,
    signal: AbortSignal,
  ) => {
    const { request, prepared } = turn
    const { known, backend } = prepared
    // The turns that this one waited for may have changed the session's options.
    const options = known
      ? resolveOptions(request, backend.driver, backend.defaults, conversation.options)
      : prepared.options
    if (options.ephemeral) return { options, letGo: () => {} }
    if (isNew) kept.create(conversation, request)
    return { options, letGo: await kept.take(conversation, wait, signal) }
  }

  return async (turn: CheckedTurn, { signal, cancel, timed }: TurnControl): Promise<Leg> => {
    const { id: runId, sessionId, request } = turn
    endLeftBehind(request)
    const chosen = await choose(turn)
    const { conversation, continued, isNew } = chosen
    const wait = request.whenBusy !== 'fail'
    const waiting = AbortSignal.any([signal, leaving])
    const release = await lease(chosen, wait, waiting)
    const { options, letGo } = await take(turn, chosen, wait, waiting).catch(async (error: unknown) => {
      await release().catch(() => {})
      throw error
    })
    cancels.set(sessionId, cancel)
    const end = async () => {
      cancels.delete(sessionId)
      letGo()
      await release()
    }
    const { ephemeral, maxTurns } = options
    const prompted = { conversation, request, options, continued: continued !== undefined }
    return {
      conversation,
      events: timed(setup.prompt(prompted, signal)),
      kept: ephemeral ? undefined : { runId, sessionId, parts: request.parts, startedAt: Date.now() },
      maxTurns,
      given: [],
      untold: [],
      release: end,
      async undo() {
        // As it was before: the same request may come again.
        if (continued) conversations.leave(continued.conversation, continued.trail)
        // Nor does anybody go on with it who waits for it.
        if (isNew) await conversations.end(conversation.id)
        await end()
        if (isNew && !ephemeral) kept.remove(conversation)
      },
    }
  }
}
