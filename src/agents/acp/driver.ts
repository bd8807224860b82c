import { ClinvkError } from '../../errors.ts'
import { wasLost } from '../pool/lost.ts'
import { createProcessPool } from '../pool/pool.ts'
import { programFiles } from '../pool/program.ts'
import { SMALL_POOL } from '../pool/types.ts'
import { abortError } from '../take-turn.ts'
import type { AgentDriver, AgentSession, BackendSettings, SessionOptions } from '../types.ts'
import { sessionUnlessAborted } from '../unless-aborted.ts'
import { createServerNames, type OpenTools, openClientTools } from './client-tools.ts'
import { type AcpConnection, connectAcp } from './connection.ts'
import type { Failing } from './errors.ts'
import { type Inquest, inquire } from './inquest.ts'
import { openWorkshop, toLaunch, type Workshop } from './launch.ts'
import { type McpEndpoint, openMcpEndpoint } from './mcp-endpoint.ts'
import { createQueue } from './one-by-one.ts'
import { openOnAgent } from './open.ts'
import { probeAcp } from './probe.ts'
import type { AcpProfile, Startup, TakenTypes } from './profile.ts'
import { profileOf } from './profiles.ts'
import { createSession } from './session.ts'
import { renameCalls } from './tool-names.ts'

/** How long things may take, in ms. */
export interface AcpTiming {
  /** For an interrupt to be answered, before the process is ended. */
  readonly interruptMs?: number
  /** For a process to be ready. */
  readonly handshakeMs?: number
  /** For a process to end after TERM. */
  readonly termMs?: number
  /** For a process without a session to be kept, instead of what the pool's limits say. */
  readonly idleMs?: number
}

/**
 * Any agent that speaks the Agent Client Protocol, by its command alone. One process serves all sessions that need
 * the same flags and environment; one that died is started again for the next session.
 */
export function createAcpDriver(
  settings: BackendSettings,
  profile: AcpProfile = profileOf(settings.command),
  timing: AcpTiming = {},
): AgentDriver {
  const failing: Failing = { backend: settings.name, loginHint: profile.loginHint }
  const { pool: limits = SMALL_POOL } = settings
  const pool = createProcessPool<AcpConnection>({
    backend: settings.name,
    limits: { ...limits, keepAliveMs: timing.idleMs ?? limits.keepAliveMs },
    sessions: { atOnce: 0, inAll: profile.sessionsPerProcess },
  })
  const closing = new AbortController()
  const inquests = new Set<Promise<unknown>>()
  const taken = new Map<string, Promise<TakenTypes | undefined>>()
  const inTurn = createQueue()
  let told = { version: undefined as string | undefined, models: [] as readonly string[] }
  let workshop: Promise<Workshop> | undefined
  let endpoint: McpEndpoint | undefined
  const names = createServerNames(settings.name)

  const openTools = ({ toolServers }: Startup, folder: string, options: SessionOptions) => {
    if (!toolServers || !profile.clientTools) return undefined
    endpoint ??= openMcpEndpoint()
    const place = { servers: toolServers, names, folder, backend: settings.name }
    return openClientTools(endpoint, profile.clientTools, place, options)
  }

  const learn = <T>(asked: Omit<Inquest<T>, 'program'>): Promise<T | undefined> => {
    const found = inquire({ ...asked, program: settings.command[0] ?? '' }, closing.signal)
    inquests.add(found)
    return found.finally(() => inquests.delete(found))
  }

  /** What a session has to be started with, and the kind of process that is. */
  const toStart = async (options: SessionOptions) => {
    const startup = profile.startup(options, settings.env)
    const launch = toLaunch(settings, profile, startup, options.extraFlags)
    workshop ??= openWorkshop().catch((error: unknown) => {
      // There may be a place for it later.
      workshop = undefined
      throw error
    })
    const { folder, prepare } = await workshop
    const { command, env } = await prepare(launch)
    const kind = {
      key: JSON.stringify([command, env]),
      start: (stop: AbortSignal) => connectAcp(failing, { command, cwd: folder, env }, stop, timing),
      files: [...programFiles(command, env), ...(profile.startupFiles?.(env) ?? [])],
    }
    return { startup, folder, env, kind }
  }

  const open = async (options: SessionOptions, signal: AbortSignal, again = false): Promise<AgentSession> => {
    const { startup, folder, env, kind } = await toStart(options)
    const lease = await pool.take(kind, signal)
    const workdir = startup.away ? folder : options.workdir
    let tools: OpenTools | undefined
    let seeded: string | undefined
    try {
      tools = openTools(startup, workdir, options)
      const connection = lease.process
      if (options.resume !== undefined) await profile.beforeReopen?.(options.resume, env, closing.signal)
      const known = tools ? withNames(options, tools) : options
      const { history = [], systemPrompt } = known
      seeded =
        tools && startup.away && history.length > 0
          ? await profile.seed?.({ history, systemPrompt, folder: workdir }, env)
          : undefined
      const begun = seeded === undefined ? known : { ...known, resume: seeded }
      const enter = () =>
        openOnAgent(
          connection,
          failing,
          { ...begun, workdir, ...(startup.alias ? { model: startup.alias.name } : {}) },
          {
            mode: tools?.mode ?? startup.mode,
            hasEfforts: profile.effortLevels === true,
            mcpServers: tools ? [tools.server] : [],
          },
        )
      const { sessionId, model, models, withoutEffect } = await (profile.opensOneByOne
        ? inTurn(enter)
        : enter())
      await tools?.requireListed()
      told = { version: connection.agent.version, models: models.length > 0 ? models : told.models }
      return createSession({
        failing,
        profile,
        options: begun,
        goesOn: seeded !== undefined && history.at(-1)?.role === 'tool',
        lease,
        sessionId,
        withoutEffect,
        model: startup.alias?.model ?? model,
        alias: startup.alias?.name,
        tooManyCalls: startup.tooManyCalls,
        mostTurns: startup.turns,
        tools,
        interruptMs: timing.interruptMs,
        forget: async () => {
          if (options.ephemeral) await profile.forget?.(sessionId, env)
        },
        async inquire(id) {
          if (!profile.inquest) return {}
          const { args, read } = profile.inquest
          return (await learn({ args: args(id), read, env, cwd: folder })) ?? {}
        },
        async takenTypes(name) {
          if (!profile.takenTypes) return () => true
          const { args, read } = profile.takenTypes
          const key = JSON.stringify([name, env, workdir])
          const ask = () =>
            learn({ args: args(name), read: (output) => read(output, name), env, cwd: workdir })
          // On a busy machine the command was seen to end with nothing told.
          const found = taken.get(key) ?? ask().then((takes) => takes ?? ask())
          taken.set(key, found)
          const takes = await found
          if (!takes) taken.delete(key)
          return takes ?? (() => true)
        },
      })
    } catch (error) {
      tools?.close()
      lease.release()
      if (seeded !== undefined) await profile.forget?.(seeded, env)
      if (again || !wasLost(lease, error)) throw error
    }
    return await open(options, signal, true)
  }

  return {
    name: settings.name,
    driver: 'acp',
    capabilities: profile.capabilities,
    pool,
    probe: () => probeAcp(settings, profile, told),
    async open(options, signal) {
      if (closing.signal.aborted) throw new ClinvkError('shutting_down', `${settings.name} is shutting down.`)
      if (signal.aborted) throw abortError(signal)
      // Opening goes on behind an abort, since others may wait for the same process.
      return sessionUnlessAborted(open(options, signal), signal)
    },
    async prepare(options) {
      await toStart(options)
        .then(({ kind }) => pool.prepare(kind))
        .catch(() => {})
    },
    async close() {
      closing.abort()
      await Promise.all([pool.close(), ...inquests])
      await endpoint?.stop()
      await (await workshop?.catch(() => undefined))?.remove()
    },
  }
}

/** The model's earlier calls have to look like those that it can make now. */
function withNames(options: SessionOptions, tools: OpenTools): SessionOptions {
  return options.history ? { ...options, history: renameCalls(options.history, tools.modelName) } : options
}
