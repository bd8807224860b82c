import type { TurnEvent } from '../../agents/types.ts'
import type { ChunkWriter } from '../chat/types.ts'
import { encodeSse } from '../sse.ts'
import { toAnthropicErrorBody } from './errors.ts'
import { type AboutAnswer, emptyMessage, SIGNATURE, toStopReason, toUsage } from './to-response.ts'

/**
 * Writes a stream in the order of Anthropic's: message_start, then each block with its start, deltas and stop, and
 * message_delta and message_stop at the end; the SDKs skip events without a name. `requestId` is for errors.
 */
export function createMessageWriter(about: AboutAnswer & { readonly requestId: string }): ChunkWriter {
  let index = -1
  let open: BlockType | undefined

  const delta = (content: object) => encode('content_block_delta', { index, delta: content })
  const stop = () => {
    if (open === undefined) return ''
    const last = open === 'thinking' ? delta({ type: 'signature_delta', signature: SIGNATURE }) : ''
    open = undefined
    return last + encode('content_block_stop', { index })
  }
  const start = (content_block: { readonly type: BlockType; readonly [member: string]: unknown }) => {
    const before = stop()
    open = content_block.type
    index += 1
    const block = encode('content_block_start', { index, content_block })
    return before + block + (index === 0 ? PING : '')
  }
  const enter = (kind: keyof typeof EMPTY_BLOCKS) => (open === kind ? '' : start(EMPTY_BLOCKS[kind]))

  return {
    opening: () => encode('message_start', { message: emptyMessage(about) }),
    heartbeat: () => PING,
    toChunk(event) {
      switch (event.type) {
        case 'text':
          return event.text === '' ? '' : enter('text') + delta({ type: 'text_delta', text: event.text })
        case 'thinking': {
          if (event.text === '' || about.thinking === 'hidden') return ''
          const block = enter('thinking')
          return about.thinking === 'omitted'
            ? block
            : block + delta({ type: 'thinking_delta', thinking: event.text })
        }
        case 'call_start':
          return start({ type: 'tool_use', id: event.id, name: event.name, input: {} })
        case 'call_delta':
          return event.json === '' ? '' : delta({ type: 'input_json_delta', partial_json: event.json })
        case 'call_end':
          return stop()
        case 'done':
          return stop() + ending(event)
        default:
          return ''
      }
    },
    error: (error) =>
      encodeSse({ event: 'error', data: JSON.stringify(toAnthropicErrorBody(error, about.requestId)) }),
  }
}

type BlockType = keyof typeof EMPTY_BLOCKS | 'tool_use'

const EMPTY_BLOCKS = {
  text: { type: 'text', text: '' },
  thinking: { type: 'thinking', thinking: '', signature: '' },
} as const

const PING = encode('ping', {})

/** The counts at the end are those of the whole message. */
function ending({ stopReason, stopSequence, usage }: Extract<TurnEvent, { type: 'done' }>): string {
  const { cache_creation: _, service_tier: __, inference_geo: ___, speed: ____, ...counts } = toUsage(usage)
  return (
    encode('message_delta', {
      delta: {
        stop_reason: toStopReason(stopReason),
        stop_sequence: stopSequence ?? null,
        stop_details: null,
        container: null,
      },
      usage: counts,
    }) + encode('message_stop', {})
  )
}

function encode(type: string, members: object): string {
  return encodeSse({ event: type, data: JSON.stringify({ type, ...members }) })
}
