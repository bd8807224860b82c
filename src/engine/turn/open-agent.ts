import { uniqueCallIds } from '../../agents/call-ids.ts'
import type { HistoryMessage } from '../../agents/messages.ts'
import type { AgentSession, SessionOptions } from '../../agents/types.ts'
import { sessionUnlessAborted } from '../../agents/unless-aborted.ts'
import { ClinvkError } from '../../errors.ts'
import { type Conversation, sameOptions } from '../conversations.ts'
import type { ResolvedOptions } from '../options.ts'

/** What an agent can be told that does not know what was said before. */
export interface Before {
  /** Of a conversation that has just begun, by its client. */
  readonly history: readonly HistoryMessage[]
  /** Of one that has not, as it is kept; undefined where nothing is. */
  readonly replay: () => readonly HistoryMessage[] | undefined
}

/** The agent of a conversation, and whether it had to be told everything that was said. */
export interface OpenedAgent {
  readonly session: AgentSession
  readonly replayed: boolean
}

/**
 * Opens the agent of a conversation that has none, under the options of its next turn. Where the agent's own session is gone,
 * or it cannot open one again, it is told everything that was said.
 */
export async function openAgent(
  conversation: Conversation,
  options: ResolvedOptions,
  { history, replay }: Before,
  signal: AbortSignal,
): Promise<OpenedAgent> {
  const { driver, workdir, agentSessionId, forkOf } = conversation
  const { capabilities } = driver
  const same = sameOptions(conversation.options, options)
  const open = async (more: Partial<SessionOptions>) => {
    const opening = driver.open({ ...options, workdir, ...more }, signal)
    conversation.live = await sessionUnlessAborted(opening, signal)
    conversation.options = options
    return conversation.live
  }
  const openAnew = async () => {
    const said = replay()
    if (said === undefined)
      throw options.ephemeral ? cannotGoOn(conversation, same) : nothingKept(conversation)
    if (said.length === 0) return { session: await open({}), replayed: false }
    if (capabilities.history === 'none') throw cannotGoOn(conversation, same)
    return { session: await open({ history: said }), replayed: true }
  }
  if (agentSessionId === undefined && conversation.turns === 0)
    return {
      session: await open(history.length === 0 ? {} : { history: uniqueCallIds(history) }),
      replayed: false,
    }
  const resume = agentSessionId ?? (capabilities.fork ? forkOf : undefined)
  if (resume === undefined || !capabilities.resume) return await openAnew()
  try {
    const fork = agentSessionId === undefined ? { fork: true } : {}
    return { session: await open({ resume, ...fork }), replayed: false }
  } catch (error) {
    if (!(error instanceof ClinvkError) || error.code !== 'session_not_found') throw error
    return await openAnew()
  }
}

function nothingKept({ id, driver }: Conversation): ClinvkError {
  return new ClinvkError(
    'session_not_found',
    `${driver.name} has lost its part of session "${id}", and nothing that was said in it is kept here. Start a new session.`,
  )
}

function cannotGoOn({ id, driver }: Conversation, same: boolean): ClinvkError {
  const { history, resume } = driver.capabilities
  if (history === 'none' && !resume)
    return new ClinvkError(
      'session_not_found',
      `${driver.name} remembers nothing from one prompt to the next, so session "${id}" cannot go on. Begin a new one: leave session_id out.`,
    )
  return same
    ? new ClinvkError(
        'session_not_found',
        `The agent of session "${id}" has ended, and ${driver.name} cannot open it again.`,
      )
    : new ClinvkError(
        'unsupported_option',
        `${driver.name} cannot change the options of a session that has begun. Leave them as they were, or start a new session.`,
      )
}
