import type { AgentDriver, AgentSession } from '../agents/types.ts'
import { unlessAborted } from '../agents/unless-aborted.ts'
import { ClinvkError } from '../errors.ts'
import type { Place } from '../process/folders.ts'
import type { ResolvedOptions } from './options.ts'
import type { LiveConversations } from './pool-view.ts'

/** A conversation of ours with one backend: who it is, what it was opened with, and the agent while it lives. */
export interface Conversation extends Place {
  readonly id: string
  readonly driver: AgentDriver
  options: ResolvedOptions
  agentSessionId: string | undefined
  /** Turns that it had, in whichever process. */
  turns: number
  /** The agent's session of another conversation of ours that this one branches off from; until it has its own. */
  forkOf?: string | undefined
  live: AgentSession | undefined
  lastUsed: number
  /** What a request that goes on with it is recognised by, for one that is known by nothing else. */
  trail?: Trail | undefined
  /** A request that goes on with it waits for its last turn to end. */
  claimed?: boolean
}

/** How a chat is recognised that its client sends again with more: who sent it, and all that was said in it. */
export interface Trail {
  readonly caller: string | undefined
  /** Of the whole conversation, the last answer included as its client was told it. */
  readonly digest: string
}

/** How many agents may wait for a next turn, and for how long. */
export interface ConversationLimits {
  /** How long an idle conversation keeps its agent, in ms. */
  readonly keepAliveMs: number
  /** How many idle conversations keep a process of their own at most. */
  readonly maxIdle: number
  /** How many keep a session in a process that others share. */
  readonly maxShared: number
}

/** Conversations that are only remembered, agents ended, cost next to nothing; this many are kept. */
const MAX_REMEMBERED = 1000

/**
 * The conversations of one engine. Each is leased to one turn at a time; turns for it wait in order. `giveUp` ends what
 * else holds an agent of a driver without working; false where there is nothing.
 */
export function createConversations(
  { keepAliveMs, maxIdle, maxShared }: ConversationLimits,
  giveUp: (driver: AgentDriver) => Promise<boolean> = async () => false,
) {
  const known = new Map<string, Conversation>()
  const lines = new Map<string, Promise<void>>()
  const idle = new Map<Conversation, Timer>()
  /** By the digests of their trails. */
  const trails = new Map<string, Set<Conversation>>()
  let keepsNone = false

  const lose = (conversation: Conversation) => {
    const { trail } = conversation
    if (!trail) return
    conversation.trail = undefined
    const alike = trails.get(trail.digest)
    alike?.delete(conversation)
    if (alike?.size === 0) trails.delete(trail.digest)
  }
  const wake = (conversation: Conversation) => {
    clearTimeout(idle.get(conversation))
    idle.delete(conversation)
  }
  const rest = async (conversation: Conversation) => {
    wake(conversation)
    lose(conversation)
    const { live } = conversation
    conversation.live = undefined
    await live?.close()
  }
  /** Without its agent nothing is left of a conversation that is not kept, unless a turn waits for it. */
  const dismiss = async (conversation: Conversation, awaited = false) => {
    await rest(conversation)
    const { options, turns } = conversation
    if (options.ephemeral || (turns === 0 && !awaited)) await forget(conversation)
  }

  const forget = async (conversation: Conversation) => {
    if (known.get(conversation.id) === conversation) known.delete(conversation.id)
    await conversation.cleanUp().catch(() => {})
  }

  /** Lets go of what waits for a next turn with an agent that has died. */
  const sweep = () => {
    for (const conversation of idle.keys())
      if (!conversation.live?.alive) void dismiss(conversation).catch(() => {})
  }

  /** After a turn: keeps the agent for the next one, which may wait already, or ends it. */
  const settle = async (conversation: Conversation, awaited = false): Promise<void> => {
    conversation.lastUsed = Date.now()
    if (conversation.claimed) return
    const goesOn = !conversation.options.ephemeral || conversation.trail !== undefined
    sweep()
    const { live } = conversation
    // A process that is to end does so sooner; the conversation is opened again where it goes on.
    if (!live?.alive || live.worn || !goesOn || keepAliveMs === 0 || keepsNone)
      return await dismiss(conversation, awaited)
    const timer = setTimeout(() => void dismiss(conversation).catch(() => {}), keepAliveMs)
    timer.unref()
    idle.set(conversation, timer)
    const own = hasOwnProcess(conversation)
    const alike = [...idle.keys()].filter((other) => hasOwnProcess(other) === own)
    const [oldest] = alike
    if (alike.length > (own ? maxIdle : maxShared) && oldest) await dismiss(oldest)
  }
  /** Ends the agent that waits longest; false where none waits. */
  const giveUpOne = async (driver: AgentDriver): Promise<boolean> => {
    const oldest = [...idle.keys()].find((other) => other.driver === driver)
    if (!oldest) return await giveUp(driver)
    await dismiss(oldest)
    return true
  }
  return {
    create(
      id: string,
      driver: AgentDriver,
      { workdir, scratch, cleanUp }: Place,
      options: ResolvedOptions,
      before: Pick<Conversation, 'agentSessionId' | 'turns' | 'forkOf'> = {
        agentSessionId: undefined,
        turns: 0,
      },
    ): Conversation {
      const conversation: Conversation = {
        id,
        driver,
        workdir,
        scratch,
        cleanUp,
        options,
        ...before,
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

    find: (id: string): Conversation | undefined => known.get(id),

    /** Leaves a trail, by which a request that goes on with the conversation finds it. */
    leave(conversation: Conversation, trail: Trail): void {
      lose(conversation)
      conversation.trail = trail
      const alike = trails.get(trail.digest) ?? new Set()
      trails.set(trail.digest, alike.add(conversation))
    },

    /**
     * The conversation that a request goes on with, which is the request's from now on: it has to be leased next. Its
     * last turn may not be over yet.
     */
    claim(trail: Trail, fits: (conversation: Conversation) => boolean): Conversation | undefined {
      for (const conversation of trails.get(trail.digest) ?? []) {
        if (conversation.trail?.caller !== trail.caller || !conversation.live?.alive) continue
        if (!fits(conversation)) continue
        lose(conversation)
        wake(conversation)
        conversation.claimed = true
        return conversation
      }
      return undefined
    },

    /** Ends the agent of a driver that waits longest for a next turn, or for results; false where none waits. */
    giveUp: giveUpOne,

    /**
     * Ends the agent of the conversation that waits longest for a next turn, one with a process of its own sooner than one
     * that shares it; false where none waits.
     */
    async shed(): Promise<boolean> {
      const oldest = [...idle.keys()].find(hasOwnProcess) ?? [...idle.keys()][0]
      if (oldest) await dismiss(oldest)
      return oldest !== undefined
    },

    sweep,

    /** Those of a backend whose agent lives, and how many of them have no turn under way. */
    countOf(backend: string): LiveConversations {
      const living = [...known.values()].filter(({ driver, live }) => driver.name === backend && live?.alive)
      return { live: living.length, idle: living.filter((conversation) => idle.has(conversation)).length }
    },

    /** The conversation that has a turn under way in this session of its agent's. */
    atWork: (agentSessionId: string): Conversation | undefined =>
      [...known.values()].find(
        (conversation) => conversation.live?.id === agentSessionId && !idle.has(conversation),
      ),

    /** Ends the agent of a conversation: another process went on with it, or it is to be opened anew. */
    rest,

    /** Ends a conversation for good. */
    async end(id: string): Promise<void> {
      const conversation = known.get(id)
      if (!conversation) return
      known.delete(id)
      await rest(conversation)
      await forget(conversation)
    },

    /** Waits until the turns before this one are over, unless it is not to wait. The result ends the lease, and settles the conversation. */
    async lease(
      conversation: Conversation,
      wait: boolean,
      signal: AbortSignal,
    ): Promise<() => Promise<void>> {
      if (!wait && lines.has(conversation.id))
        throw new ClinvkError('session_busy', `Session "${conversation.id}" has a turn under way.`, {
          retryable: true,
        })
      const before = lines.get(conversation.id) ?? Promise.resolve()
      const mine = Promise.withResolvers<void>()
      const line = before.then(() => mine.promise)
      lines.set(conversation.id, line)
      void line.then(() => {
        if (lines.get(conversation.id) === line) lines.delete(conversation.id)
      })
      try {
        await unlessAborted(before, signal)
        if (!known.has(conversation.id)) throw sessionNotFound(conversation.id)
      } catch (error) {
        mine.resolve()
        if (conversation.claimed) {
          conversation.claimed = false
          void before.then(() => settle(conversation)).catch(() => {})
        }
        throw error
      }
      conversation.claimed = false
      wake(conversation)
      lose(conversation)
      return () => settle(conversation, lines.get(conversation.id) !== line).finally(mine.resolve)
    },

    /** Ends the agents that wait for a next turn. From now on none is kept for one. */
    async keepNone(): Promise<void> {
      keepsNone = true
      await Promise.all([...idle.keys()].map((conversation) => dismiss(conversation)))
    },

    async close(): Promise<void> {
      const all = [...known.values()]
      await Promise.all(all.map(rest))
      await Promise.all(all.map(forget))
    },
  }
}

/** The conversations of one engine: who has which, and how long its agent is kept for it. */
export type Conversations = ReturnType<typeof createConversations>

/** What is said about a driver's processes holds for its conversations; one without a pool has a process for each. */
function hasOwnProcess({ driver }: Conversation): boolean {
  return driver.pool?.exclusive ?? true
}

/** Options are plain data, always made in the same order. */
export function sameOptions(a: ResolvedOptions, b: ResolvedOptions): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

/** There is no such session, or not any more. */
export function sessionNotFound(id: string): ClinvkError {
  return new ClinvkError('session_not_found', `There is no session "${id}" on this server.`)
}
