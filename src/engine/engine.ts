import { abortError } from '../agents/take-turn.ts'
import type { AgentSession, TurnEvent, TurnInput } from '../agents/types.ts'
import { ClinvkError, toClinvkError } from '../errors.ts'
import { type Backend, chooseBackend, describeBackends } from './backends.ts'
import { type ConversationLimits, createConversations } from './conversations.ts'
import { type TurnLimits, withMaxTurns, withParagraphs, withTimeouts } from './limits.ts'
import { type ResolvedOptions, resolveOptions } from './options.ts'
import type { Engine, Turn, TurnRequest } from './types.ts'
import { resolveWorkdir, type WorkdirRules } from './workdir.ts'

/** What an engine is made of. */
export interface EngineOptions {
  readonly backends: readonly Backend[]
  readonly defaultBackend?: string
  readonly workdirs: WorkdirRules
  readonly limits: Pick<TurnLimits, 'silenceMs' | 'totalMs'>
  readonly conversations: ConversationLimits
}

/** Makes the engine. It starts nothing before the first turn. */
export function createEngine(setup: EngineOptions): Engine {
  const conversations = createConversations(setup.conversations)
  const closing = new AbortController()
  const running = new Set<Promise<void>>()

  const prepare = async (request: TurnRequest) => {
    const known = request.sessionId === undefined ? undefined : conversations.find(request.sessionId)
    const named = request.backend ?? known?.driver.name
    const backend = await chooseBackend(setup.backends, named, setup.defaultBackend)
    if (known && known.driver !== backend.driver)
      throw new ClinvkError(
        'invalid_request',
        `Session "${known.id}" belongs to the backend ${known.driver.name}, not to ${backend.driver.name}.`,
      )
    const options = resolveOptions(request, backend.driver, backend.defaults, known?.options)
    const workdir = await resolveWorkdir(request.workdir ?? known?.workdir, setup.workdirs)
    if (known && known.workdir !== workdir)
      throw new ClinvkError(
        'invalid_request',
        `Session "${known.id}" works in ${known.workdir}. A session cannot change its folder.`,
      )
    return { known, backend, options, workdir }
  }

  const start = async (request: TurnRequest, signal: AbortSignal): Promise<Turn> => {
    if (closing.signal.aborted) throw shuttingDown()
    const { known, backend, options, workdir } = await prepare(request)
    const conversation = known ?? conversations.create(backend.driver, workdir, options)
    const ours = new AbortController()
    const turnSignal = AbortSignal.any([signal, ours.signal, closing.signal])
    const release = await conversations.lease(conversation, turnSignal)

    let finished: Promise<void> | undefined
    const finish = () => {
      finished ??= conversations
        .settle(conversation)
        .catch(() => {})
        .finally(release)
      return finished
    }
    let session: AgentSession
    try {
      session = await conversations.agent(conversation, options, turnSignal)
      if (turnSignal.aborted) throw abortError(turnSignal)
    } catch (error) {
      await finish()
      throw turnSignal.aborted ? abortError(turnSignal) : toClinvkError(error)
    }
    conversation.turns += 1

    let begun = false
    // A reader that leaves before it has read anything never enters the generator below.
    turnSignal.addEventListener('abort', () => void (begun || finish()), { once: true })
    const abort = (reason: ClinvkError) => ours.abort(reason)
    const events = async function* (): AsyncGenerator<TurnEvent, void> {
      begun = true
      const over = Promise.withResolvers<void>()
      running.add(over.promise)
      try {
        if (turnSignal.aborted) throw abortError(turnSignal)
        const input: TurnInput = { parts: request.parts }
        for await (const event of shape(session, input, options, backend, turnSignal, abort)) {
          if (event.type === 'init' && event.agentSessionId !== undefined)
            conversation.agentSessionId = event.agentSessionId
          yield event
        }
      } catch (error) {
        throw toClinvkError(error)
      } finally {
        conversation.agentSessionId = session.id ?? conversation.agentSessionId
        await finish()
        running.delete(over.promise)
        over.resolve()
      }
    }
    return {
      id: `run_${crypto.randomUUID().replaceAll('-', '')}`,
      sessionId: conversation.id,
      backend: backend.driver.name,
      ...(options.model === undefined ? {} : { model: options.model }),
      startedAt: Date.now(),
      events: events(),
    }
  }

  const shape = (
    session: AgentSession,
    input: TurnInput,
    options: ResolvedOptions,
    { driver }: Backend,
    signal: AbortSignal,
    abort: (reason: ClinvkError) => void,
  ) => {
    const counted = driver.capabilities.maxTurns === 'emulated' ? options.maxTurns : undefined
    const timed = withTimeouts(session.prompt(input, signal), setup.limits, abort)
    return withParagraphs(withMaxTurns(timed, counted))
  }

  return {
    start,
    async plan(request) {
      const { known, backend, options, workdir } = await prepare(request)
      return {
        backend: backend.driver.name,
        driver: backend.driver.driver,
        command: backend.command,
        workdir,
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
    backends: () => describeBackends(setup.backends, setup.defaultBackend),
    async close() {
      closing.abort(shuttingDown())
      await Promise.allSettled(running)
      await conversations.close()
      await Promise.allSettled(setup.backends.map(({ driver }) => driver.close()))
    },
  }
}

function shuttingDown(): ClinvkError {
  return new ClinvkError('shutting_down', 'The server is shutting down.', { retryable: true })
}
