import type { TurnEvent } from '../../../agents/types.ts'
import type { ClinvkError } from '../../../errors.ts'
import { toOpenAiErrorBody } from '../errors.ts'
import type { OutputItem, ResponseEvent, ResponseObject } from './answer-schema.ts'
import { newId } from './ids.ts'
import { endOf, endResponse, messageItem, outputText, reasoningItem } from './to-response.ts'

/** Translates the events of one turn, in the order and with the numbers that OpenAI's stream parsers demand. */
export interface EventWriter {
  /** The first two. They can be asked for after later ones. */
  opening(): ResponseEvent[]
  toEvents(event: TurnEvent): ResponseEvent[]
  /** The end of a stream whose turn failed. */
  failed(error: ClinvkError): ResponseEvent[]
  /** The end of a stream that was asked to stop. */
  cancelled(): ResponseEvent[]
  /** The response as far as it was told. */
  response(): ResponseObject
}

/** `thinking`: whether to tell what the model thinks. `now`: epoch ms. */
export function createEventWriter(
  begun: ResponseObject,
  { thinking, now = Date.now }: { readonly thinking: boolean; readonly now?: () => number },
): EventWriter {
  let response = begun
  let open: OpenItem | undefined
  const output: OutputItem[] = []
  let sequence = 2
  const event = (type: string, members: Record<string, unknown>): ResponseEvent => ({
    type,
    sequence_number: sequence++,
    ...members,
  })

  const begin = (kind: OpenItem['kind']): ResponseEvent[] => {
    open = { kind, id: newId(kind === 'message' ? 'msg' : 'rs'), index: output.length, text: '' }
    const { item_id, output_index, part } = placeOf(open)
    const added =
      open.kind === 'message' ? 'response.content_part.added' : 'response.reasoning_summary_part.added'
    return [
      event('response.output_item.added', { output_index, item: emptyItem(open) }),
      event(added, { item_id, output_index, ...part, part: partOf(open) }),
    ]
  }
  const write = (kind: OpenItem['kind'], text: string): ResponseEvent[] => {
    if (text === '') return []
    const before = open?.kind === kind ? [] : [...end('completed'), ...begin(kind)]
    if (open === undefined) return before
    open.text += text
    const { item_id, output_index, part } = placeOf(open)
    return [
      ...before,
      kind === 'message'
        ? event('response.output_text.delta', { item_id, output_index, ...part, delta: text, logprobs: [] })
        : event('response.reasoning_summary_text.delta', { item_id, output_index, ...part, delta: text }),
    ]
  }
  const end = (status: 'completed' | 'incomplete'): ResponseEvent[] => {
    if (open === undefined) return []
    const { kind, id, text } = open
    const { item_id, output_index, part } = placeOf(open)
    const place = { item_id, output_index, ...part }
    const item = kind === 'message' ? messageItem(id, text, status) : reasoningItem(id, text)
    const events = [
      ...(kind === 'message'
        ? [
            event('response.output_text.done', { ...place, text, logprobs: [] }),
            event('response.content_part.done', { ...place, part: partOf(open) }),
          ]
        : [
            event('response.reasoning_summary_text.done', { ...place, text }),
            event('response.reasoning_summary_part.done', { ...place, part: partOf(open) }),
          ]),
      event('response.output_item.done', { output_index, item }),
    ]
    output.push(item)
    open = undefined
    return events
  }
  const complete = ({ stopReason, usage }: Extract<TurnEvent, { type: 'done' }>): ResponseEvent[] => {
    const { status } = endOf(stopReason)
    // An answer without a word is still an answer: clients look for the message.
    const silent = status === 'completed' && open?.kind !== 'message' && !output.some(isMessage)
    const before = silent ? [...end(status), ...begin('message')] : []
    const closing = [...before, ...end(status)]
    response = endResponse(response, [...output], stopReason, usage, now())
    return [...closing, event(`response.${status}`, { response })]
  }

  return {
    opening: () => [
      { type: 'response.created', sequence_number: 0, response: begun },
      { type: 'response.in_progress', sequence_number: 1, response: begun },
    ],
    toEvents(turnEvent) {
      if (turnEvent.type === 'text') return write('message', turnEvent.text)
      if (turnEvent.type === 'thinking') return thinking ? write('reasoning', turnEvent.text) : []
      return turnEvent.type === 'done' ? complete(turnEvent) : []
    },
    failed(error) {
      const { error: told } = toOpenAiErrorBody(error)
      const { message, param } = told
      const code = told.code ?? 'server_error'
      const closing = end('incomplete')
      response = { ...response, status: 'failed', error: { code, message }, output: [...output] }
      return [
        ...closing,
        // Flat for OpenAI's own definition, nested for the clients that only know that.
        event('error', { code, message, param, error: told }),
        event('response.failed', { response }),
      ]
    },
    cancelled() {
      const closing = end('incomplete')
      response = { ...response, status: 'cancelled', output: [...output] }
      return [...closing, event('response.incomplete', { response })]
    },
    response: () =>
      open === undefined
        ? { ...response, output: [...output] }
        : { ...response, output: [...output, soFar(open)] },
  }
}

/** The item that is being written. */
interface OpenItem {
  readonly kind: 'message' | 'reasoning'
  readonly id: string
  readonly index: number
  text: string
}

/** Where in the response something is. Every item has one part. */
function placeOf({ kind, id, index }: OpenItem) {
  const part = kind === 'message' ? { content_index: 0 } : { summary_index: 0 }
  return { item_id: id, output_index: index, part }
}

function partOf({ kind, text }: OpenItem) {
  return kind === 'message' ? outputText(text) : { type: 'summary_text', text }
}

function emptyItem({ kind, id }: OpenItem): OutputItem {
  return kind === 'message'
    ? { ...messageItem(id, '', 'in_progress'), content: [] }
    : { ...reasoningItem(id, ''), summary: [] }
}

function soFar({ kind, id, text }: OpenItem): OutputItem {
  return kind === 'message' ? messageItem(id, text, 'in_progress') : reasoningItem(id, text)
}

function isMessage({ type }: OutputItem): boolean {
  return type === 'message'
}
