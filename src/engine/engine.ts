import { tmpdir } from 'node:os'
import { uniqueCallIds } from '../agents/call-ids.ts'
import type { HistoryMessage, ToolResult } from '../agents/messages.ts'
import type { PoolLimits } from '../agents/pool/types.ts'
import { abortError } from '../agents/take-turn.ts'
import type { AgentStart, TurnEvent } from '../agents/types.ts'
import { ClinvkError, shuttingDown, toClinvkError } from '../errors.ts'
import type { Folders, Place } from '../process/folders.ts'
import { within } from '../process/within.ts'
import type { RunStore } from '../sessions/run-types.ts'
import type { NewSession, SessionRecord, SessionStore } from '../sessions/types.ts'
import { type Backend, chooseBackend, createListing } from './backends.ts'
import { createListener, createSerial } from './client-calls.ts'
import {
  type Conversation,
  type ConversationLimits,
  createConversations,
  sameOptions,
  sessionNotFound,
  type Trail,
} from './conversations.ts'
import { digestOf } from './digest.ts'
import { newId } from './ids.ts'
import { withJsonAnswer } from './json-answer.ts'
import { compileSchema, type SchemaCheck } from './json-schema.ts'
import { type TurnLimits, withMaxTurns, withParagraphs, withTimeouts } from './limits.ts'
import { type MemoryBudget, watchMemory } from './memory-budget.ts'
import { markNotRun } from './not-run.ts'
import { type ResolvedOptions, resolveOptions } from './options.ts'
import { toPoolView, toQueueView } from './pool-view.ts'
import { createQueue, type QueueLimits, UNBOUNDED } from './queue.ts'
import { waitForPlace } from './queue-progress.ts'
import type { Ticket } from './queue-ticket.ts'
import { createRuns } from './runs.ts'
import { createSessionKeeper, type KeptTurn, toReplay } from './session-keeper.ts'
import { createSessions } from './sessions.ts'
import { withStop } from './stop.ts'
import { createTurnWatch } from './turn-watch.ts'
import type { Engine, Turn, TurnRequest } from './types.ts'
import {
  answersCalls,
  createWaitingTurns,
  isLeftBehind,
  type ToldAnswer,
  toContinuation,
  type WaitingLimits,
} from './waiting-turns.ts'

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

const TIDY_MS = 60_000
const LOOK_MS = 1000

/** Makes the engine. It starts nothing before the first turn. */
export function createEngine(setup: EngineOptions): Engine {
  const waitingTurns = createWaitingTurns(setup.waiting)
  // A turn that waits for results can be told anew, with the conversation.
  const conversations = createConversations(setup.conversations, (driver) =>
    waitingTurns.endOldest((turn) => turn.conversation.driver === driver),
  )
  for (const { driver } of setup.backends) driver.pool?.askForRoom(() => conversations.giveUp(driver))
  const turns = createTurnWatch()
  const queue = createQueue({
    ...(setup.queue ?? UNBOUNDED),
    capacityOf: (name) =>
      setup.backends.find(({ driver }) => driver.name === name)?.driver.pool?.capacity ??
      Number.POSITIVE_INFINITY,
  })
  const { store, defaultTags = [] } = setup
  const onStoreFailure = setup.onStoreFailure ?? (() => {})
  let tidiedAt = performance.now()
  const tidyUp = () => {
    tidiedAt = performance.now()
    conversations.sweep()
    try {
      setup.tidyUp?.()
    } catch (error) {
      onStoreFailure(toClinvkError(error))
    }
  }
  /** Who waits for another process looks now and then whether that still lives. */
  const whileWaiting = () => {
    if (performance.now() - tidiedAt > LOOK_MS) tidyUp()
  }
  const keeper = createSessionKeeper(store, setup.holder, onStoreFailure, {
    keepsUsage: setup.keepsUsage ?? true,
    whileWaiting,
  })
  const runs = createRuns(setup.runStore, setup.holder, onStoreFailure, whileWaiting)
  /** Aborted when nothing begins any more, and then when what runs is to end. */
  const leaving = new AbortController()
  const closing = new AbortController()
  const stopWatching =
    setup.memory &&
    watchMemory(
      setup.memory,
      setup.backends.flatMap(({ driver }) => driver.pool ?? []),
      conversations.shed,
    )
  setup.tidyUp?.()
  const tidying = setInterval(tidyUp, TIDY_MS)
  tidying.unref()
  /** Cancels the turn that a session has under way. */
  const cancels = new Map<string, (reason: ClinvkError) => void>()
  const running = new Set<Promise<void>>()

  const prepare = async (request: TurnRequest): Promise<Prepared> => {
    const known = request.sessionId === undefined ? undefined : recall(request.sessionId)
    const named = request.backend ?? known?.driver.name
    const backend = await chooseBackend(setup.backends, named, setup.defaultBackend)
    if (known && known.driver !== backend.driver)
      throw new ClinvkError(
        'invalid_request',
        `Session "${known.id}" belongs to the backend ${known.driver.name}, not to ${backend.driver.name}.`,
        { details: { option: 'backend' } },
      )
    const options = resolveOptions(request, backend.driver, backend.defaults, known?.options)
    const check = request.answer && (await compileSchema(request.answer.schema))
    if (known && (request.history ?? []).length > 0)
      throw new ClinvkError(
        'invalid_request',
        `Session "${known.id}" has its own history. Leave the earlier messages out, or start a new session.`,
      )
    const workdir =
      request.scratch || known?.scratch
        ? undefined
        : await setup.folders.resolve(request.workdir ?? known?.workdir)
    if (known && request.workdir !== undefined && known.workdir !== workdir)
      throw new ClinvkError(
        'invalid_request',
        `Session "${known.id}" works in ${known.workdir}. A session cannot change its folder.`,
        { details: { option: 'workdir' } },
      )
    return { known, backend, options, workdir, ...(check ? { check } : {}) }
  }

  /** A session that this process has, or one of the store. @throws `session_not_found`, `backend_not_found` */
  const recall = (id: string): Conversation => {
    const live = conversations.find(id)
    if (live) return live
    const record = store.get(id)
    if (!record) throw sessionNotFound(id)
    const driver = setup.backends.find((backend) => backend.driver.name === record.backend)?.driver
    if (!driver)
      throw new ClinvkError(
        'backend_not_found',
        `Session "${id}" belongs to the backend ${record.backend}, which is not configured any more.`,
      )
    const place = { workdir: record.workdir, scratch: false, cleanUp: async () => {} }
    return conversations.create(id, driver, place, record.options as ResolvedOptions, {
      agentSessionId: record.agentSessionId,
      turns: record.turnCount,
      forkOf: forkableAt(record),
    })
  }

  /**
   * The agent's session that a fork can be branched off natively. An agent forks what its session is now, so one that has
   * gone on since, or was in the middle of a turn, is not what was forked.
   */
  const forkableAt = ({ parent, turnCount }: SessionRecord): string | undefined => {
    const original = parent === undefined ? undefined : store.get(parent)
    const same = original?.turnCount === turnCount && original.status !== 'running'
    return same ? original.agentSessionId : undefined
  }

  const start = async (request: TurnRequest, signal: AbortSignal): Promise<Turn> => {
    if (leaving.signal.aborted) throw abortError(leaving.signal)
    const prepared = await prepare(request)
    const { known, backend, options } = prepared
    // Refused before there is anything of it: no run that failed, no session.
    queue.check({ backend: backend.driver.name, caller: request.caller })
    const sessionId = known?.id ?? newId('ses')
    const id = newId('run')
    return {
      id,
      sessionId,
      backend: backend.driver.name,
      ...(options.model === undefined ? {} : { model: options.model }),
      startedAt: Date.now(),
      events: turns.watch(backend.driver.name, play(request, prepared, { id, sessionId }, signal)),
    }
  }

  // Nothing happens before the first event is asked for, so a reader that never comes leaves nothing behind.
  async function* play(
    request: TurnRequest,
    prepared: Prepared,
    { id, sessionId }: { readonly id: string; readonly sessionId: string },
    signal: AbortSignal,
  ): AsyncGenerator<TurnEvent, void> {
    const over = Promise.withResolvers<void>()
    running.add(over.promise)
    const ours = new AbortController()
    const turnSignal = AbortSignal.any([signal, ours.signal, closing.signal])
    const timed = (events: AsyncIterable<TurnEvent>) =>
      withTimeouts(events, setup.limits, (reason) => ours.abort(reason))
    let leg: Leg | undefined
    let ticket: Ticket | undefined
    let began = false
    let waits = false
    try {
      for (const stop of [turnSignal, leaving.signal]) if (stop.aborted) throw abortError(stop)
      leg =
        (await goOn(request, prepared, timed, turnSignal)) ??
        (await begin(request, prepared, { id, sessionId }, timed, turnSignal, ours))
      const asking = { backend: prepared.backend.driver.name, caller: request.caller }
      if (!leg.idle) {
        ticket = queue.enter(asking, turnSignal)
        yield* waitForPlace(ticket, asking.backend)
      }
      if (leg.isLost?.()) {
        await leg.release().catch(() => {})
        leg = await begin(request, prepared, { id, sessionId }, timed, turnSignal, ours)
      }
      began = true
      const { conversation, release, given, untold } = leg
      const counted = prepared.backend.driver.capabilities.maxTurns === 'emulated' ? leg.maxTurns : undefined
      const serial = createSerial()
      const listener = createListener()
      // An answer in JSON is stopped before it is checked: what a stop leaves of it may fit no more.
      const formed =
        prepared.check === undefined
          ? leg.events
          : withJsonAnswer(withStop(leg.events, request.stop), prepared.check, (prompt) =>
              withStop(timed(sayMore(conversation, prompt, turnSignal)), request.stop),
            )
      const limited = withParagraphs(withMaxTurns(formed, counted))
      const whole = prepared.check === undefined ? withStop(limited, request.stop) : limited
      const told = request.serialCalls ? serial.apply(whole) : whole
      for await (const event of leg.kept ? keeper.keep(leg.kept, told, turnSignal) : told) {
        listener.hear(event)
        if (event.type === 'done' && event.stopReason === 'end_turn')
          await leaveTrail(request, leg, listener.told())
        if (event.type === 'done' && event.stopReason === 'tool_calls') {
          ticket?.leave()
          const digest = await digestOf(saidIn(request))
          const kept = [...untold, ...serial.untold()]
          const { caller } = request
          waits = true
          waitingTurns.add({
            conversation,
            release,
            caller,
            digest,
            answer: listener.told(),
            untold: kept,
            given,
          })
        }
        yield event.type === 'init'
          ? { ...event, start: event.start ?? 'warm', waitedMs: ticket?.waitedMs ?? 0 }
          : event
      }
    } catch (error) {
      const failure = turnSignal.aborted ? abortError(turnSignal) : toClinvkError(error)
      throw began ? failure : markNotRun(failure)
    } finally {
      // Before the session is let go: its next turn finds the place free.
      ticket?.leave()
      if (!waits) await (began ? leg?.release() : leg?.undo())?.catch(() => {})
      running.delete(over.promise)
      over.resolve()
    }
  }

  /**
   * Keeps the agent of a chat for the request that goes on with it. Not where its agent has heard or said what the client
   * does not know: an answer in JSON may have been told in part, or repaired.
   */
  async function leaveTrail(
    request: TurnRequest,
    { conversation }: Leg,
    { text }: ToldAnswer,
  ): Promise<void> {
    if (!request.continuable || request.answer !== undefined || text === '') return
    const digest = await digestOf([...saidIn(request), { role: 'assistant', text, toolCalls: [] }])
    conversations.leave(conversation, { caller: request.caller, digest })
  }

  /** The conversation that a request goes on with: all of its history was said in it, and nothing else. */
  async function claim(
    { continuable, parts, history = [], caller }: TurnRequest,
    { backend, options, workdir }: Prepared,
  ): Promise<{ conversation: Conversation; trail: Trail } | undefined> {
    if (!continuable || parts.length === 0 || history.length === 0) return undefined
    const trail = { caller, digest: await digestOf(history) }
    const conversation = conversations.claim(trail, (found) =>
      isSameKind(found, { backend, options, workdir }),
    )
    return conversation && { conversation, trail }
  }

  /** The next part of a turn that waits for just these results; undefined where there is none. */
  async function goOn(
    { history = [], parts, caller }: TurnRequest,
    { backend, options, workdir }: Prepared,
    timed: Timed,
    signal: AbortSignal,
  ): Promise<Leg | undefined> {
    const continuation = parts.length === 0 ? toContinuation(history) : undefined
    if (!continuation) return undefined
    const digest = await digestOf(continuation.before)
    const found = waitingTurns.take((turn) => {
      const { conversation } = turn
      return (
        turn.caller === caller &&
        turn.digest === digest &&
        isSameKind(conversation, { backend, options, workdir }) &&
        answersCalls(turn, continuation)
      )
    })
    if (!found) return undefined
    const { conversation, release } = found
    const { live } = conversation
    const given = [...found.given, ...continuation.results]
    const [next, ...untold] = found.untold
    const isLost = () =>
      !live?.alive || live.answer === undefined || (next === undefined && !(live.canAnswer?.(given) ?? true))
    if (isLost()) {
      await release().catch(() => {})
      return undefined
    }
    const undo = async () => (leaving.signal.aborted ? await release() : waitingTurns.add(found))
    const leg = { conversation, release, undo, isLost, maxTurns: undefined, kept: undefined }
    if (next) return { ...leg, idle: true, events: tellNext(next), given, untold }
    return { ...leg, events: timed(answer(conversation, given, signal)), given: [], untold: [] }
  }

  /** The first part of a turn. */
  async function begin(
    request: TurnRequest,
    prepared: Prepared,
    { id: runId, sessionId }: { readonly id: string; readonly sessionId: string },
    timed: Timed,
    signal: AbortSignal,
    ours: AbortController,
  ): Promise<Leg> {
    const { known, backend, options: asked, workdir } = prepared
    const { history = [], caller, parts, whenBusy = 'wait' } = request
    const continued = known ? undefined : await claim(request, prepared)
    if (history.length > 0)
      void waitingTurns.end((turn) => isLeftBehind(turn, caller, history)).catch(() => {})
    const conversation =
      known ??
      continued?.conversation ??
      conversations.create(sessionId, backend.driver, await makePlace(setup.folders, workdir), asked)
    const isNew = !known && !continued
    const waiting = AbortSignal.any([signal, leaving.signal])
    const release = await conversations
      .lease(conversation, whenBusy === 'wait', waiting)
      .catch(async (error: unknown) => {
        if (isNew) await conversations.end(conversation.id)
        throw error
      })
    let letGo = () => {}
    try {
      // The turns that this one waited for may have changed the session's options.
      const options = known
        ? resolveOptions(request, backend.driver, backend.defaults, conversation.options)
        : asked
      if (!options.ephemeral) {
        if (!known) store.create(toNewSession(conversation, request))
        letGo = await keeper.take(sessionId, whenBusy === 'wait', waiting)
        await catchUp(conversation)
      }
      cancels.set(sessionId, (reason) => ours.abort(reason))
      const events = timed(openAndPrompt(conversation, request, options, continued !== undefined, signal))
      const kept = options.ephemeral ? undefined : { runId, sessionId, parts, startedAt: Date.now() }
      const end = async () => {
        cancels.delete(sessionId)
        letGo()
        await release()
      }
      return {
        conversation,
        events,
        kept,
        maxTurns: options.maxTurns,
        given: [],
        untold: [],
        release: end,
        async undo() {
          // As it was before: the same request may come again.
          if (continued) conversations.leave(continued.conversation, continued.trail)
          // Nor does anybody go on with it who waits for it.
          if (isNew) await conversations.end(conversation.id)
          await end()
          if (!known && !options.ephemeral) store.remove(sessionId)
        },
      }
    } catch (error) {
      letGo()
      await release().catch(() => {})
      throw error
    }
  }

  /** What other processes did with a session since this one had it last. */
  async function catchUp(conversation: Conversation): Promise<void> {
    const record = store.get(conversation.id)
    if (!record) throw sessionNotFound(conversation.id)
    if (record.turnCount === conversation.turns) return
    await conversations.rest(conversation)
    conversation.turns = record.turnCount
    conversation.agentSessionId = record.agentSessionId
  }

  function toNewSession(
    conversation: Conversation,
    { title, tags = [], metadata = {} }: TurnRequest,
  ): NewSession {
    const { id, driver, workdir, options } = conversation
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

  async function* openAndPrompt(
    conversation: Conversation,
    { parts, history = [] }: TurnRequest,
    options: ResolvedOptions,
    continued: boolean,
    signal: AbortSignal,
  ): AsyncGenerator<TurnEvent, void> {
    // What its agent knew went with it: another one is told all of it.
    if (continued && !conversation.live?.alive) {
      conversation.turns = 0
      conversation.agentSessionId = undefined
    }
    if (!options.ephemeral && !sameOptions(conversation.options, options))
      store.keepOptions(conversation.id, options)
    const before = conversation.live
    const { session, replayed } = await conversations.agent(conversation, options, history, signal, () =>
      options.ephemeral ? undefined : toReplay(store.turns(conversation.id), conversation.turns),
    )
    const start: AgentStart = session === before ? 'warm' : (session.start ?? 'cold')
    conversation.turns += 1
    try {
      for await (const event of session.prompt({ parts }, signal)) {
        if (event.type === 'init' && event.agentSessionId !== undefined)
          conversation.agentSessionId = event.agentSessionId
        yield event.type === 'init' ? { ...event, start, ...(replayed ? { replayed } : {}) } : event
      }
    } finally {
      conversation.agentSessionId = session.id ?? conversation.agentSessionId
    }
  }

  /** Nothing is answered before the first event is asked for: the turn may have to wait for its place. */
  async function* answer(
    { live, driver }: Conversation,
    results: readonly ToolResult[],
    signal: AbortSignal,
  ) {
    if (!live?.answer)
      throw new ClinvkError('agent_crashed', `${driver.name} ended before it was given the results.`)
    yield* live.answer(results, signal)
  }

  async function* sayMore({ live, driver }: Conversation, text: string, signal: AbortSignal) {
    if (!live?.alive)
      throw new ClinvkError('agent_crashed', `${driver.name} ended before it could correct its answer.`)
    yield* live.prompt({ parts: [{ type: 'text', text }] }, signal)
  }

  /** Nothing begins any more: what waits is told so, and agents without work are ended. */
  async function leave(reason: ClinvkError): Promise<void> {
    if (leaving.signal.aborted) return
    leaving.abort(reason)
    queue.close(reason)
    for (const { driver } of setup.backends) driver.pool?.keepNone()
    await Promise.all([waitingTurns.close(), conversations.keepNone()])
  }

  /** Resolves when no turn is under way. */
  async function quiet(): Promise<void> {
    while (running.size > 0) await Promise.allSettled(running)
  }

  return {
    start,
    async plan(request) {
      const { known, backend, options, workdir } = await prepare(request)
      return {
        backend: backend.driver.name,
        driver: backend.driver.driver,
        command: backend.command,
        ...(workdir === undefined ? { scratch: true } : { workdir }),
        ...(known ? { session_id: known.id } : {}),
        ...(options.model === undefined ? {} : { model: options.model }),
        approval_mode: options.approvalMode,
        sandbox_mode: options.sandboxMode,
        ephemeral: options.ephemeral,
        ...(options.systemPrompt === undefined ? {} : { system_prompt: options.systemPrompt }),
        ...(options.maxTurns === undefined ? {} : { max_turns: options.maxTurns }),
        ...(options.maxTokens === undefined ? {} : { max_tokens: options.maxTokens }),
        ...(options.allowedTools === undefined ? {} : { allowed_tools: options.allowedTools }),
        ...(options.extraFlags === undefined ? {} : { extra: options.extraFlags }),
      }
    },
    async prepare(requests) {
      for (const request of requests) {
        if (leaving.signal.aborted) return
        const prepared = await prepare(request).catch(() => undefined)
        if (!prepared) continue
        const { backend, options, workdir = tmpdir() } = prepared
        await backend.driver.prepare?.({ ...options, workdir })
      }
    },
    async countTokens(request, signal) {
      const { backend, options, workdir } = await prepare(request)
      const { driver } = backend
      if (driver.countTokens === undefined) return undefined
      const { parts, caller, history = [] } = request
      const either = AbortSignal.any([signal, closing.signal])
      const ticket = queue.enter({ backend: driver.name, caller }, either)
      await ticket.granted
      const place = await makePlace(setup.folders, workdir).catch((error) => {
        ticket.leave()
        throw error
      })
      const opened = {
        ...options,
        workdir: place.workdir,
        ...(history.length === 0 ? {} : { history: uniqueCallIds(history) }),
      }
      const counting = driver
        .countTokens(opened, { parts }, either)
        .finally(() => ticket.leave())
        .finally(() => place.cleanUp().catch(() => {}))
      const over = counting.then(
        () => {},
        () => {},
      )
      running.add(over)
      return await counting.finally(() => running.delete(over))
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
    queue: queue.stats,
    backends: createListing(setup.backends, setup.defaultBackend),
    pool: () =>
      toPoolView({
        backends: setup.backends,
        turns,
        conversations: conversations.countOf,
        limits: setup.poolLimits,
        ...(setup.queue ? { queue: toQueueView(queue.stats(), setup.queue) } : {}),
      }),
    observe: turns.observe,
    async drain(ms, reason = shuttingDown()) {
      await within(ms, Promise.all([leave(reason), quiet()]))
    },
    async close(graceMs = CLOSE_GRACE_MS) {
      const left = leave(shuttingDown())
      closing.abort(shuttingDown())
      clearInterval(tidying)
      stopWatching?.()
      // A reader that takes no events keeps its turn from ending; its agent is ended all the same.
      await Promise.all([left, within(graceMs, Promise.allSettled(running))])
      await conversations.close()
      await Promise.allSettled(setup.backends.map(({ driver }) => driver.close()))
      await runs.close()
      store.close()
    },
  }
}

/** What a turn does until it ends or waits for the client's tools. */
interface Leg {
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

/** Whether a conversation is with the same agent, in the same folder, under the same options. */
function isSameKind(
  conversation: Conversation,
  { backend, options, workdir }: Pick<Prepared, 'backend' | 'options' | 'workdir'>,
): boolean {
  return (
    conversation.driver === backend.driver &&
    (workdir === undefined ? conversation.scratch : conversation.workdir === workdir) &&
    sameOptions(conversation.options, options)
  )
}

type Timed = (events: AsyncIterable<TurnEvent>) => AsyncIterable<TurnEvent>

/** All that was said up to the answer that is to come. */
function saidIn({ history = [], parts }: TurnRequest): readonly HistoryMessage[] {
  return parts.length === 0 ? history : [...history, { role: 'user', parts }]
}

/** Tells a call that the model made together with earlier ones; it took nothing more. */
async function* tellNext(call: readonly TurnEvent[]): AsyncGenerator<TurnEvent, void> {
  yield { type: 'init' }
  yield* call
  yield { type: 'done', stopReason: 'tool_calls' }
}

type Prepared = {
  readonly known: Conversation | undefined
  readonly backend: Backend
  readonly options: ResolvedOptions
  /** Absent: a scratch folder. */
  readonly workdir: string | undefined
  /** Present where the answer is to be JSON. */
  readonly check?: SchemaCheck
}

/** How long running turns have to tell their readers that they were ended, in ms. */
const CLOSE_GRACE_MS = 5000

/** Where a conversation works: a folder that is there, or a fresh one that goes with it. */
async function makePlace(folders: Folders, workdir: string | undefined): Promise<Place> {
  return workdir === undefined
    ? await folders.scratch()
    : { workdir, scratch: false, cleanUp: async () => {} }
}
