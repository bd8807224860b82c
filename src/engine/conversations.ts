import { uniqueCallIds } from '../agents/call-ids.ts'
import type { HistoryMessage } from '../agents/messages.ts'
import { abortError } from '../agents/take-turn.ts'
import type { AgentDriver, AgentSession, SessionOptions } from '../agents/types.ts'
import { ClinvkError } from '../errors.ts'
import type { Place } from '../process/folders.ts'
import type { ResolvedOptions } from './options.ts'

/** A conversation of ours with one backend: who it is, what it was opened with, and the agent while it lives. */
export interface Conversation extends Place {
  readonly id: string
  readonly driver: AgentDriver
  options: ResolvedOptions
  agentSessionId: string | undefined
  /** Turns that its agent was given. */
  turns: number
  live: AgentSession | undefined
  lastUsed: number
}

/** How many agents may wait for a next turn, and for how long. */
export interface ConversationLimits {
  /** How long an idle conversation keeps its agent, in ms. */
  readonly keepAliveMs: number
  /** How many idle conversations keep theirs at most. */
  readonly maxIdle: number
}

/** Conversations that are only remembered, agents ended, cost next to nothing; this many are kept. */
const MAX_REMEMBERED = 1000

/** The conversations of one engine. Each is leased to one turn at a time; turns for it wait in order. */
export function createConversations({ keepAliveMs, maxIdle }: ConversationLimits) {
  const known = new Map<string, Conversation>()
  const lines = new Map<string, Promise<void>>()
  const idle = new Map<Conversation, Timer>()

  const wake = (conversation: Conversation) => {
    clearTimeout(idle.get(conversation))
    idle.delete(conversation)
  }
  const rest = async (conversation: Conversation) => {
    wake(conversation)
    const { live } = conversation
    conversation.live = undefined
    await live?.close()
  }

  const forget = async (conversation: Conversation) => {
    known.delete(conversation.id)
    await conversation.cleanUp().catch(() => {})
  }

  /** After a turn: keeps the agent for the next one, or ends it. */
  const settle = async (conversation: Conversation): Promise<void> => {
    conversation.lastUsed = Date.now()
    if (conversation.live?.alive && !conversation.options.ephemeral) {
      const timer = setTimeout(() => void rest(conversation).catch(() => {}), keepAliveMs)
      timer.unref()
      idle.set(conversation, timer)
      const [oldest] = idle.keys()
      if (idle.size > maxIdle && oldest) await rest(oldest)
      return
    }
    await rest(conversation)
    if (conversation.options.ephemeral || conversation.turns === 0) await forget(conversation)
  }

  return {
    create(
      id: string,
      driver: AgentDriver,
      { workdir, scratch, cleanUp }: Place,
      options: ResolvedOptions,
    ): Conversation {
      const conversation: Conversation = {
        id,
        driver,
        workdir,
        scratch,
        cleanUp,
        options,
        agentSessionId: undefined,
        turns: 0,
        live: undefined,
        lastUsed: Date.now(),
      }
      known.set(conversation.id, conversation)
      for (const [id, old] of known) {
        if (known.size <= MAX_REMEMBERED) break
        if (!old.live && !lines.has(id)) void forget(old)
      }
      return conversation
    },

    /** @throws `session_not_found` */
    find(id: string): Conversation {
      const conversation = known.get(id)
      if (!conversation) throw notFound(id)
      return conversation
    },

    /** Waits until the turns before this one are over. The result ends the lease, and settles the conversation. */
    async lease(conversation: Conversation, signal: AbortSignal): Promise<() => Promise<void>> {
      const before = lines.get(conversation.id) ?? Promise.resolve()
      const mine = Promise.withResolvers<void>()
      const line = before.then(() => mine.promise)
      lines.set(conversation.id, line)
      void line.then(() => {
        if (lines.get(conversation.id) === line) lines.delete(conversation.id)
      })
      try {
        await abortable(before, signal)
        if (!known.has(conversation.id)) throw notFound(conversation.id)
      } catch (error) {
        mine.resolve()
        throw error
      }
      wake(conversation)
      return () => settle(conversation).finally(mine.resolve)
    },

    /** The agent of a leased conversation: the living one, or one that is opened with what has changed. */
    async agent(
      conversation: Conversation,
      options: ResolvedOptions,
      history: readonly HistoryMessage[],
      signal: AbortSignal,
    ): Promise<AgentSession> {
      const same = sameOptions(conversation.options, options)
      if (conversation.live?.alive && same) return conversation.live
      const { driver, agentSessionId } = conversation
      if (conversation.turns > 0 && (!driver.capabilities.resume || agentSessionId === undefined))
        throw cannotGoOn(conversation, same)
      await rest(conversation)
      const opened: SessionOptions = {
        ...options,
        workdir: conversation.workdir,
        ...(agentSessionId === undefined ? {} : { resume: agentSessionId }),
        ...(history.length === 0 ? {} : { history: uniqueCallIds(history) }),
      }
      conversation.live = await openUnless(signal, driver, opened)
      conversation.options = options
      return conversation.live
    },

    async close(): Promise<void> {
      const all = [...known.values()]
      await Promise.all(all.map(rest))
      await Promise.all(all.map(forget))
    },
  }
}

/** Options are plain data, always made in the same order. */
export function sameOptions(a: ResolvedOptions, b: ResolvedOptions): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function notFound(id: string): ClinvkError {
  return new ClinvkError('session_not_found', `There is no session "${id}" on this server.`)
}

/** Opens a session, or stops waiting when the signal aborts; one that opens after that is closed at once. */
async function openUnless(
  signal: AbortSignal,
  driver: AgentDriver,
  options: SessionOptions,
): Promise<AgentSession> {
  const opening = driver.open(options, signal)
  try {
    return await abortable(opening, signal)
  } catch (error) {
    opening.then((late) => late.close()).catch(() => {})
    throw error
  }
}

function cannotGoOn({ id, driver }: Conversation, same: boolean): ClinvkError {
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

async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) throw abortError(signal)
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(abortError(signal))
  signal.addEventListener('abort', onAbort, { once: true })
  return await Promise.race([promise, aborted.promise]).finally(() =>
    signal.removeEventListener('abort', onAbort),
  )
}
