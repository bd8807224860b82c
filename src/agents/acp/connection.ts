import {
  client,
  PROTOCOL_VERSION,
  RequestError,
  type RequestPermissionOutcome,
} from '@agentclientprotocol/sdk'
import { ClinvkError } from '../../errors.ts'
import { type ChildOptions, spawnChild } from '../../process/child.ts'
import { VERSION } from '../../version.ts'
import { type Fields, fields, word } from '../fields.ts'
import type { PooledProcess } from '../pool/types.ts'
import { crashError, type Failing, refusalError } from './errors.ts'
import { toStream } from './stream.ts'

/** What an agent told of itself. */
interface AgentInfo {
  readonly version: string | undefined
  readonly images: boolean
  /** How a session is opened again: `resume` without its history, `load` with all of it replayed. */
  readonly reopens: 'session/resume' | 'session/load' | undefined
  readonly closes: boolean
}

/** What a session wants to hear. */
export interface SessionHandlers {
  /** The `update` of a `session/update`. The next message of the process waits for it. */
  update(update: Fields): Promise<void>
  permission(request: Fields): Promise<RequestPermissionOutcome>
}

/** A process that speaks ACP, initialized. */
export interface AcpConnection extends PooledProcess {
  readonly agent: AgentInfo
  /** @throws `RequestError` as the agent answered; `agent_crashed` or `agent_protocol` when its process is gone. */
  request(method: string, params: Fields): Promise<Fields>
  notify(method: string, params: Fields): Promise<void>
  /** Sends what concerns a session to its handlers, until the returned function is called. */
  route(sessionId: string, handlers: SessionHandlers): () => void
}

/** How long things may take, in ms. */
interface ConnectTiming {
  readonly handshakeMs?: number | undefined
  readonly termMs?: number | undefined
}

const OPENING: ReadonlySet<string> = new Set(['session/new', 'session/load', 'session/resume'])

/** How long an agent may take to be ready, in ms. */
const HANDSHAKE_MS = 60_000

/**
 * Starts an agent and says hello. We offer it neither files nor terminals: it works with its own.
 *
 * @param stop Gives up the beginning; later it has no effect.
 * @throws `backend_not_installed`, `agent_crashed` with the last words of its stderr, `agent_protocol`.
 */
export async function connectAcp(
  failing: Failing,
  options: ChildOptions,
  stop: AbortSignal,
  { handshakeMs = HANDSHAKE_MS, termMs }: ConnectTiming = {},
): Promise<AcpConnection> {
  const { backend } = failing
  const child = await spawnChild(options)
  const sessions = new Map<string, SessionHandlers>()
  let opened = 0
  let ending = false

  const stream = toStream(child, async (params) => {
    await sessions.get(word(params['sessionId']) ?? '')?.update(fields(params['update']))
  })
  const { agent, closed, signal } = client({ name: 'clinvk' })
    .onRequest('session/request_permission', fields, async ({ params }) => {
      const handlers = sessions.get(word(params['sessionId']) ?? '')
      return { outcome: (await handlers?.permission(params)) ?? { outcome: 'cancelled' } }
    })
    .connect(stream)
  // Without its stdout there is nothing to be had from it.
  const terminate = () => child.terminate(termMs === undefined ? {} : { termMs })
  void closed.then(terminate)

  const failure = async (): Promise<ClinvkError> => {
    const status = await terminate()
    if (signal.reason instanceof ClinvkError) return signal.reason
    return ending
      ? // For another session that did not stop, or because all end: whoever sees this has not cancelled anything.
        new ClinvkError('agent_crashed', `${backend} was ended before it answered.`, { details: { backend } })
      : crashError(backend, status, child.stderrTail(), opened > 1)
  }
  const request = async (method: string, params: Fields): Promise<Fields> => {
    if (OPENING.has(method)) opened += 1
    try {
      return fields(await agent.request<unknown, Fields>(method, params))
    } catch (error) {
      if (error instanceof RequestError) throw error
      throw await failure()
    }
  }
  const end = async () => {
    ending = true
    await terminate()
  }

  const hello = request('initialize', {
    protocolVersion: PROTOCOL_VERSION,
    clientCapabilities: {},
    clientInfo: { name: 'clinvk', title: 'clinvk', version: VERSION },
  })
  const given = Promise.withResolvers<never>()
  const onStop = () => given.reject(new ClinvkError('shutting_down', `${backend} is shutting down.`))
  stop.addEventListener('abort', onStop, { once: true })
  if (stop.aborted) onStop()
  const timer = setTimeout(
    () =>
      given.reject(
        new ClinvkError('agent_protocol', `${backend} did not begin to speak ACP within ${handshakeMs} ms.`),
      ),
    handshakeMs,
  )
  try {
    const info = toAgentInfo(await Promise.race([hello, given.promise]))
    return {
      agent: info,
      pid: child.pid,
      exited: child.exited,
      get alive() {
        return child.alive && !signal.aborted && !ending
      },
      request,
      async notify(method, params) {
        await agent.notify(method, params).catch(() => {})
      },
      route(sessionId, handlers) {
        sessions.set(sessionId, handlers)
        return () => {
          if (sessions.get(sessionId) === handlers) sessions.delete(sessionId)
        }
      },
      end,
    }
  } catch (error) {
    hello.catch(() => {})
    await end()
    throw error instanceof RequestError ? refusalError(failing, error) : error
  } finally {
    clearTimeout(timer)
    stop.removeEventListener('abort', onStop)
  }
}

function toAgentInfo(answer: Fields): AgentInfo {
  const capabilities = fields(answer['agentCapabilities'])
  const sessions = fields(capabilities['sessionCapabilities'])
  return {
    version: word(fields(answer['agentInfo'])['version']),
    images: fields(capabilities['promptCapabilities'])['image'] === true,
    reopens: isOffered(sessions['resume'])
      ? 'session/resume'
      : capabilities['loadSession'] === true
        ? 'session/load'
        : undefined,
    closes: isOffered(sessions['close']),
  }
}

/** A capability is offered by an object, which may be empty. */
function isOffered(capability: unknown): boolean {
  return typeof capability === 'object' && capability !== null
}
