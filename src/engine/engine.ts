import { abortError } from '../agents/take-turn.ts'
import type { TurnEvent } from '../agents/types.ts'
import { ClinvkError, toClinvkError } from '../errors.ts'
import type { Folders, Place } from '../process/folders.ts'
import { within } from '../process/within.ts'
import { type Backend, chooseBackend, describeBackends } from './backends.ts'
import { type Conversation, type ConversationLimits, createConversations } from './conversations.ts'
import { type TurnLimits, withMaxTurns, withParagraphs, withTimeouts } from './limits.ts'
import { type ResolvedOptions, resolveOptions } from './options.ts'
import { withStop } from './stop.ts'
import type { Engine, Turn, TurnRequest } from './types.ts'

/** What an engine is made of. */
export interface EngineOptions {
  readonly backends: readonly Backend[]
  readonly defaultBackend?: string
  readonly folders: Folders
  readonly limits: Pick<TurnLimits, 'silenceMs' | 'totalMs'>
  readonly conversations: ConversationLimits
}

/** Makes the engine. It starts nothing before the first turn. */
export function createEngine(setup: EngineOptions): Engine {
  const conversations = createConversations(setup.conversations)
  const closing = new AbortController()
  const running = new Set<Promise<void>>()

  const prepare = async (request: TurnRequest): Promise<Prepared> => {
    const known = request.sessionId === undefined ? undefined : conversations.find(request.sessionId)
    const named = request.backend ?? known?.driver.name
    const backend = await chooseBackend(setup.backends, named, setup.defaultBackend)
    if (known && known.driver !== backend.driver)
      throw new ClinvkError(
        'invalid_request',
        `Session "${known.id}" belongs to the backend ${known.driver.name}, not to ${backend.driver.name}.`,
      )
    const options = resolveOptions(request, backend.driver, backend.defaults, known?.options)
    if (known && (request.history ?? []).length > 0)
      throw new ClinvkError(
        'invalid_request',
        `Session "${known.id}" has its own history. Leave the earlier messages out, or start a new session.`,
      )
    const workdir =
      request.scratch || known?.scratch
        ? undefined
        : await setup.folders.resolve(request.workdir ?? known?.workdir)
    if (known && workdir !== undefined && known.workdir !== workdir)
      throw new ClinvkError(
        'invalid_request',
        `Session "${known.id}" works in ${known.workdir}. A session cannot change its folder.`,
      )
    return { known, backend, options, workdir }
  }

  const start = async (request: TurnRequest, signal: AbortSignal): Promise<Turn> => {
    if (closing.signal.aborted) throw shuttingDown()
    const prepared = await prepare(request)
    const { known, backend, options } = prepared
    const sessionId = known?.id ?? newId('ses')
    return {
      id: newId('run'),
      sessionId,
      backend: backend.driver.name,
      ...(options.model === undefined ? {} : { model: options.model }),
      startedAt: Date.now(),
      events: play(request, prepared, sessionId, signal),
    }
  }

  // Nothing happens before the first event is asked for, so a reader that never comes leaves nothing behind.
  async function* play(
    request: TurnRequest,
    { known, backend, options: asked, workdir }: Prepared,
    sessionId: string,
    signal: AbortSignal,
  ): AsyncGenerator<TurnEvent, void> {
    const over = Promise.withResolvers<void>()
    running.add(over.promise)
    const ours = new AbortController()
    const turnSignal = AbortSignal.any([signal, ours.signal, closing.signal])
    let endLease: (() => Promise<void>) | undefined
    try {
      if (turnSignal.aborted) throw abortError(turnSignal)
      const conversation =
        known ??
        conversations.create(sessionId, backend.driver, await makePlace(setup.folders, workdir), asked)
      endLease = await conversations.lease(conversation, turnSignal)
      // The turns that this one waited for may have changed the session's options.
      const options = known
        ? resolveOptions(request, backend.driver, backend.defaults, conversation.options)
        : asked
      const events = openAndPrompt(conversation, request, options, turnSignal)
      const counted = backend.driver.capabilities.maxTurns === 'emulated' ? options.maxTurns : undefined
      const timed = withTimeouts(events, setup.limits, (reason) => ours.abort(reason))
      yield* withStop(withParagraphs(withMaxTurns(timed, counted)), request.stop)
    } catch (error) {
      throw turnSignal.aborted ? abortError(turnSignal) : toClinvkError(error)
    } finally {
      await endLease?.().catch(() => {})
      running.delete(over.promise)
      over.resolve()
    }
  }

  async function* openAndPrompt(
    conversation: Conversation,
    { parts, history = [] }: TurnRequest,
    options: ResolvedOptions,
    signal: AbortSignal,
  ): AsyncGenerator<TurnEvent, void> {
    const session = await conversations.agent(conversation, options, history, signal)
    conversation.turns += 1
    try {
      for await (const event of session.prompt({ parts }, signal)) {
        if (event.type === 'init' && event.agentSessionId !== undefined)
          conversation.agentSessionId = event.agentSessionId
        yield event
      }
    } finally {
      conversation.agentSessionId = session.id ?? conversation.agentSessionId
    }
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
    async countTokens(request, signal) {
      const { backend, options, workdir } = await prepare(request)
      const { driver } = backend
      if (driver.countTokens === undefined) return undefined
      const { parts, history = [] } = request
      const place = await makePlace(setup.folders, workdir)
      const either = AbortSignal.any([signal, closing.signal])
      const opened = { ...options, workdir: place.workdir, ...(history.length === 0 ? {} : { history }) }
      const counting = driver
        .countTokens(opened, { parts }, either)
        .finally(() => place.cleanUp().catch(() => {}))
      const over = counting.then(
        () => {},
        () => {},
      )
      running.add(over)
      return await counting.finally(() => running.delete(over))
    },
    backends: () => describeBackends(setup.backends, setup.defaultBackend),
    async close(graceMs = CLOSE_GRACE_MS) {
      closing.abort(shuttingDown())
      // A reader that takes no events keeps its turn from ending; its agent is ended all the same.
      await within(graceMs, Promise.allSettled(running))
      await conversations.close()
      await Promise.allSettled(setup.backends.map(({ driver }) => driver.close()))
    },
  }
}

type Prepared = {
  readonly known: Conversation | undefined
  readonly backend: Backend
  readonly options: ResolvedOptions
  /** Absent: a scratch folder. */
  readonly workdir: string | undefined
}

function newId(kind: 'run' | 'ses'): string {
  return `${kind}_${crypto.randomUUID().replaceAll('-', '')}`
}

/** How long running turns have to tell their readers that they were ended, in ms. */
const CLOSE_GRACE_MS = 5000

/** Where a conversation works: a folder that is there, or a fresh one that goes with it. */
async function makePlace(folders: Folders, workdir: string | undefined): Promise<Place> {
  return workdir === undefined
    ? await folders.scratch()
    : { workdir, scratch: false, cleanUp: async () => {} }
}

function shuttingDown(): ClinvkError {
  return new ClinvkError('shutting_down', 'The server is shutting down.', { retryable: true })
}
