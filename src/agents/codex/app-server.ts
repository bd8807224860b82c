import { ClinvkError } from '../../errors.ts'
import { type Child, NOWHERE, spawnChild } from '../../process/child.ts'
import { createRpcPeer, RpcError } from '../../process/json-rpc.ts'
import { readJsonLines } from '../../process/lines.ts'
import { within } from '../../process/within.ts'
import { VERSION } from '../../version.ts'
import { type Fields, fields, word } from '../fields.ts'
import type { PooledProcess } from '../pool/types.ts'
import type { BackendSettings } from '../types.ts'
import { answerRequest } from './approvals.ts'
import { crashError } from './errors.ts'
import { nativeCommand } from './launcher.ts'
import { appServerArgv } from './options.ts'
import { createRateLimits } from './rate-limits.ts'
import { createSubAgents, type SubAgent } from './sub-agents.ts'

/** What a thread hears of the process that it lives in. */
interface ThreadListener {
  /** The process is read on only when it resolves. */
  notification(method: string, params: Fields): void | Promise<void>
  /** Answers a request of the app-server. @throws RpcError to refuse it. */
  request(method: string, params: Fields): Promise<Record<string, unknown>>
  /** The process is gone. */
  ended(error: ClinvkError): void
}

/** One `codex app-server` process, in which many threads live. */
export interface AppServer extends PooledProcess {
  readonly version: string | undefined
  readonly login: Login
  /** Has something done when the process has ended; `close` and `exited` wait for it. */
  afterEnd(work: () => Promise<void>): void
  /** Whether it waits for a thread's reader, so that nothing of other threads is heard either. */
  readonly blocked: boolean
  /** Whether more than one thread is listened for. */
  readonly crowded: boolean
  /** How long the account's limits last from now, in ms, when one of them is used up. */
  retryAfterMs(): number | undefined
  /** @throws RpcError as answered, or the error that the process ended with. */
  request(method: string, params: Record<string, unknown>): Promise<Fields>
  /** The agents that a thread started, as far as they are known. */
  subAgentsOf(threadId: string): readonly SubAgent[]
  /** Sends what concerns a thread and the agents that it started to its listener, until the returned function is called. */
  listen(threadId: string, listener: ThreadListener): () => void
  /** Ends the process, politely at first. `error` is what its threads are told. Never rejects. */
  close(error?: ClinvkError): Promise<void>
}

/** What Codex found at its start; it does not look again, so start another one after a login. */
interface Login {
  /** False where the configuration names a model provider of the user's own. */
  readonly needed: boolean
  readonly found: boolean
}

/** How an app-server is started. */
export interface StartOptions {
  /** All that are given to it. */
  readonly flags: readonly string[]
  /** Gives the start up, and ends the process. */
  readonly signal: AbortSignal
  /** How long the process may take to answer at first. */
  readonly startMs?: number | undefined
}

const START_MS = 30_000
/** How long the process may take to end once its stdin is closed, in ms. */
const CLOSE_MS = 2000
/** How long what it wrote before its end may take to be read, in ms. */
const DRAIN_MS = 1000

/**
 * Starts an app-server and introduces clinvk to it: about 150 ms and 85 MB.
 *
 * @throws `backend_not_installed`, `agent_crashed` with the last words of a process that did not start, or
 * `agent_protocol` for one that does not speak to us.
 */
export async function startAppServer(
  settings: BackendSettings,
  { flags, signal, startMs = START_MS }: StartOptions,
): Promise<AppServer> {
  const { name, env } = settings
  const command = appServerArgv(await nativeCommand(settings.command, env), flags)
  // Threads have folders of their own; the process must not hold one that may be removed.
  const child = await spawnChild({ command, cwd: NOWHERE, env })
  const listeners = new Map<string, ThreadListener>()
  const subAgents = createSubAgents()
  const rateLimits = createRateLimits()
  let reason: ClinvkError | undefined
  let waiting = 0
  let opened = 0

  const listenerOf = (params: Fields) => {
    const line = subAgents.lineOf(word(params['threadId']) ?? '')
    return line.map((id) => listeners.get(id)).find((listener) => listener !== undefined)
  }
  const peer = createRpcPeer((line) => child.write(line), {
    async notification(method, params) {
      if (method === 'account/rateLimits/updated') rateLimits.update(fields(params['rateLimits']))
      subAgents.observe(method, params)
      const listener = listenerOf(params)
      if (!listener) return
      waiting += 1
      await Promise.resolve(listener.notification(method, params)).finally(() => {
        waiting -= 1
      })
    },
    async request(method, params) {
      const listener = listenerOf(params)
      if (listener) return listener.request(method, params)
      return (await answerRequest(method, params, NOBODYS_RULES)).result
    },
  })
  const drain = async () => {
    try {
      for await (const message of readJsonLines(child.stdout)) await peer.receive(message)
    } catch (error) {
      reason ??= error instanceof ClinvkError ? error : undefined
    }
  }
  const read = async () => {
    const drained = drain()
    await Promise.race([drained, child.exited])
    // The last words of a dead process are read, but a slow reader must not keep its end from the others.
    await within(DRAIN_MS, drained)
    // One that closed its output is of no use any more.
    if (child.alive) await endWithin(child, CLOSE_MS)
    const error = reason ?? crashError(name, await child.exited, child.stderrTail(), opened > 1)
    peer.close(error)
    for (const listener of listeners.values()) listener.ended(error)
    listeners.clear()
  }
  let done = read()

  const close = async (error?: ClinvkError) => {
    reason ??= error ?? new ClinvkError('cancelled', `${name}: the conversation was closed.`)
    await child.endInput()
    await endWithin(child, error ? 0 : CLOSE_MS)
    await done
  }

  const silent = () =>
    void close(
      new ClinvkError('agent_protocol', `${name} did not answer within ${startMs / 1000} s of its start.`),
    )
  const timer = setTimeout(silent, startMs)
  const onAbort = () => void close()
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    const told = await peer.request('initialize', {
      clientInfo: { name: 'clinvk', title: 'clinvk', version: VERSION },
      capabilities: { experimentalApi: true },
    })
    await peer.notify('initialized')
    const login = await readLogin(peer.request)
    return {
      pid: child.pid,
      get exited() {
        return done
      },
      version: /\/(\d\S*)/.exec(word(told['userAgent']) ?? '')?.[1],
      login,
      get alive() {
        return child.alive && !reason
      },
      afterEnd(work) {
        done = done.then(work).catch(() => {})
      },
      get blocked() {
        return waiting > 0
      },
      get crowded() {
        return listeners.size > 1
      },
      retryAfterMs: () => rateLimits.retryAfterMs(Date.now()),
      request(method, params) {
        if (OPENINGS.has(method)) opened += 1
        return peer.request(method, params)
      },
      subAgentsOf: subAgents.of,
      listen(threadId, listener) {
        listeners.set(threadId, listener)
        return () => {
          if (listeners.get(threadId) === listener) listeners.delete(threadId)
          subAgents.forget(threadId)
        }
      },
      close,
      end: () => close(),
    }
  } catch (error) {
    await close()
    if (error instanceof RpcError)
      throw new ClinvkError('agent_protocol', `${name} refused to be driven: ${error.message}`, {
        details: { backend: name },
      })
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

/** For requests of threads that nobody listens to any more: nothing is allowed. */
const NOBODYS_RULES = { approvalMode: 'default', sandboxMode: 'default', workdir: '/' } as const

/** A version that cannot tell will say so in its first turn. */
async function readLogin(
  request: (method: string, params: Record<string, unknown>) => Promise<Fields>,
): Promise<Login> {
  try {
    const { account, requiresOpenaiAuth } = await request('account/read', {})
    return { needed: requiresOpenaiAuth === true, found: (account ?? null) !== null }
  } catch (error) {
    if (error instanceof RpcError) return { needed: false, found: false }
    throw error
  }
}

/** What a thread begins with. */
const OPENINGS: ReadonlySet<string> = new Set(['thread/start', 'thread/resume', 'thread/fork'])

async function endWithin(child: Child, ms: number): Promise<void> {
  await within(ms, child.exited)
  await child.terminate()
}
