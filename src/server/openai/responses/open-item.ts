import type { ItemStatus, OutputItem } from './answer-schema.ts'
import type { CallForm } from './client-tools.ts'
import { newId } from './ids.ts'
import { CALL_IDS, calledItem, messageItem, outputText, reasoningItem } from './to-response.ts'

/** An item of a response's output while it is written. */
export interface OpenItem {
  readonly kind: Kind
  readonly id: string
  /** Where it stands in the output. */
  readonly index: number
  /** The call, where it is one. */
  readonly call?: { readonly id: string; readonly form: CallForm }
  text: string
}

type Kind = 'message' | 'reasoning' | CallForm['kind']

/** An event without its number. */
type Told = readonly [type: string, members: Record<string, unknown>]

/** Begins an item. */
export function openItem(kind: Kind, index: number, call?: OpenItem['call']): OpenItem {
  return { kind, id: newId(ID_KINDS[kind]), index, text: '', ...(call ? { call } : {}) }
}

const ID_KINDS = { message: 'msg', reasoning: 'rs', ...CALL_IDS } as const

/** What tells that it begins. */
export function toldBegin(item: OpenItem): Told[] {
  const added: Told = [
    'response.output_item.added',
    { output_index: item.index, item: { ...itemOf(item, 'in_progress'), ...EMPTY[item.kind] } },
  ]
  const part = { ...placeOf(item), part: partOf(item) }
  if (item.kind === 'message') return [added, ['response.content_part.added', part]]
  return item.kind === 'reasoning' ? [added, ['response.reasoning_summary_part.added', part]] : [added]
}

/** What tells the next piece of its text. A search is told whole, when it ends. */
export function toldDelta(item: OpenItem, delta: string): Told[] {
  const place = placeOf(item)
  if (item.kind === 'search') return []
  if (item.kind === 'message') return [['response.output_text.delta', { ...place, delta, logprobs: [] }]]
  return [[`${DELTAS[item.kind]}.delta`, { ...place, delta }]]
}

/** What tells that it ends. */
export function toldEnd(item: OpenItem, status: 'completed' | 'incomplete'): Told[] {
  const place = placeOf(item)
  const { text, call } = item
  const part = { ...place, part: partOf(item) }
  const done: Told = ['response.output_item.done', { output_index: item.index, item: itemOf(item, status) }]
  switch (item.kind) {
    case 'message':
      return [
        ['response.output_text.done', { ...place, text, logprobs: [] }],
        ['response.content_part.done', part],
        done,
      ]
    case 'reasoning':
      return [
        ['response.reasoning_summary_text.done', { ...place, text }],
        ['response.reasoning_summary_part.done', part],
        done,
      ]
    case 'call':
      return [[`${DELTAS.call}.done`, { ...place, name: call?.form.name, arguments: text }], done]
    case 'custom':
      return [[`${DELTAS.custom}.done`, { ...place, input: text }], done]
    case 'search':
      return [done]
  }
}

/** The item as far as it is written. */
export function itemOf({ kind, id, text, call }: OpenItem, status: ItemStatus): OutputItem {
  if (kind === 'message') return messageItem(id, text, status)
  if (kind === 'reasoning') return reasoningItem(id, text)
  return calledItem(call?.form ?? { kind, name: '' }, { id, callId: call?.id ?? '', status, text })
}

const DELTAS = {
  reasoning: 'response.reasoning_summary_text',
  call: 'response.function_call_arguments',
  custom: 'response.custom_tool_call_input',
} as const

/** What an item has not yet when it is announced. */
const EMPTY = {
  message: { content: [] },
  reasoning: { summary: [] },
  call: {},
  custom: {},
  search: {},
} as const

/** Where in the response something is. Messages and reasoning have one part, calls have none. */
function placeOf({ kind, id, index }: OpenItem) {
  const part = kind === 'message' ? { content_index: 0 } : kind === 'reasoning' ? { summary_index: 0 } : {}
  return { item_id: id, output_index: index, ...part }
}

function partOf({ kind, text }: OpenItem) {
  return kind === 'message' ? outputText(text) : { type: 'summary_text', text }
}
