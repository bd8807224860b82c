import { abortError } from '../agents/take-turn.ts'
import type { AgentDriver, AgentSession, SessionOptions } from '../agents/types.ts'
import { ClinvkError } from '../errors.ts'
import type { ResolvedOptions } from './options.ts'

/** A conversation of ours with one backend: who it is, what it was opened with, and the agent while it lives. */
export interface Conversation {
  readonly id: string
  readonly driver: AgentDriver
  readonly workdir: string
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

  return {
    create(driver: AgentDriver, workdir: string, options: ResolvedOptions): Conversation {
      const conversation: Conversation = {
        id: `ses_${crypto.randomUUID().replaceAll('-', '')}`,
        driver,
        workdir,
        options,
        agentSessionId: undefined,
        turns: 0,
        live: undefined,
        lastUsed: Date.now(),
      }
      known.set(conversation.id, conversation)
      for (const [id, old] of known) {
        if (known.size <= MAX_REMEMBERED) break
        if (!old.live && !lines.has(id)) known.delete(id)
      }
      return conversation
    },

    /** @throws `session_not_found` */
    find(id: string): Conversation {
      const conversation = known.get(id)
      if (!conversation)
        throw new ClinvkError('session_not_found', `There is no session "${id}" on this server.`)
      return conversation
    },

    /** Waits until the turns before this one are over. The result ends the lease. */
    async lease(conversation: Conversation, signal: AbortSignal): Promise<() => void> {
      const before = lines.get(conversation.id) ?? Promise.resolve()
      let release: () => void = () => {}
      const mine = new Promise<void>((resolve) => {
        release = resolve
      })
      const line = before.then(() => mine)
      lines.set(conversation.id, line)
      void line.then(() => {
        if (lines.get(conversation.id) === line) lines.delete(conversation.id)
      })
      try {
        await abortable(before, signal)
      } catch (error) {
        release()
        throw error
      }
      wake(conversation)
      return release
    },

    /** The agent of a leased conversation: the living one, or one that is opened with what has changed. */
    async agent(
      conversation: Conversation,
      options: ResolvedOptions,
      signal: AbortSignal,
    ): Promise<AgentSession> {
      const same = Bun.deepEquals(conversation.options, options)
      if (conversation.live?.alive && same) return conversation.live
      const { driver, agentSessionId } = conversation
      if (conversation.turns > 0 && (!driver.capabilities.resume || agentSessionId === undefined))
        throw cannotGoOn(conversation, same)
      await rest(conversation)
      const opened: SessionOptions = {
        ...options,
        workdir: conversation.workdir,
        ...(agentSessionId === undefined ? {} : { resume: agentSessionId }),
      }
      conversation.live = await driver.open(opened, signal)
      conversation.options = options
      return conversation.live
    },

    /** After a turn: keeps the agent for the next one, or ends it. */
    async settle(conversation: Conversation): Promise<void> {
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
      if (conversation.options.ephemeral || conversation.turns === 0) known.delete(conversation.id)
    },

    async close(): Promise<void> {
      await Promise.all([...known.values()].map(rest))
      known.clear()
    },
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

async function abortable(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) throw abortError(signal)
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(abortError(signal))
  signal.addEventListener('abort', onAbort, { once: true })
  await Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', onAbort))
}
