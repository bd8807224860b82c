import { ClinvkError } from '../../errors.ts'
import { wasLost } from '../pool/lost.ts'
import { createProcessPool } from '../pool/pool.ts'
import { type Kind, type Lease, SMALL_POOL } from '../pool/types.ts'
import { abortError } from '../take-turn.ts'
import type { AgentDriver, BackendSettings, Capabilities, Probe, SessionOptions } from '../types.ts'
import { claudeArgv, claudeEnv } from './argv.ts'
import { offerTools } from './client-tools.ts'
import { isClaimError } from './errors.ts'
import { toHistory } from './history.ts'
import { createNeutralFolder } from './neutral-folder.ts'
import { createParking } from './parking.ts'
import { createPolicy, type Policy } from './permissions.ts'
import { probeClaude } from './probe.ts'
import { type ClaudeProcess, type ProcessSetup, startAhead, startProcess } from './process.ts'
import { type ClaudeSession, openSession, type Timing } from './session.ts'
import { startupFiles } from './startup-files.ts'
import { readUserSettings } from './user-settings.ts'

/** What Claude Code can do by its own protocol. */
export const CLAUDE_CAPABILITIES: Capabilities = {
  deltas: true,
  thinking: true,
  toolEvents: true,
  usage: true,
  cost: true,
  images: 'native',
  systemPrompt: 'native',
  model: 'native',
  maxTurns: 'native',
  maxTokens: 'native',
  allowedTools: 'native',
  extraFlags: 'native',
  resume: true,
  fork: true,
  history: 'native',
  documents: 'native',
  profiles: ['pure', 'project', 'full'],
  effort: 'native',
  jsonSchema: 'native',
  clientTools: 'native',
  toolChoice: 'native',
  approvalModes: { default: 'native', auto: 'native', none: 'native', always: 'emulated' },
  sandboxModes: { default: 'native', 'read-only': 'emulated', workspace: 'emulated', full: 'native' },
}

/** How long what a probe found is believed, in ms. */
const PROBE_KEPT_MS = 30_000

/** Claude Code, by stream-json on stdio: one process a session, kept alive over its turns. */
export function createClaudeDriver(settings: BackendSettings, timing: Timing = {}): AgentDriver {
  const { name: backend, command, extraFlags, env } = settings
  const pool = createProcessPool<ClaudeProcess>({
    backend,
    limits: settings.pool ?? SMALL_POOL,
    sessions: { atOnce: 1, inAll: 1 },
    ...(timing.aheadMs === undefined ? {} : { aheadMs: timing.aheadMs }),
  })
  const neutral = createNeutralFolder()
  const parking = createParking()
  let probed: { at: number; probe: Promise<Probe> } | undefined

  return {
    name: backend,
    driver: 'claude',
    capabilities: CLAUDE_CAPABILITIES,
    pool,
    probe() {
      const now = performance.now()
      if (!probed || now - probed.at > PROBE_KEPT_MS) probed = { at: now, probe: probeClaude(settings) }
      return probed.probe
    },
    open,
    async prepare(options) {
      try {
        const policy = createPolicy(options)
        const { kind } = await toKinds(await toStart(options, policy), options)
        await pool.prepare(kind)
      } catch {
        // Whoever asks for it next is told why.
      }
    },
    async countTokens(options, input, signal) {
      // Claude Code 2.1.330 counts tools only about: without what the provider adds where there are any.
      if (options.clientTools?.length || options.jsonSchema) return undefined
      const session = await open(options, signal)
      const onAbort = () => void session.close()
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        if (signal.aborted) throw abortError(signal)
        return await session.count(input)
      } catch (error) {
        throw signal.aborted ? abortError(signal) : error
      } finally {
        signal.removeEventListener('abort', onAbort)
        await session.close()
      }
    },
    async close() {
      await pool.close()
      await neutral.remove()
    },
  }

  /** What a session's process is started with, but for its folder. */
  async function toStart(options: SessionOptions, { tools }: Pick<Policy, 'tools'>) {
    const full = (options.profile ?? 'full') === 'full'
    const user = full ? undefined : await readUserSettings(env)
    return {
      backend,
      command: claudeArgv({ command, extraFlags, tools, user }, options),
      env: claudeEnv(env, options, user),
      closeMs: timing.closeMs,
    }
  }

  async function open(options: SessionOptions, signal: AbortSignal): Promise<ClaudeSession> {
    const policy = createPolicy(options)
    const offer = offerTools(options)
    const history = toHistory(options.history ?? [], offer.inside)
    const { kind, cold, away } = await toKinds(await toStart(options, policy), options)
    const placed = away === undefined ? options : { ...options, workdir: away }
    const openIn = async (lease: Lease<ClaudeProcess>) => {
      const { process } = lease
      const { child, messages, parked } = process
      try {
        const session = await openSession(
          {
            backend,
            child,
            messages,
            parked,
            lease,
            options: placed,
            policy,
            offer,
            history,
            timing,
          },
          signal,
        )
        process.give(session)
        return session
      } catch (error) {
        lease.release()
        throw error
      }
    }
    const lease = await pool.take(kind, signal)
    try {
      return await openIn(lease)
    } catch (error) {
      if (signal.aborted || !(isClaimError(error) || wasLost(lease, error))) throw error
      return await openIn(await pool.take(cold, signal))
    }
  }

  /** The kinds of process that a session may have: any of the first, or where that does not work out one of `cold`. */
  async function toKinds(start: Omit<ProcessSetup, 'cwd'>, options: SessionOptions) {
    const kindOf = (place: string, kind: Pick<Kind<ClaudeProcess>, 'start' | 'startAhead'>) => ({
      ...kind,
      key: JSON.stringify([place, start.command, start.env]),
      files: startupFiles(command, env),
    })
    const away = isMereModelCall(options) ? await neutral.path() : undefined
    if (away !== undefined) {
      const there = { ...start, cwd: away }
      const kind = kindOf('away', {
        start: () => startProcess(there),
        startAhead: (aborted) => startAhead(there, 'loaded', aborted),
      })
      return { kind, cold: kind, away }
    }
    const here = { ...start, cwd: options.workdir }
    const cold = kindOf(options.workdir, { start: () => startProcess(here), startAhead: false })
    const version = await parking.versionOf(command, env)
    if (options.resume !== undefined || !parking.isPossible(version)) return { kind: cold, cold }
    const kind = kindOf('anywhere', {
      start: () => startProcess(here),
      startAhead: async (aborted) => {
        const there = { ...start, cwd: await neutral.path() }
        return await startAhead(there, 'parked', aborted).catch((error) => {
          // One that was killed might have waited.
          const killed = error instanceof ClinvkError && typeof error.details['signal'] === 'string'
          if (!aborted.aborted && !killed) parking.failed(version)
          throw error
        })
      },
    })
    return { kind, cold }
  }
}

/** The folder of one without tools, settings and a history of its own makes no difference, so any spare will do. */
function isMereModelCall({ profile, ephemeral, resume }: SessionOptions): boolean {
  return profile === 'pure' && ephemeral && resume === undefined
}
