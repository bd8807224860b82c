import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { selfCommand } from '../agents/demo/self-command.ts'
import { agentEnvironment } from '../agents/environment.ts'
import { DEMO_AGENT, knownAgent } from '../agents/known.ts'
import type { PoolLimits } from '../agents/pool/types.ts'
import { createDriver } from '../agents/registry.ts'
import type { BackendSettings } from '../agents/types.ts'
import type { BackendConfig, Config } from '../config/schema.ts'
import { ClinvkError } from '../errors.ts'
import { createFolders } from '../process/folders.ts'
import { importEarlier } from '../sessions/import-earlier.ts'
import { openRunStore } from '../sessions/run-store.ts'
import type { RunStore } from '../sessions/run-types.ts'
import { openSessionStore } from '../sessions/store.ts'
import type { SessionStore } from '../sessions/types.ts'
import type { Backend } from './backends.ts'
import { createEngine } from './engine.ts'
import { holderLives, newHolder } from './holder.ts'
import { createMemoryBudget, type MemoryBudget } from './memory-budget.ts'
import type { OptionDefaults } from './options.ts'
import { memoryCeiling, toPoolLimits, toQueueLimits } from './pool-limits.ts'
import type { Engine } from './types.ts'

/** What the engine needs to know besides the configuration. */
export interface EngineContext {
  readonly config: Config
  /** Names of the backends that the operator wrote down. */
  readonly configured: ReadonlySet<string>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Our own folder. */
  readonly home: string
  readonly cwd: string
  /** Offer the demo agent whatever is installed. */
  readonly demo: boolean
  /** Told of what could not be kept of a session or run. */
  readonly onStoreFailure?: (error: ClinvkError) => void
  /** Told of what is not wrong but probably not meant, a sentence each. */
  readonly warn?: (text: string) => void
}

/**
 * The engine as configured. The demo agent is offered when it is asked for, configured, or when no real agent
 * is installed; it is never what a prompt goes to by itself.
 *
 * @throws `config_invalid`
 */
export async function engineFromConfig(context: EngineContext): Promise<Engine> {
  const { config } = context
  const memory = createMemoryBudget(memoryCeiling(config))
  const pool: PoolLimits = {
    ...toPoolLimits(config),
    mayStartAhead: () => memory.used < memory.ceiling,
  }
  const real = await Promise.all(
    Object.entries(config.backends)
      .filter(([name]) => name !== DEMO_AGENT || context.configured.has(name))
      .map(([name, backend]) => toBackend(name, backend, context, pool)),
  )
  try {
    return await assemble(real, { context, pool, memory })
  } catch (error) {
    // One that was looked at may have been kept for the first prompt.
    await Promise.allSettled(real.map(({ driver }) => driver.close()))
    throw error
  }
}

interface Parts {
  readonly context: EngineContext
  readonly pool: PoolLimits
  readonly memory: MemoryBudget
}

async function assemble(real: readonly Backend[], { context, pool, memory }: Parts): Promise<Engine> {
  const { config } = context
  const { server, unified_flags: unified, conversations } = config
  const backends = (await needsDemo(real, context)) ? [...real, await demoBackend(context, pool)] : real
  const defaultBackend = config.default_backend
  if (defaultBackend !== undefined) checkDefault(defaultBackend, backends)
  const path = join(context.home, 'clinvk.db')
  const store = openSessionStore(path)
  takeOver(store, context)
  const holder = newHolder()
  const runStore = openRunStore(path)
  return createEngine({
    tidyUp: () => tidyUp(store, runStore, holder, config.session.retention_days),
    backends,
    store,
    runStore,
    holder,
    poolLimits: pool,
    memory,
    defaultTags: config.session.default_tags,
    keepsUsage: config.session.store_token_usage,
    ...(context.onStoreFailure ? { onStoreFailure: context.onStoreFailure } : {}),
    ...(defaultBackend === undefined ? {} : { defaultBackend }),
    folders: createFolders(
      {
        defaultFolder: await defaultFolder(context),
        allowed: server.allowed_workdir_prefixes,
        blocked: server.blocked_workdir_prefixes,
      },
      join(context.home, 'scratch'),
    ),
    limits: {
      silenceMs: server.request_timeout_secs * 1000,
      totalMs: unified.command_timeout_secs * 1000,
    },
    conversations: {
      keepAliveMs: config.pool.enabled ? conversations.keep_alive_secs * 1000 : 0,
      maxIdle: conversations.max_live,
      maxShared: conversations.max_shared,
    },
    waiting: {
      waitMs: config.chat.tool_result_timeout_secs * 1000,
      most: config.chat.max_waiting_turns,
    },
    queue: toQueueLimits(config),
  })
}

const DAY_MS = 24 * 60 * 60 * 1000

/** Takes over what the earlier program kept in the same folder. */
function takeOver(store: SessionStore, { config, home, warn }: EngineContext): void {
  const { retention_days: days } = config.session
  const folder = join(home, 'sessions')
  for (const wrong of importEarlier(store, folder, days === 0 ? 0 : Date.now() - days * DAY_MS))
    warn?.(`a session of the earlier program cannot be taken over: ${join(folder, wrong)}`)
}

/** What the answer of a run was up to its end. */
function saidIn(runStore: RunStore, id: string): string {
  const said: string[] = []
  for (let last = 0; ; ) {
    const page = runStore.events(id, last, EVENTS_PAGE)
    for (const { event } of page) if (isText(event)) said.push(event.text)
    const end = page.at(-1)
    if (!end) return said.join('')
    last = end.sequence
  }
}

const EVENTS_PAGE = 1000

function isText(event: unknown): event is { readonly text: string } {
  const { type, text } = (event ?? {}) as Record<string, unknown>
  return type === 'text' && typeof text === 'string'
}

/** Marks the turns that a process that died had under way, and removes what nobody used for long. 0 days: nothing. */
function tidyUp(store: SessionStore, runStore: RunStore, holder: string, retentionDays: number): void {
  const now = Date.now()
  const lives = (other: string) => holderLives(other, holder)
  store.markInterrupted(lives, now)
  for (const id of runStore.markInterrupted(lives, now)) store.keepAnswer(id, saidIn(runStore, id))
  if (retentionDays === 0) return
  store.removeOlderThan(now - retentionDays * DAY_MS)
  runStore.removeOlderThan(now - retentionDays * DAY_MS)
}

async function toBackend(
  name: string,
  config: BackendConfig,
  context: EngineContext,
  pool: PoolLimits,
): Promise<Backend> {
  const settings = { ...toSettings(name, config, context), pool }
  return {
    driver: await createDriver(settings),
    defaults: toDefaults(name, config, context.config),
    command: settings.command,
    configured: context.configured.has(name),
    enabled: config.enabled,
    demo: config.driver === 'demo',
  }
}

function toSettings(name: string, config: BackendConfig, { env }: EngineContext): BackendSettings {
  const known = knownAgent(name)
  const command = config.command ?? (config.driver === 'demo' ? selfCommand(['demo-agent']) : known?.command)
  if (!command)
    throw new ClinvkError('config_invalid', `backends.${name}.command is missing: what program is it?`)
  return {
    name,
    driver: config.driver === 'demo' ? 'acp' : config.driver,
    command,
    env: agentEnvironment(env, config.env),
    models: config.models,
    extraFlags: config.extra_flags,
    ...(config.output === undefined ? {} : { output: config.output }),
    ...(config.json_text_field === undefined ? {} : { jsonTextField: config.json_text_field }),
    ...(known ? { installHint: known.installHint } : {}),
  }
}

function toDefaults(
  name: string,
  backend: BackendConfig,
  { unified_flags: unified }: Config,
): OptionDefaults {
  return {
    modelAliases: { ...knownAgent(name)?.modelAliases, ...backend.model_aliases },
    approvalMode: backend.approval_mode ?? unified.approval_mode,
    sandboxMode: backend.sandbox_mode ?? unified.sandbox_mode,
    allowedExtraFlags: backend.allowed_extra_flags,
    ...(backend.model === undefined ? {} : { model: backend.model }),
    ...(backend.system_prompt === undefined ? {} : { systemPrompt: backend.system_prompt }),
    ...(backend.allowed_tools === undefined ? {} : { allowedTools: backend.allowed_tools }),
    ...(unified.max_turns === 0 ? {} : { maxTurns: unified.max_turns }),
    ...(unified.max_tokens === 0 ? {} : { maxTokens: unified.max_tokens }),
  }
}

async function needsDemo(real: readonly Backend[], { demo }: EngineContext): Promise<boolean> {
  if (real.some((backend) => backend.driver.name === DEMO_AGENT)) return false
  if (demo) return true
  // The first one that is there will do: others may take a second to tell.
  return await new Promise((resolve, reject) => {
    const looks = real.map(async ({ driver }) => {
      if ((await driver.probe()).available) resolve(false)
    })
    Promise.all(looks).then(() => resolve(true), reject)
  })
}

function demoBackend(context: EngineContext, pool: PoolLimits): Promise<Backend> {
  const config = context.config.backends[DEMO_AGENT]
  if (!config) throw new ClinvkError('internal', 'The configuration has no entry for the demo agent.')
  return toBackend(DEMO_AGENT, { ...config, enabled: true }, context, pool)
}

function checkDefault(name: string, backends: readonly Backend[]): void {
  if (!backends.some(({ driver, demo }) => demo && driver.name === name)) return
  throw new ClinvkError(
    'config_invalid',
    `default_backend: "${name}" is the demo agent and no model. Prompts reach it only by name.`,
  )
}

/** The folder for requests that name none. */
export async function defaultFolder(
  context: Pick<EngineContext, 'config' | 'cwd' | 'home'>,
): Promise<string> {
  return context.config.server.default_workdir ?? (await startFolder(context))
}

/** The folder that we were started in. A service is started in the root, which is no place to work in. */
async function startFolder({ cwd, home }: Pick<EngineContext, 'cwd' | 'home'>): Promise<string> {
  if (cwd !== '/') return cwd
  const folder = join(home, 'workspace')
  await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: Error) => {
    throw new ClinvkError(
      'config_invalid',
      `The folder ${folder} cannot be made (${cause.message}). Set server.default_workdir or CLINVK_HOME to a folder of yours.`,
    )
  })
  return folder
}
