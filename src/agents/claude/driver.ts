import { type Child, spawnChild } from '../../process/child.ts'
import { abortError } from '../take-turn.ts'
import type {
  AgentDriver,
  AgentSession,
  BackendSettings,
  Capabilities,
  Probe,
  SessionOptions,
} from '../types.ts'
import { claudeArgv, claudeEnv } from './argv.ts'
import { offerTools } from './client-tools.ts'
import { toHistory } from './history.ts'
import { createPolicy } from './permissions.ts'
import { probeClaude } from './probe.ts'
import { openSession, type Timing } from './session.ts'
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
  const sessions = new Set<AgentSession>()
  const children = new Set<Child>()
  let probed: { at: number; probe: Promise<Probe> } | undefined

  return {
    name: settings.name,
    driver: 'claude',
    capabilities: CLAUDE_CAPABILITIES,
    probe() {
      const now = performance.now()
      if (!probed || now - probed.at > PROBE_KEPT_MS) probed = { at: now, probe: probeClaude(settings) }
      return probed.probe
    },
    open,
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
      await Promise.all([...sessions].map((session) => session.close()))
      // Those that are still being opened.
      await Promise.all([...children].map((child) => child.terminate()))
    },
  }

  async function open(options: SessionOptions, signal: AbortSignal) {
    const policy = createPolicy(options)
    const offer = offerTools(options)
    const history = toHistory(options.history ?? [], offer.inside)
    const { command, extraFlags, env } = settings
    const full = (options.profile ?? 'full') === 'full'
    const user = full ? undefined : await readUserSettings(env)
    const child = await spawnChild({
      command: claudeArgv({ command, extraFlags, tools: policy.tools, user }, options),
      cwd: options.workdir,
      env: claudeEnv(env, options, user),
    })
    children.add(child)
    void child.exited.then(() => children.delete(child))
    const session = await openSession(
      { backend: settings.name, child, options, policy, offer, history, timing },
      signal,
    )
    sessions.add(session)
    void child.exited.then(() => sessions.delete(session))
    return session
  }
}
