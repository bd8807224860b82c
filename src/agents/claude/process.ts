import { type Child, spawnChild } from '../../process/child.ts'
import { toJsonLine } from '../../process/json-line.ts'
import { readJsonLines } from '../../process/lines.ts'
import { within } from '../../process/within.ts'
import { type Fields, fields } from '../fields.ts'
import type { PooledProcess } from '../pool/types.ts'
import { crashError } from './errors.ts'

/** A Claude Code that runs, before its one conversation and in it. */
export interface ClaudeProcess extends PooledProcess {
  readonly child: Child
  /** What it says. Whoever reads on reads what comes after what was read before. */
  readonly messages: AsyncGenerator<Fields, void>
  /** Whether it waits to be told where it works (`claim_session`), and does nothing there before. */
  readonly parked: boolean
  /** The conversation that it is in from now on, which knows how to end it. */
  give(session: { close(): Promise<void> }): void
}

/** How a process is started. */
export interface ProcessSetup {
  readonly backend: string
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** How long it may take to end once its stdin is closed, in ms. */
  readonly closeMs?: number | undefined
}

/** Keeps a process waiting for `claim_session` (2.1.330; older ones refuse to start with it). */
const PARKED = '--await-claim'
const CLOSE_MS = 2000

/** Starts a process for a conversation in its folder. It is loaded only some 500 ms later. */
export async function startProcess(start: ProcessSetup): Promise<ClaudeProcess> {
  return await spawn(start, false)
}

/**
 * Starts a process ahead and waits until it is loaded: one that waits for its folder, or one that is in its folder. Neither
 * has had the first request of a conversation, so it fits those under any system prompt.
 *
 * @throws `agent_crashed` for one that ends instead, as a version does that cannot be parked.
 */
export async function startAhead(
  start: ProcessSetup,
  ahead: 'parked' | 'loaded',
  signal: AbortSignal,
): Promise<ClaudeProcess> {
  const process = await spawn(start, ahead === 'parked')
  const onAbort = () => void process.end()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal.aborted) onAbort()
    await process.ask(ahead === 'parked' ? LOADS_MOST : LOADED)
    return process
  } catch (error) {
    await process.end()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * A request that has a process load more than the program itself, without a call to its provider (2.1.330). What it finds
 * out by that where it is parked is found out anew once it is claimed.
 */
const LOADS_MOST = { subtype: 'get_context_usage', detail: 'summary' }
/** Any request that is answered at once, by a process that has loaded. */
const LOADED = { subtype: 'mcp_status' }

interface Asking extends ClaudeProcess {
  /** The answer to a request, before there is a conversation. @throws `agent_crashed` where the process ends. */
  ask(request: Fields): Promise<Fields>
}

async function spawn(
  { backend, command, env, cwd, closeMs = CLOSE_MS }: ProcessSetup,
  parked: boolean,
): Promise<Asking> {
  const child = await spawnChild({ command: parked ? [...command, PARKED] : command, cwd, env })
  const messages = readJsonLines(child.stdout)
  let session: { close(): Promise<void> } | undefined
  let ending: Promise<void> | undefined
  let asked = 0

  const ask = async (request: Fields): Promise<Fields> => {
    asked += 1
    const id = `clinvk-ahead-${asked}`
    await child.write(toJsonLine({ type: 'control_request', request_id: id, request }))
    for (let next = await messages.next(); !next.done; next = await messages.next()) {
      const response = fields(next.value['response'])
      if (next.value['type'] === 'control_response' && response['request_id'] === id) return response
    }
    throw crashError(backend, await child.exited, child.stderrTail())
  }
  return {
    pid: child.pid,
    child,
    messages,
    parked,
    exited: child.exited,
    get alive() {
      return child.alive && ending === undefined
    },
    ask,
    give(to) {
      session = to
    },
    end() {
      ending ??= session
        ? session.close()
        : (async () => {
            await child.endInput()
            await within(closeMs, child.exited)
            await child.terminate()
          })()
      return ending
    },
  }
}
