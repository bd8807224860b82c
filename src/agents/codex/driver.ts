import { stat } from 'node:fs/promises'
import { ClinvkError } from '../../errors.ts'
import { fields, word } from '../fields.ts'
import { wasLost } from '../pool/lost.ts'
import { createProcessPool } from '../pool/pool.ts'
import { type Lease, SMALL_POOL } from '../pool/types.ts'
import type {
  AgentDriver,
  AgentSession,
  BackendSettings,
  Capabilities,
  Probe,
  SessionOptions,
} from '../types.ts'
import { sessionUnlessAborted } from '../unless-aborted.ts'
import type { AppServer } from './app-server.ts'
import { effortFor } from './effort.ts'
import { isStillHeld, notLoggedIn, requestError } from './errors.ts'
import { historyItems } from './history.ts'
import { toKind } from './kind.ts'
import { settleOptions, threadParams } from './options.ts'
import { COMMON_KIND, probeCodex } from './probe.ts'
import { createSession } from './session.ts'
import { type AnswerForm, answerForm, canBeStrict } from './strict-answer.ts'
import { threadConfig } from './thread-config.ts'
import type { Timing } from './timing.ts'
import { createToolNames, type ToolNames } from './tool-names.ts'

/** What Codex can do by its own protocol. */
export const CODEX_CAPABILITIES: Capabilities = {
  deltas: true,
  thinking: true,
  toolEvents: true,
  usage: true,
  cost: false,
  images: 'native',
  systemPrompt: 'native',
  model: 'native',
  maxTurns: 'emulated',
  maxTokens: 'none',
  allowedTools: 'none',
  extraFlags: 'native',
  resume: true,
  fork: true,
  history: 'native',
  documents: 'none',
  profiles: ['pure', 'project', 'full'],
  effort: 'native',
  jsonSchema: 'native',
  clientTools: 'native',
  toolChoice: 'none',
  approvalModes: { default: 'native', auto: 'native', none: 'native', always: 'native' },
  sandboxModes: { default: 'native', 'read-only': 'native', workspace: 'native', full: 'native' },
}

const HELD_TRIES = 40
const HELD_PAUSE_MS = 50

/** How long what a probe found is believed, in ms. */
const PROBE_KEPT_MS = 30_000

/** Codex, by `codex app-server`: one process for all conversations that have the same flags. */
export function createCodexDriver(settings: BackendSettings, timing: Timing = {}): AgentDriver {
  const { pool: limits = SMALL_POOL } = settings
  const pool = createProcessPool<AppServer>({
    backend: settings.name,
    limits: { ...limits, keepAliveMs: timing.idleMs ?? limits.keepAliveMs },
    sessions: { atOnce: 0, inAll: 0 },
  })
  const sessions = new Set<AgentSession>()
  let probed: { at: number; probe: Promise<Probe> } | undefined

  const openThread = async (
    lease: Lease<AppServer>,
    options: SessionOptions,
    form: AnswerForm | undefined,
  ) => {
    const { name: backend } = settings
    const server = lease.process
    if (server.login.needed && !server.login.found) {
      // It would not notice a login that comes later.
      await lease.abandon()
      throw notLoggedIn(backend)
    }
    const { effort: asked, history = [] } = options
    const names = createToolNames(options.clientTools, options.profile)
    const { threadId, model } = await startThread(backend, server, options, names)
    let method = 'model/list'
    try {
      const effort = asked === undefined ? undefined : await effortFor(server, model, asked)
      const items = historyItems(history, names)
      method = 'thread/inject_items'
      if (items.length > 0) await server.request(method, { threadId, items })
      const session = createSession({
        backend,
        lease,
        options,
        threadId,
        model,
        effort,
        names,
        form,
        timing,
        forget: () => sessions.delete(session),
      })
      sessions.add(session)
      return session
    } catch (error) {
      if (server.alive) void server.request('thread/unsubscribe', { threadId }).catch(() => {})
      throw requestError(backend, method, error)
    }
  }

  const openIn = async (
    take: () => Promise<Lease<AppServer>>,
    options: SessionOptions,
    form: AnswerForm | undefined,
    again = false,
  ): Promise<AgentSession> => {
    const lease = await take()
    try {
      return await openThread(lease, options, form)
    } catch (error) {
      lease.release()
      if (again || !wasLost(lease, error)) throw error
    }
    return await openIn(take, options, form, true)
  }

  const kindFor = (options: SessionOptions) =>
    toKind(
      settings,
      {
        flags: options.extraFlags ?? [],
        profile: options.profile ?? 'full',
        passing: options.ephemeral && options.resume === undefined,
        clientTools: (options.clientTools ?? []).length > 0,
      },
      timing,
    )

  return {
    name: settings.name,
    driver: 'codex',
    capabilities: CODEX_CAPABILITIES,
    pool,
    holdsTo: canBeStrict,
    probe() {
      const now = performance.now()
      const visit = async () => pool.visit(await toKind(settings, COMMON_KIND, timing))
      if (!probed || now - probed.at > PROBE_KEPT_MS) probed = { at: now, probe: probeCodex(settings, visit) }
      return probed.probe
    },
    async open(asked, signal) {
      const options = settleOptions(asked)
      requireNewForTools(options)
      const form = options.jsonSchema === undefined ? undefined : answerForm(options.jsonSchema)
      await requireFolder(options.workdir)
      const kind = await kindFor(options)
      return sessionUnlessAborted(
        openIn(() => pool.take(kind, signal), options, form),
        signal,
      )
    },
    async prepare(options) {
      await kindFor(options)
        .then((kind) => pool.prepare(kind))
        .catch(() => {})
    },
    async close() {
      await Promise.all([...sessions].map((session) => session.close()))
      await pool.close()
    },
  }
}

async function startThread(
  backend: string,
  server: AppServer,
  options: SessionOptions,
  names: ToolNames,
): Promise<{ threadId: string; model: string | undefined }> {
  const method =
    options.resume === undefined ? 'thread/start' : options.fork ? 'thread/fork' : 'thread/resume'
  try {
    const params = threadParams(options, await threadConfig(server, options), names)
    const answer = await patiently(() => server.request(method, params))
    const threadId = word(fields(answer['thread'])['id'])
    if (threadId === undefined)
      throw new ClinvkError('agent_protocol', `${backend} started a conversation without an id.`)
    return { threadId, model: word(answer['model']) }
  } catch (error) {
    throw requestError(backend, method, error)
  }
}

/** A thread that was left a moment ago is still being written: it can be had again when that is done. */
async function patiently<T>(request: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await request()
    } catch (error) {
      if (!isStillHeld(error) || tries === HELD_TRIES) throw error
      await Bun.sleep(HELD_PAUSE_MS)
    }
  }
}

/** A thread keeps the tools that it was started with: others would be left out in silence (0.169.0). */
function requireNewForTools({ resume, clientTools = [] }: SessionOptions): void {
  if (resume !== undefined && clientTools.length > 0)
    throw new ClinvkError(
      'unsupported_option',
      'Codex takes tools of the client only for a new conversation, not for one that is resumed.',
    )
}

/** Codex would take a folder that is not there, and fail at its first command. */
async function requireFolder(workdir: string): Promise<void> {
  const found = await stat(workdir).catch(() => undefined)
  if (!found?.isDirectory())
    throw new ClinvkError(
      'invalid_workdir',
      `The working directory ${workdir} does not exist or is no folder.`,
    )
}
