import type { AgentProfile, HistoryMessage } from '../../agents/messages.ts'
import type { Capabilities, InputPart, TurnEvent } from '../../agents/types.ts'
import type { Config } from '../../config/schema.ts'
import { CHAT_PROFILES } from '../../config/schema-chat.ts'
import { type BegunRun, bare, type Idempotency } from '../../engine/runs.ts'
import type { BackendInfo, Engine, Turn, TurnRequest } from '../../engine/types.ts'
import { ClinvkError, toClinvkError } from '../../errors.ts'
import { type Began, startHeaders } from '../start-headers.ts'
import { invalidFields } from '../validate.ts'
import { markAgentRan } from './agent-ran.ts'
import { callerOf } from './caller.ts'
import { requireModel, withExistingModels } from './model-names.ts'
import { refuseOwnAgents } from './own-agent.ts'
import { pairCalls } from './tool-pairs.ts'
import type { ChatTurn } from './types.ts'
import { withoutEffectHeader } from './without-effect.ts'

/** What a chat turn is started with. */
export interface ChatStart {
  readonly engine: Engine
  readonly chat: Config['chat']
  readonly request: ChatTurn
  readonly signal: AbortSignal
  /** The request's; `x-clinvk-profile` and `x-clinvk-workdir` count. */
  readonly headers: Headers
  /** What names the request where it may come again: then its run is kept, and goes on without its client. */
  readonly idempotency?: Idempotency | undefined
  /** The run that the turn belongs to and that is kept by somebody else. Else the turn is noted as one of its own. */
  readonly run?: string
}

/** A chat turn that has started. */
export interface ChatRun {
  readonly turn: Turn
  /** What the answer's headers say of it. Some of it is known only once the agent is there. */
  readonly headers: () => Readonly<Record<string, string>>
}

/**
 * Starts the turn of a chat request: finds the backend that its model's name stands for, tells the agent what was
 * said before, and leaves nothing behind when it is over.
 *
 * @throws `agent_loop`, `model_not_found`, `forbidden` for a profile above the operator's ceiling, `invalid_request`, and what
 * the engine throws.
 */
export async function startChat(start: ChatStart): Promise<ChatRun> {
  const { engine, request } = start
  refuseOwnAgents(start.headers, engine)
  const { turn, profile, ignored, backends } = await toTurnRequest(start)
  const own = new AbortController()
  const signal = AbortSignal.any([start.signal, own.signal])
  // One that was begun needs no place in the queue.
  const earlier = start.idempotency && engine.runs.again<TurnEvent>(start.idempotency, turn.caller)
  const started = earlier
    ? toTurn(earlier)
    : await engine.start(turn, signal).catch((error: unknown) => {
        const failure = withExistingModels(toClinvkError(error), backends, start.chat.model_aliases)
        throw isOfAgent(failure) ? markAgentRan(failure) : failure
      })
  const told = (error: unknown) =>
    markAgentRan(withExistingModels(toClinvkError(error), backends, start.chat.model_aliases))
  const without = [...(request.withoutEffect ?? []), ...ignored]
  let began: Began = {}
  const onInit = ({ withoutEffect = [], ...init }: Extract<TurnEvent, { type: 'init' }>) => {
    began = init
    if (withoutEffect.includes('effort')) without.push(request.effortField ?? 'effort')
  }
  const { id, backend, model, events } = started
  const about = { backend, ...(model === undefined ? {} : { model }) }
  const run = {
    id,
    kind: 'chat',
    caller: turn.caller,
    about,
    events,
    cancel: (reason: ClinvkError) => own.abort(reason),
  }
  const kept =
    earlier ??
    (start.idempotency &&
      engine.runs.begin({ ...run, detached: true, keepEvents: true, idempotency: start.idempotency }))
  const seen = () => (start.run === undefined ? engine.runs.note(run) : events)
  return {
    turn: {
      ...started,
      startedAt: kept?.run.createdAt ?? started.startedAt,
      events: observed(earlier ? events : kept ? bare(kept.events) : seen(), told, onInit),
    },
    headers: () => ({
      'x-clinvk-run': start.run ?? kept?.run.id ?? id,
      ...(kept?.again ? { 'idempotency-replayed': 'true' } : {}),
      'x-clinvk-backend': backend,
      'x-clinvk-profile': profile,
      ...startHeaders(began),
      ...withoutEffectHeader(without),
    }),
  }
}

/** The turn of a run that an earlier request began. Nobody asks for the session of a chat. */
function toTurn({ run: { id, about, createdAt: startedAt }, events }: BegunRun<TurnEvent>): Turn {
  const { backend, model } = about as Pick<Turn, 'backend' | 'model'>
  return {
    id,
    sessionId: id,
    backend,
    ...(model === undefined ? {} : { model }),
    startedAt,
    events: bare(events),
  }
}

/** A chat that asks for nothing but an answer, as the engine gets it: what most of them need of an agent. */
export function plainChat(
  chat: Config['chat'],
  { name, capabilities }: Pick<BackendInfo, 'name' | 'capabilities'>,
): TurnRequest {
  return {
    backend: name,
    parts: [],
    profile: defaultProfile(chat, name, capabilities),
    ephemeral: true,
    ...(chat.workdir === undefined ? { scratch: true } : { workdir: chat.workdir }),
  }
}

/**
 * Tokens that a chat request would take, without running it.
 *
 * @throws what `startChat` throws, and `unsupported_option` with the status 404 where the backend cannot tell.
 */
export async function countChat(start: ChatStart): Promise<number> {
  const { turn, backend } = await toTurnRequest(start)
  const tokens = await start.engine.countTokens(turn, start.signal)
  if (tokens !== undefined) return tokens
  throw new ClinvkError(
    'unsupported_option',
    `${backend} cannot count tokens without running the prompt. The usage of each answer tells how many it took.`,
    { status: 404, details: { backend } },
  )
}

/** The engine's request for a chat's, and which fields of it change nothing. */
async function toTurnRequest({ engine, chat, request, headers }: ChatStart) {
  const asked = askedProfile(headers, chat)
  const workdir = headers.get('x-clinvk-workdir') ?? chat.workdir
  const backends = await engine.backends()
  const { backend, model } = requireModel(request.model, backends, chat.model_aliases)
  const { history, parts } = splitMessages(request.messages)
  const can = backends.find(({ name }) => name === backend)?.capabilities
  const profile = asked ?? defaultProfile(chat, backend, can)
  const { maxTokens, effort } = request
  const limited = maxTokens !== undefined && can?.maxTokens !== 'none'
  const steered = effort !== undefined && can?.effort !== 'none'
  const turn: TurnRequest = {
    backend,
    parts,
    profile,
    ephemeral: true,
    continuable: true,
    ...(model === undefined ? {} : { model }),
    ...(history.length === 0 ? {} : { history }),
    ...(workdir === undefined ? { scratch: true } : { workdir }),
    ...(request.system === undefined || request.system === '' ? {} : { systemPrompt: request.system }),
    ...(request.stop === undefined || request.stop.length === 0 ? {} : { stop: request.stop }),
    ...(steered ? { effort } : {}),
    ...(limited ? { maxTokens } : {}),
    ...(request.metadata === undefined ? {} : { metadata: request.metadata }),
    ...(request.tools === undefined || request.tools.length === 0 ? {} : { clientTools: request.tools }),
    ...(request.toolChoice === undefined ? {} : { toolChoice: request.toolChoice }),
    ...(request.serialCalls ? { serialCalls: true } : {}),
    ...(request.answer === undefined ? {} : { answer: request.answer }),
    caller: await callerOf(headers),
  }
  const ignored = [
    ...(maxTokens === undefined || limited ? [] : [request.maxTokensField ?? 'max_tokens']),
    ...(effort === undefined || steered ? [] : [request.effortField ?? 'effort']),
  ]
  return { turn, backend, profile, ignored, backends }
}

/**
 * Splits a conversation into what was said before and what is said now: the user's messages at its end. Where it
 * ends with the results of tools, these are history, and nothing is said now: the agent goes on from there.
 *
 * @throws `invalid_request` where there is nothing to answer.
 */
export function splitMessages(messages: readonly HistoryMessage[]): {
  history: readonly HistoryMessage[]
  parts: readonly InputPart[]
} {
  // Providers refuse an answer that says nothing, and some clients keep a place for the one to come.
  const said = messages.filter(
    (message) => message.role !== 'assistant' || message.text !== '' || message.toolCalls.length > 0,
  )
  const cut = said.findLastIndex(({ role }) => role !== 'user') + 1
  const history = pairCalls(said.slice(0, cut))
  const parts = said.slice(cut).flatMap((message) => (message.role === 'user' ? message.parts : []))
  if (parts.some((part) => part.type !== 'text' || part.text.trim() !== '')) return { history, parts }
  const last = said.at(-1)
  if (last?.role === 'tool') return { history, parts: [] }
  if (last?.role === 'assistant')
    throw nothingToAnswer(
      'must end with a message of the user: an agent cannot go on with an answer of its own.',
    )
  throw nothingToAnswer(
    last === undefined ? 'holds no message to answer.' : 'ends with a message that is empty.',
  )
}

function nothingToAnswer(message: string): ClinvkError {
  return invalidFields([{ path: 'messages', message }])
}

function askedProfile(headers: Headers, chat: Config['chat']): AgentProfile | undefined {
  const asked = headers.get('x-clinvk-profile')?.trim().toLowerCase()
  if (asked === undefined) return undefined
  const profile = CHAT_PROFILES.find((name) => name === asked)
  if (profile === undefined)
    throw new ClinvkError(
      'invalid_request',
      `The header x-clinvk-profile must be one of ${CHAT_PROFILES.join(', ')}.`,
    )
  const ceiling = chat.max_profile ?? chat.profile
  if (isAbove(profile, ceiling))
    throw new ClinvkError(
      'forbidden',
      `The header x-clinvk-profile asks for ${profile}; the operator allows ${ceiling} at most (chat.max_profile).`,
    )
  return profile
}

/**
 * The configured profile, or the least above it for an agent that can't leave so much out; that it may be used at
 * all is the operator's word, unless `chat.max_profile` says otherwise.
 */
function defaultProfile(chat: Config['chat'], backend: string, can: Capabilities | undefined): AgentProfile {
  const { profile: configured, max_profile: most } = chat
  const possible = can?.profiles ?? []
  const least = CHAT_PROFILES.find((name) => !isAbove(configured, name) && possible.includes(name))
  if (least === undefined) return configured
  if (most !== undefined && isAbove(least, most))
    throw new ClinvkError(
      'forbidden',
      `${backend} cannot be run with less than the profile ${least}; the operator allows ${most} at most (chat.max_profile).`,
    )
  return least
}

function isAbove(a: AgentProfile, b: AgentProfile): boolean {
  return CHAT_PROFILES.indexOf(a) > CHAT_PROFILES.indexOf(b)
}

/** Whether a start failed because of what an agent or its provider did, not before any was started. */
function isOfAgent({ code }: ClinvkError): boolean {
  return /^(agent|upstream)_/.test(code) || ['not_logged_in', 'context_too_long', 'timeout'].includes(code)
}

async function* observed(
  events: AsyncGenerator<TurnEvent, void>,
  told: (error: unknown) => ClinvkError,
  onInit: (event: Extract<TurnEvent, { type: 'init' }>) => void,
): AsyncGenerator<TurnEvent, void> {
  try {
    for await (const event of events) {
      if (event.type === 'init') onInit(event)
      yield event
    }
  } catch (error) {
    throw told(error)
  }
}
