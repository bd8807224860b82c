import type {
  AgentDriver,
  ApprovalMode,
  Capabilities,
  InputPart,
  SandboxMode,
  SessionOptions,
  Support,
} from '../agents/types.ts'
import { ClinvkError } from '../errors.ts'
import { jsonInstruction } from './json-answer.ts'
import type { TurnRequest } from './types.ts'

/** What the operator set for a backend, and for all. */
export interface OptionDefaults {
  readonly model?: string
  readonly modelAliases: Readonly<Record<string, string>>
  readonly systemPrompt?: string
  readonly approvalMode: ApprovalMode
  readonly sandboxMode: SandboxMode
  readonly maxTurns?: number
  readonly maxTokens?: number
  readonly allowedTools?: readonly string[]
  /** Flags that a request may ask for in `extra`, to the letter. */
  readonly allowedExtraFlags: readonly string[]
}

/** The options of a turn after all defaults, without the folder and what came before. */
export type ResolvedOptions = Omit<SessionOptions, 'workdir' | 'resume' | 'fork' | 'history'>

/** Names for a class of model, the same for every backend; each backend says what they mean for it. */
const CLASS_ALIASES: Readonly<Record<string, string>> = {
  quick: 'fast',
  default: 'balanced',
  powerful: 'best',
}
const MODEL_CLASSES: ReadonlySet<string> = new Set(Object.values(CLASS_ALIASES))

/**
 * Fills a request's gaps (`session` is what its session was opened with) and refuses what the backend cannot
 * honour: nothing that is asked for is dropped in silence.
 *
 * @throws `unsupported_option`, `forbidden` for flags that the operator does not list, `invalid_request`.
 */
export function resolveOptions(
  request: TurnRequest,
  driver: Pick<AgentDriver, 'name' | 'capabilities' | 'holdsTo'>,
  defaults: OptionDefaults,
  session?: ResolvedOptions,
): ResolvedOptions {
  const { name } = driver
  const configured = resolveModel(defaults.model, name, defaults.modelAliases)
  const model =
    resolveModel(request.model, name, defaults.modelAliases, configured) ?? session?.model ?? configured
  const systemPrompt = withAnswerForm(
    request.systemPrompt ?? session?.systemPrompt ?? defaults.systemPrompt,
    request,
    driver,
  )
  const maxTurns = request.maxTurns ?? session?.maxTurns ?? defaults.maxTurns
  const maxTokens = request.maxTokens ?? session?.maxTokens ?? defaults.maxTokens
  const allowedTools = request.allowedTools ?? session?.allowedTools ?? defaults.allowedTools
  const extraFlags = request.extraFlags ?? session?.extraFlags
  const profile = request.profile ?? session?.profile
  const effort = request.effort ?? session?.effort
  const { clientTools, toolChoice } = request
  const jsonSchema = isNative(request, driver) ? request.answer?.schema : undefined
  checkExtraFlags(name, request.extraFlags ?? [], defaults.allowedExtraFlags)

  const options: ResolvedOptions = {
    approvalMode: request.approvalMode ?? session?.approvalMode ?? defaults.approvalMode,
    sandboxMode: request.sandboxMode ?? session?.sandboxMode ?? defaults.sandboxMode,
    ephemeral: request.ephemeral ?? session?.ephemeral ?? false,
    ...(model === undefined ? {} : { model }),
    ...(systemPrompt === undefined || systemPrompt === '' ? {} : { systemPrompt }),
    ...(maxTurns === undefined ? {} : { maxTurns }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(allowedTools === undefined ? {} : { allowedTools }),
    ...(extraFlags === undefined || extraFlags.length === 0 ? {} : { extraFlags }),
    ...(profile === undefined ? {} : { profile }),
    ...(effort === undefined ? {} : { effort }),
    ...(clientTools === undefined || clientTools.length === 0 ? {} : { clientTools }),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(jsonSchema === undefined ? {} : { jsonSchema }),
  }
  checkCapabilities(options, request, driver)
  return options
}

/** Whether the agent itself holds its model to the schema. */
function isNative(
  { answer }: TurnRequest,
  { capabilities, holdsTo }: Pick<AgentDriver, 'capabilities' | 'holdsTo'>,
): boolean {
  if (answer?.strict !== true || capabilities.jsonSchema !== 'native') return false
  return holdsTo?.(answer.schema) ?? true
}

/** A system prompt with the instruction for an answer in JSON, where nothing else holds the model to it. */
function withAnswerForm(
  systemPrompt: string | undefined,
  request: TurnRequest,
  driver: Pick<AgentDriver, 'name' | 'capabilities' | 'holdsTo'>,
): string | undefined {
  const { answer } = request
  if (!answer || isNative(request, driver)) return systemPrompt
  if (driver.capabilities.systemPrompt === 'none')
    throw new ClinvkError(
      'unsupported_option',
      `answer: ${driver.name} cannot be told the form of its answer.`,
      {
        details: { backend: driver.name, option: 'answer' },
      },
    )
  return [systemPrompt ?? '', jsonInstruction(answer.schema)].filter((text) => text !== '').join('\n\n')
}

/**
 * The model that a name means for a backend: an alias of its own, a class of model, or a model's own id.
 * `fallback` is what "default" and "balanced" mean where no alias says so; `undefined` is the agent's own choice.
 */
function resolveModel(
  name: string | undefined,
  backend: string,
  aliases: OptionDefaults['modelAliases'],
  fallback?: string,
): string | undefined {
  if (name === undefined || name === '') return undefined
  const modelClass = ownValue(CLASS_ALIASES, name) ?? name
  const aliased = ownValue(aliases, name) ?? ownValue(aliases, modelClass)
  if (aliased !== undefined) return aliased
  if (modelClass === 'balanced') return fallback
  if (MODEL_CLASSES.has(modelClass))
    throw new ClinvkError(
      'invalid_request',
      `${backend} has no model for "${name}". Name a model of its own, or set backends.${backend}.model_aliases.${name}.`,
      { details: { option: 'model' } },
    )
  // A model travels on command lines: it must not be able to pass for a flag.
  if (!/^[A-Za-z0-9][\w.:/@+[\]-]{0,199}$/.test(name))
    throw new ClinvkError('invalid_request', `model ${JSON.stringify(name)} is no model name.`, {
      details: { option: 'model' },
    })
  return name
}

/** The names that a request may use in place of a model's own: aliases, and the classes that they make known. */
export function namesOfModels({ modelAliases }: Pick<OptionDefaults, 'modelAliases'>): string[] {
  const classes = Object.entries(CLASS_ALIASES).filter(
    ([, modelClass]) => modelClass === 'balanced' || Object.hasOwn(modelAliases, modelClass),
  )
  return [...new Set([...Object.keys(modelAliases), 'balanced', ...classes.map(([name]) => name)])]
}

/** A client's word may be the name of something that every object inherits. */
function ownValue(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

function checkExtraFlags(backend: string, asked: readonly string[], allowed: readonly string[]): void {
  const refused = asked.filter((flag) => !allowed.includes(flag))
  if (refused.length === 0) return
  throw new ClinvkError(
    'forbidden',
    `extra: ${refused.map((flag) => JSON.stringify(flag)).join(', ')} is not allowed. The operator lists what requests may add in backends.${backend}.allowed_extra_flags.`,
  )
}

function checkCapabilities(
  options: ResolvedOptions,
  request: TurnRequest,
  { name, capabilities }: Pick<AgentDriver, 'name' | 'capabilities'>,
): void {
  const refuse = (field: string, fromRequest: boolean, why: string) => {
    const where = fromRequest ? '' : ' (it comes from the configuration)'
    throw new ClinvkError('unsupported_option', `${field}: ${name} ${why}${where}.`, {
      details: { backend: name, option: field },
    })
  }
  const asked: readonly [string, keyof Capabilities, boolean, boolean, string][] = [
    [
      'model',
      'model',
      options.model !== undefined,
      request.model !== undefined,
      'cannot be told which model to use',
    ],
    [
      'system_prompt',
      'systemPrompt',
      options.systemPrompt !== undefined,
      request.systemPrompt !== undefined,
      'takes no system prompt',
    ],
    [
      'max_turns',
      'maxTurns',
      options.maxTurns !== undefined,
      request.maxTurns !== undefined,
      'cannot limit its turns',
    ],
    [
      'max_tokens',
      'maxTokens',
      options.maxTokens !== undefined,
      request.maxTokens !== undefined,
      'cannot limit the tokens of an answer',
    ],
    [
      'allowed_tools',
      'allowedTools',
      options.allowedTools !== undefined,
      request.allowedTools !== undefined,
      'cannot limit its tools one by one',
    ],
    ['extra', 'extraFlags', options.extraFlags !== undefined, true, 'takes no flags'],
    ['images', 'images', holds(request, 'image'), true, 'takes no images'],
    ['documents', 'documents', holds(request, 'document'), true, 'takes no documents'],
    ['effort', 'effort', options.effort !== undefined, true, 'cannot be told how hard to think'],
    ['tools', 'clientTools', options.clientTools !== undefined, true, 'cannot be given tools of a client'],
    ['tool_choice', 'toolChoice', options.toolChoice !== undefined, true, 'cannot be made to call a tool'],
    ['history', 'history', (request.history ?? []).length > 0, true, 'takes no earlier messages'],
  ]
  for (const [field, capability, present, fromRequest, why] of asked)
    if (present && (capabilities[capability] as Support) === 'none') refuse(field, fromRequest, why)

  const { approvalModes, sandboxModes, profiles } = capabilities
  if (options.profile !== undefined && !profiles.includes(options.profile))
    refuse('profile', true, `has no profile "${options.profile}" (it has: ${profiles.join(', ')})`)
  if (!approvalModes[options.approvalMode])
    refuse(
      'approval_mode',
      request.approvalMode !== undefined,
      `cannot honour "${options.approvalMode}" (it can: ${Object.keys(approvalModes).join(', ')})`,
    )
  if (!sandboxModes[options.sandboxMode])
    refuse(
      'sandbox_mode',
      request.sandboxMode !== undefined,
      `cannot honour "${options.sandboxMode}" (it can: ${Object.keys(sandboxModes).join(', ')})`,
    )
}

/** Whether the prompt or an earlier message has a part of this kind. */
function holds({ parts, history = [] }: TurnRequest, kind: InputPart['type']): boolean {
  const all = history.flatMap((message) => (message.role === 'assistant' ? [] : message.parts))
  return [...parts, ...all].some(({ type }) => type === kind)
}
