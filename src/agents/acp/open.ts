import { RequestError } from '@agentclientprotocol/sdk'
import { ClinvkError } from '../../errors.ts'
import { type Fields, fields, items, word } from '../fields.ts'
import type { Effort } from '../messages.ts'
import type { SessionOptions } from '../types.ts'
import type { AcpConnection } from './connection.ts'
import { nearestEffort } from './effort.ts'
import { type Failing, modelError, noModels, refusalError, resumeError } from './errors.ts'

/** A session as the agent opened it. */
export interface Opened {
  readonly sessionId: string
  /** The model that will answer, where the agent tells it. */
  readonly model: string | undefined
  /** The models that it offers. */
  readonly models: readonly string[]
  /** Options that change nothing with this model. */
  readonly withoutEffect: readonly 'effort'[]
}

/** What a session is opened with besides its options. */
export interface OpenWith {
  readonly mode: string | undefined
  readonly hasEfforts: boolean
  readonly mcpServers?: readonly Fields[]
}

/**
 * Opens a session, new or again, and sets what is set by requests of its own.
 *
 * @throws `not_logged_in`, `session_not_found`, `model_not_found`, `unsupported_option`, and what ends a connection.
 */
export async function openOnAgent(
  connection: AcpConnection,
  failing: Failing,
  options: SessionOptions,
  { mode, hasEfforts, mcpServers = [] }: OpenWith,
): Promise<Opened> {
  const { sessionId, answer } = await enter(connection, failing, options, mcpServers)
  const choice = modelChoice(answer)
  if (mode !== undefined) await chooseMode(connection, failing, sessionId, answer, mode)
  const chosen =
    options.model !== undefined && options.model !== choice?.current
      ? await chooseModel(connection, failing, sessionId, choice, options.model)
      : {}
  // The levels are those of the model.
  const hasEffect =
    options.effort === undefined ||
    !hasEfforts ||
    (await chooseEffort(connection, failing, sessionId, { ...answer, ...chosen }, options.effort))
  const model = options.model ?? choice?.current
  return {
    sessionId,
    // Gemini's name for "I choose".
    model: model === 'auto' ? undefined : model,
    models: choice?.offered ?? [],
    withoutEffect: hasEffect ? [] : ['effort'],
  }
}

async function enter(
  connection: AcpConnection,
  failing: Failing,
  { workdir, resume }: SessionOptions,
  mcpServers: readonly Fields[],
): Promise<{ sessionId: string; answer: Fields }> {
  const place = { cwd: workdir, mcpServers }
  if (resume === undefined) {
    const answer = await ask(connection.request('session/new', place), (error) =>
      refusalError(failing, error),
    )
    const sessionId = word(answer['sessionId'])
    if (sessionId === undefined)
      throw new ClinvkError('agent_protocol', `${failing.backend} opened a session without an id.`)
    return { sessionId, answer }
  }
  const method = connection.agent.reopens
  if (method === undefined)
    throw new ClinvkError('unsupported_option', `${failing.backend} cannot go on with an earlier session.`)
  const answer = await ask(connection.request(method, { sessionId: resume, ...place }), (error) =>
    resumeError(failing, resume, error),
  )
  if (method === 'session/load') await replayed(connection)
  return { sessionId: resume, answer }
}

/** How long to wait for an agent that does not refuse a method that it does not know, in ms. */
const REPLAY_MS = 2000

/**
 * Gemini goes on replaying the history after it has answered, which would look like the beginning of the next
 * turn's answer. It writes in order, so the answer to anything else comes after it.
 */
async function replayed(connection: AcpConnection): Promise<void> {
  const answered = ask(connection.request('_clinvk/sync', {}), () => undefined)
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, REPLAY_MS)
  await Promise.race([answered, late.promise]).finally(() => clearTimeout(timer))
  answered.catch(() => {})
}

interface ModelChoice {
  readonly current: string | undefined
  readonly offered: readonly string[]
  /** The request that chooses. */
  choose(sessionId: string, model: string): [method: string, params: Fields]
}

/** Whether the effort is the model's now. One without levels does not think, which is what `none` asks for. */
async function chooseEffort(
  connection: AcpConnection,
  failing: Failing,
  sessionId: string,
  answer: Fields,
  effort: Effort,
): Promise<boolean> {
  const option = configOption(answer, 'thought_level')
  const configId = word(option?.['id'])
  const level = nearestEffort(effort, valuesOf(option))
  if (configId === undefined || level === undefined) return effort === 'none'
  if (level === option?.['currentValue']) return true
  const params = { sessionId, configId, value: level }
  await ask(connection.request('session/set_config_option', params), (error) => refusalError(failing, error))
  return true
}

/** The values of a select, whose options may come in groups. */
function valuesOf(option: Fields | undefined): readonly string[] {
  return items(option?.['options']).flatMap((entry) =>
    [entry, ...items(entry['options'])].flatMap(({ value }) => word(value) ?? []),
  )
}

/** Two ways: the newer `configOptions`, and the `models` that were never made stable. */
function modelChoice(answer: Fields): ModelChoice | undefined {
  const option = configOption(answer, 'model')
  const configId = word(option?.['id'])
  if (option && configId !== undefined)
    return {
      current: word(option['currentValue']),
      offered: valuesOf(option),
      choose: (sessionId, value) => ['session/set_config_option', { sessionId, configId, value }],
    }
  const models = fields(answer['models'])
  if (!Array.isArray(models['availableModels'])) return undefined
  return {
    current: word(models['currentModelId']),
    offered: items(models['availableModels']).flatMap(({ modelId }) => word(modelId) ?? []),
    choose: (sessionId, modelId) => ['session/set_model', { sessionId, modelId }],
  }
}

async function chooseModel(
  connection: AcpConnection,
  failing: Failing,
  sessionId: string,
  choice: ModelChoice | undefined,
  model: string,
): Promise<Fields> {
  if (!choice) throw noModels(failing.backend)
  return ask(connection.request(...choice.choose(sessionId, model)), (error) =>
    modelError(failing, model, error),
  )
}

async function chooseMode(
  connection: AcpConnection,
  failing: Failing,
  sessionId: string,
  answer: Fields,
  mode: string,
): Promise<void> {
  const configId = word(configOption(answer, 'mode')?.['id'])
  const [method, params]: [string, Fields] =
    configId === undefined
      ? ['session/set_mode', { sessionId, modeId: mode }]
      : ['session/set_config_option', { sessionId, configId, value: mode }]
  // A mode holds what the caller forbade: without it there is no session.
  await ask(connection.request(method, params), (error) => refusalError(failing, error))
}

function configOption(answer: Fields, category: string): Fields | undefined {
  const options = items(answer['configOptions'])
  return (
    options.find((option) => option['category'] === category) ?? options.find(({ id }) => id === category)
  )
}

/** The answer to a request. `toError` turns the agent's refusal into ours; without an error it is none. */
async function ask(
  answer: Promise<Fields>,
  toError: (error: RequestError) => ClinvkError | undefined,
): Promise<Fields> {
  try {
    return await answer
  } catch (error) {
    const ours = error instanceof RequestError ? toError(error) : error
    if (ours !== undefined) throw ours
    return {}
  }
}
