import { ClinvkError } from '../../errors.ts'
import { type Child, spawnChild } from '../../process/child.ts'
import { toJsonLine } from '../../process/json-line.ts'
import { readJsonLines } from '../../process/lines.ts'
import { within } from '../../process/within.ts'
import { type Fields, fields, word } from '../fields.ts'
import type { PooledProcess } from '../pool/types.ts'
import { crashError } from './errors.ts'

/** A Claude Code that runs, before its one conversation and in it. */
export interface ClaudeProcess extends PooledProcess {
  readonly child: Child
  /** What it says. Whoever reads on reads what comes after what was read before. */
  readonly messages: AsyncGenerator<Fields, void>
  /** Whether it waits to be told where it works. */
  readonly parked: boolean
  /**
   * Tells a parked process where it works, as if it had been started there: only then it reads the folder's settings
   * and instructions, starts MCP servers and runs hooks.
   *
   * @throws `agent_protocol` where it refuses; it is of no use any more.
   */
  claim(workdir: string): Promise<void>
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
 * Starts a process ahead and waits until it is loaded. `how` asks for what loads more than the program itself, without a
 * call to the provider: what it finds out by that in its folder is found out anew by a claim.
 *
 * @throws `agent_crashed` for one that ends instead, as a version does that cannot be parked.
 */
export async function startAhead(
  start: ProcessSetup,
  how: 'parked' | 'plain',
  signal: AbortSignal,
): Promise<ClaudeProcess> {
  const parked = how === 'parked'
  const process = await spawn(start, parked)
  const onAbort = () => void process.end()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    if (signal.aborted) onAbort()
    await process.ask(
      parked ? { subtype: 'get_context_usage', detail: 'summary' } : { subtype: 'mcp_status' },
    )
    return process
  } catch (error) {
    await process.end()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

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
    async claim(workdir) {
      const response = await ask({ subtype: 'claim_session', cwd: workdir })
      const { status } = fields(response['response'])
      if (response['subtype'] === 'success' && status === 'ok') return
      throw new ClinvkError(
        'agent_protocol',
        `${backend} could not be put to work in ${workdir}: ${word(response['error']) ?? 'it gave no reason.'}`,
      )
    },
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
