import type { AgentStart, TurnEvent } from '../../agents/types.ts'
import type { SessionStore } from '../../sessions/types.ts'
import { type Conversation, type Conversations, sameOptions } from '../conversations.ts'
import type { ResolvedOptions } from '../options.ts'
import { toReplay } from '../session-keeper.ts'
import type { TurnRequest } from '../types.ts'
import { openAgent } from './open-agent.ts'

/** What a conversation is prompted with, besides its request. */
export interface PromptSetup {
  readonly store: Pick<SessionStore, 'keepOptions' | 'turns'>
  readonly conversations: Pick<Conversations, 'rest'>
}

/** One turn of a leased conversation. */
export interface PromptedTurn {
  readonly conversation: Conversation
  readonly request: TurnRequest
  readonly options: ResolvedOptions
  /** Its client has the conversation, and sends all of it. */
  readonly continued: boolean
}

/** Prompts the agent of a conversation: the living one, or one that is opened with what has changed. */
export function createPrompt({ store, conversations }: PromptSetup) {
  const agentOf = async ({ conversation, request, options }: PromptedTurn, signal: AbortSignal) => {
    const { live } = conversation
    if (live?.alive && sameOptions(conversation.options, options)) return { session: live, replayed: false }
    await conversations.rest(conversation)
    const replay = () =>
      options.ephemeral ? undefined : toReplay(store.turns(conversation.id), conversation.turns)
    return await openAgent(conversation, options, { history: request.history ?? [], replay }, signal)
  }

  return async function* prompt(turn: PromptedTurn, signal: AbortSignal): AsyncGenerator<TurnEvent, void> {
    const { conversation, request, options } = turn
    // What its agent knew went with it: another one is told all of it.
    if (turn.continued && !conversation.live?.alive) {
      conversation.turns = 0
      conversation.agentSessionId = undefined
    }
    if (!options.ephemeral && !sameOptions(conversation.options, options))
      store.keepOptions(conversation.id, options)
    const before = conversation.live
    const { session, replayed } = await agentOf(turn, signal)
    const start: AgentStart = session === before ? 'warm' : (session.start ?? 'cold')
    conversation.turns += 1
    try {
      for await (const event of session.prompt({ parts: request.parts }, signal)) {
        if (event.type === 'init' && event.agentSessionId !== undefined)
          conversation.agentSessionId = event.agentSessionId
        yield event.type === 'init' ? { ...event, start, ...(replayed ? { replayed } : {}) } : event
      }
    } finally {
      conversation.agentSessionId = session.id ?? conversation.agentSessionId
    }
  }
}
