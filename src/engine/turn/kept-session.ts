import type { NewSession, SessionStore } from '../../sessions/types.ts'
import { type Conversation, type Conversations, sessionNotFound } from '../conversations.ts'
import type { SessionKeeper } from '../session-keeper.ts'
import type { TurnRequest } from '../types.ts'

/** The sessions of the store, as a turn has them. */
export interface KeptSessions {
  /** Keeps a new session. */
  create(conversation: Conversation, request: TurnRequest): void
  /**
   * Takes a session for a turn, and learns what other processes did with it since this one had it last. The result lets it go.
   *
   * @throws as {@link SessionKeeper.take}, and `session_not_found`.
   */
  take(conversation: Conversation, wait: boolean, signal: AbortSignal): Promise<() => void>
  /** Forgets one of which nothing was run. */
  remove(conversation: Conversation): void
}

/** What sessions are kept by. */
export interface KeptSessionsSetup {
  readonly store: Pick<SessionStore, 'create' | 'get' | 'remove'>
  readonly keeper: Pick<SessionKeeper, 'take'>
  readonly conversations: Pick<Conversations, 'rest'>
  /** Tags of every new one. */
  readonly defaultTags: readonly string[]
}

export function createKeptSessions({
  store,
  keeper,
  conversations,
  defaultTags,
}: KeptSessionsSetup): KeptSessions {
  const catchUp = async (conversation: Conversation) => {
    const record = store.get(conversation.id)
    if (!record) throw sessionNotFound(conversation.id)
    if (record.turnCount === conversation.turns) return
    await conversations.rest(conversation)
    conversation.turns = record.turnCount
    conversation.agentSessionId = record.agentSessionId
  }
  return {
    create(conversation, request) {
      store.create(toNewSession(conversation, request, defaultTags))
    },
    async take(conversation, wait, signal) {
      const letGo = await keeper.take(conversation.id, wait, signal)
      try {
        await catchUp(conversation)
        return letGo
      } catch (error) {
        letGo()
        throw error
      }
    },
    remove({ id }) {
      store.remove(id)
    },
  }
}

function toNewSession(
  { id, driver, workdir, options }: Conversation,
  { title, tags = [], metadata = {} }: TurnRequest,
  defaultTags: readonly string[],
): NewSession {
  return {
    id,
    backend: driver.name,
    workdir,
    tags: [...defaultTags, ...tags],
    metadata,
    options,
    createdAt: Date.now(),
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(title === undefined ? {} : { title }),
  }
}
