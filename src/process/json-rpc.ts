import type { ClinvkError } from '../errors.ts'
import { toJsonLine } from './json-line.ts'

/** JSON-RPC's own error, as the other side sent it. */
export class RpcError extends Error {
  readonly code: number
  readonly data: unknown
  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.name = 'RpcError'
    this.code = code
    this.data = data
  }
}

/** What to do with messages that are no answers to ours. May be async: the next message waits for it. */
export interface RpcHandlers {
  notification(method: string, params: Record<string, unknown>): void | Promise<void>
  /** The result to answer with. A thrown `RpcError` is answered as that error. */
  request(method: string, params: Record<string, unknown>): unknown
}

/** One side of a JSON-RPC connection over lines of JSON. */
export interface RpcPeer {
  /** @throws `RpcError` as answered, or the error of {@link RpcPeer.close}. */
  request(method: string, params: Record<string, unknown>): Promise<Record<string, unknown>>
  notify(method: string, params?: Record<string, unknown>): Promise<void>
  /** Takes one message of the other side. Resolves when the next one may come. */
  receive(message: Record<string, unknown>): Promise<void>
  /** Fails all that is waiting. */
  close(error: ClinvkError): void
}

/** Levels of JSON that the app-server reads (0.169.0): it drops a line that has more, and never answers it. */
const DEEPEST = 127

/**
 * Speaks JSON-RPC without the `jsonrpc` member, which the Codex app-server leaves out.
 * Requests of the other side are answered in their own time, so that a slow one holds up nothing.
 */
export function createRpcPeer(send: (line: string) => Promise<void>, handlers: RpcHandlers): RpcPeer {
  const waiting = new Map<
    number,
    { resolve(result: Record<string, unknown>): void; reject(error: unknown): void }
  >()
  let nextId = 1
  let closed: ClinvkError | undefined

  const write = async (message: Record<string, unknown>) => await send(toJsonLine(message, DEEPEST))

  const answer = async (id: unknown, method: string, params: Record<string, unknown>) => {
    try {
      await write({ id, result: (await handlers.request(method, params)) ?? {} })
    } catch (thrown) {
      const error = thrown instanceof RpcError ? thrown : new RpcError(-32603, 'Internal error')
      await write({ id, error: { code: error.code, message: error.message } })
    }
  }

  return {
    request(method, params) {
      if (closed) return Promise.reject(closed)
      const id = nextId
      nextId += 1
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        write({ id, method, params }).catch((error: unknown) => {
          waiting.delete(id)
          reject(error)
        })
      })
    },
    notify: (method, params) => write(params ? { method, params } : { method }),
    async receive(message) {
      const { id, method } = message
      if (typeof method === 'string') {
        const params = asObject(message['params'])
        if (id === undefined) await handlers.notification(method, params)
        else void answer(id, method, params).catch(() => {})
        return
      }
      const call = typeof id === 'number' ? waiting.get(id) : undefined
      if (!call) return
      waiting.delete(id as number)
      const error = message['error'] === undefined ? undefined : asObject(message['error'])
      if (error)
        call.reject(
          new RpcError(
            Number(error['code'] ?? 0),
            String(error['message'] ?? 'unknown error'),
            error['data'],
          ),
        )
      else call.resolve(asObject(message['result']))
    },
    close(error) {
      closed ??= error
      for (const call of waiting.values()) call.reject(closed)
      waiting.clear()
    },
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
