import type { AnyMessage, JsonRpcId, Stream } from '@agentclientprotocol/sdk'
import type { Child } from '../../process/child.ts'
import { toJsonLine } from '../../process/json-line.ts'
import { readJsonLines } from '../../process/lines.ts'
import { type Fields, fields, number, word } from '../fields.ts'

/**
 * The messages of a process for the SDK, read only as fast as they are taken.
 *
 * The updates of sessions do not pass through the SDK but go to `onUpdate`, one by one: the SDK starts the handlers
 * of notifications without waiting for them, so the last piece of an answer could come after the answer's end, a
 * slow reader would slow nothing, and an update that is not quite by the schema would be lost.
 */
export function toStream(
  { stdout, write }: Pick<Child, 'stdout' | 'write'>,
  onUpdate: (params: Fields) => Promise<void>,
): Stream {
  const messages = readJsonLines(stdout)
  const asked = new Set<JsonRpcId>()
  return {
    readable: new ReadableStream<AnyMessage>(
      {
        async pull(controller) {
          for (let next = await messages.next(); !next.done; next = await messages.next()) {
            const found = next.value
            if (found['method'] === 'session/update' && found['id'] === undefined) {
              await onUpdate(fields(found['params']))
              continue
            }
            const message = toMessage(found, asked)
            if (message) return controller.enqueue(message)
          }
          controller.close()
        },
        cancel() {
          // It may wait for a read, which ends with the process.
          messages.return().catch(() => {})
        },
      },
      { highWaterMark: 0 },
    ),
    writable: new WritableStream<AnyMessage>({
      async write(message) {
        if ('method' in message && 'id' in message) asked.add(message.id)
        await write(toJsonLine(message))
      },
    }),
  }
}

/** What the SDK would complain about on our terminal is mended where it can be, and else dropped. */
function toMessage(found: Fields, asked: Set<JsonRpcId>): AnyMessage | undefined {
  const id = found['id']
  const method = word(found['method'])
  if (method !== undefined) {
    if (id !== undefined && !isId(id)) return undefined
    return {
      jsonrpc: '2.0',
      method,
      params: found['params'],
      ...(id === undefined ? {} : { id }),
    }
  }
  if (!isId(id) || !asked.delete(id)) return undefined
  const error = found['error']
  if (error === undefined || error === null) return { jsonrpc: '2.0', id, result: found['result'] ?? {} }
  const { code, message, data } = fields(error)
  return {
    jsonrpc: '2.0',
    id,
    error: {
      code: Math.trunc(number(code) ?? -32603),
      message: word(message) ?? word(error) ?? 'It gave no reason.',
      data,
    },
  }
}

function isId(id: unknown): id is JsonRpcId {
  return typeof id === 'string' || number(id) !== undefined
}
