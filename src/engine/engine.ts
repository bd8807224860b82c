import { tmpdir } from 'node:os'
import type { PoolLimits } from '../agents/pool/types.ts'
import { abortError } from '../agents/take-turn.ts'
import { ClinvkError, shuttingDown, toClinvkError } from '../errors.ts'
import type { Folders } from '../process/folders.ts'
import type { RunStore } from '../sessions/run-types.ts'
import type { SessionStore } from '../sessions/types.ts'
import { type Backend, createListing } from './backends.ts'
import { type ConversationLimits, createConversations } from './conversations.ts'
import { createTokenCount } from './count-tokens.ts'
import { createEnding } from './ending.ts'
import { newId } from './ids.ts'
import type { TurnLimits } from './limits.ts'
import { type MemoryBudget, watchMemory } from './memory-budget.ts'
import { toPoolView } from './pool-view.ts'
import { createQueue, type QueueLimits, UNBOUNDED } from './queue.ts'
import { createRuns } from './runs.ts'
import { createSessionKeeper } from './session-keeper.ts'
import { createSessions } from './sessions.ts'
import { createTidying } from './tidying.ts'
import { createFirstLeg } from './turn/first-leg.ts'
import { createKeptSessions } from './turn/kept-session.ts'
import { createNextLeg } from './turn/next-leg.ts'
import { toPlan } from './turn/plan.ts'
import { createPlay } from './turn/play.ts'
import { createPrepare } from './turn/prepare.ts'
import { createPrompt } from './turn/prompt.ts'
import { createRecall } from './turn/recall.ts'
import { createTurnWatch } from './turn-watch.ts'
import type { Engine, Turn, TurnRequest } from './types.ts'
import { createWaitingTurns, type WaitingLimits } from './waiting-turns.ts'

/** What an engine is made of. */
export interface EngineOptions {
  readonly backends: readonly Backend[]
  readonly defaultBackend?: string
  readonly folders: Folders
  readonly limits: Pick<TurnLimits, 'silenceMs' | 'totalMs'>
  readonly conversations: ConversationLimits
  readonly waiting: WaitingLimits
  /** How many turns run and wait for their place at once. By default as many as come. */
  readonly queue?: QueueLimits
  /** What outlives the process. */
  readonly store: SessionStore
  readonly runStore: RunStore
  /** Names this process among those that use the store. */
  readonly holder: string
  /** Told of what could not be kept. */
  readonly onStoreFailure?: (error: ClinvkError) => void
  /** Whether token counts are kept with a session. */
  readonly keepsUsage?: boolean
  /** Tags of every new session. */
  readonly defaultTags?: readonly string[]
  /** What the agents may take together; by default as much as they want. */
  readonly memory?: MemoryBudget
  /** Puts the store in order. Called at the start and now and then. */
  readonly tidyUp?: () => void
  /** What the pools were made with, to be shown. */
  readonly poolLimits?: PoolLimits
}

/** How long running turns have to tell their readers that they were ended, in ms. */
const CLOSE_GRACE_MS = 5000

/** Makes the engine. It starts nothing before the first turn. */
export function createEngine(setup: EngineOptions): Engine {
  const { backends, defaultBackend, folders, store, holder, limits, defaultTags = [] } = setup
  const drivers = backends.map(({ driver }) => driver)
  const onStoreFailure = setup.onStoreFailure ?? (() => {})

  const waitingTurns = createWaitingTurns(setup.waiting)
  // A turn that waits for results can be told anew, with the conversation.
  const conversations = createConversations(setup.conversations, (driver) =>
    waitingTurns.endOldest((turn) => turn.conversation.driver === driver),
  )
  for (const driver of drivers) driver.pool?.askForRoom(() => conversations.giveUp(driver))
  const turns = createTurnWatch()
  const queue = createQueue({
    ...(setup.queue ?? UNBOUNDED),
    capacityOf: (name) =>
      drivers.find((driver) => driver.name === name)?.pool?.capacity ?? Number.POSITIVE_INFINITY,
  })
  const ending = createEnding(async (reason) => {
    queue.close(reason)
    for (const { pool } of drivers) pool?.keepNone()
    await Promise.all([waitingTurns.close(), conversations.keepNone()])
  })
  const { leaving } = ending

  setup.tidyUp?.()
  const tidying = createTidying(() => {
    conversations.sweep()
    try {
      setup.tidyUp?.()
    } catch (error) {
      onStoreFailure(toClinvkError(error))
    }
  })
  const stopWatching =
    setup.memory &&
    watchMemory(
      setup.memory,
      drivers.flatMap(({ pool }) => pool ?? []),
      conversations.shed,
    )
  const keeper = createSessionKeeper(store, holder, onStoreFailure, {
    keepsUsage: setup.keepsUsage ?? true,
    whileWaiting: tidying.whileWaiting,
  })
  const runs = createRuns(setup.runStore, holder, onStoreFailure, tidying.whileWaiting)
  /** Cancels the turn that a session has under way. */
  const cancels = new Map<string, (reason: ClinvkError) => void>()

  const recall = createRecall({ backends, conversations, store })
  const prepare = createPrepare({ backends, defaultBackend, folders, recall })
  const prompt = createPrompt({ store, conversations })
  const kept = createKeptSessions({ store, keeper, conversations, defaultTags })
  const firstLeg = createFirstLeg({ conversations, waitingTurns, folders, kept, prompt, cancels, leaving })
  const nextLeg = createNextLeg({ waitingTurns, leaving })
  const play = createPlay({
    nextLeg,
    firstLeg,
    queue,
    keeper,
    conversations,
    waitingTurns,
    limits,
    ending,
  })
  const countTokens = createTokenCount({ queue, folders, ending })

  const start = async (request: TurnRequest, signal: AbortSignal): Promise<Turn> => {
    if (leaving.aborted) throw abortError(leaving)
    const prepared = await prepare(request)
    const { known, options } = prepared
    const { name: backend } = prepared.backend.driver
    // Refused before there is anything of it: no run that failed, no session.
    queue.check({ backend, caller: request.caller })
    const sessionId = known?.id ?? newId('ses')
    const id = newId('run')
    return {
      id,
      sessionId,
      backend,
      ...(options.model === undefined ? {} : { model: options.model }),
      startedAt: Date.now(),
      events: turns.watch(backend, play({ id, sessionId, request, prepared }, signal)),
    }
  }

  return {
    start,
    plan: async (request) => toPlan(await prepare(request)),
    countTokens: async (request, signal) => await countTokens(request, await prepare(request), signal),
    async prepare(requests) {
      for (const request of requests) {
        if (leaving.aborted) return
        const prepared = await prepare(request).catch(() => undefined)
        if (!prepared) continue
        const { backend, options, workdir = tmpdir() } = prepared
        await backend.driver.prepare?.({ ...options, workdir })
      }
    },
    sessions: createSessions(store, {
      async end(id) {
        cancels.get(id)?.(new ClinvkError('cancelled', `Session "${id}" was deleted.`))
        setup.runStore.removeOf(id)
        await conversations.end(id)
      },
      newId: () => newId('ses'),
      now: Date.now,
    }),
    runs,
    backends: createListing(backends, defaultBackend),
    agentAtWork: (agentSessionId) => conversations.atWork(agentSessionId)?.driver.name,
    pool: () =>
      toPoolView({
        backends,
        turns,
        conversations: conversations.countOf,
        limits: setup.poolLimits,
        queue: queue.view(),
      }),
    observe: turns.observe,
    drain: (ms, reason = shuttingDown()) => ending.drain(ms, reason),
    async close(graceMs = CLOSE_GRACE_MS) {
      tidying.stop()
      stopWatching?.()
      await ending.close(graceMs)
      await conversations.close()
      await Promise.allSettled(drivers.map((driver) => driver.close()))
      await runs.close()
      store.close()
    },
  }
}
