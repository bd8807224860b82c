import type { HistoryMessage } from '../../../agents/messages.ts'
import type { ImageReader } from '../../chat/images.ts'
import { checkToolPairs, type ToolMention } from '../../chat/tool-pairs.ts'
import type { ChatTurn } from '../../chat/types.ts'
import { invalidFields } from '../../validate.ts'
import { ANY_OBJECT } from '../from-request.ts'
import { checkRequest, fieldsWithoutEffect } from './check-request.ts'
import { type CallForm, clientToolsOf } from './client-tools.ts'
import { fromTools } from './from-tools.ts'
import { newId } from './ids.ts'
import { type ParsedItem, parseItem, type RawItem } from './parse-item.ts'
import { requestError, shorten } from './request-error.ts'
import type { CreateResponse } from './schema.ts'
import type { StoredItem, StoredResponse } from './store.ts'
import { type Conversation, toMessages } from './to-messages.ts'

/** What a request may refer to. */
export interface Known {
  /** A response with all before it, the first one first. */
  chain(id: string): readonly StoredResponse[] | undefined
  item(id: string): StoredItem | undefined
  readonly images: ImageReader
}

/** A request, translated. */
export interface TranslatedRequest {
  readonly turn: ChatTurn
  /** Its own items, as they are kept and listed. */
  readonly input: readonly StoredItem[]
  /** How calls of its tools are told, by the names that the model has for them. */
  readonly forms: ReadonlyMap<string, CallForm>
}

/**
 * Translates a request together with the chain that it goes on from.
 *
 * @throws `invalid_request` for what cannot be done, read or found.
 */
export async function fromResponsesRequest(body: CreateResponse, known: Known): Promise<TranslatedRequest> {
  checkRequest(body)
  const before = chainOf(body, known).flatMap(({ input, response }) => [...input, ...response.output])
  const parsedBefore = before.map((item) => parseItem(item, 'previous_response_id'))
  const said = new Set(before.map(({ id }) => id))

  const own = rawItemsOf(body).map((item, index) => readItem(item, `input[${index}]`, known))
  // The chain is there already: what clients send of it once more would be said twice.
  const fresh = own.filter(({ id }) => id === undefined || !said.has(id))
  checkToolPairs([
    ...parsedBefore.flatMap((item) => mentionsOf(item, 'previous_response_id')),
    ...fresh.flatMap(({ parsed, path }) => mentionsOf(parsed, path)),
  ])
  const parsed = [...parsedBefore, ...fresh.map((item) => item.parsed)]
  const { system, messages } = withQuestion(await toMessages(parsed, known.images))
  checkQuestion(messages)
  const { tools, hosted, forms } = clientToolsOf(body, before)
  const systemPrompt = [...(body.instructions ? [body.instructions] : []), ...system].join('\n\n')
  return {
    turn: {
      model: body.model,
      messages,
      ...(systemPrompt === '' ? {} : { system: systemPrompt }),
      ...given('effort', body.reasoning?.effort),
      effortField: 'reasoning.effort',
      ...given('maxTokens', body.max_output_tokens),
      maxTokensField: 'max_output_tokens',
      ...given('metadata', body.metadata),
      ...fromTools(body, tools),
      ...given('answer', answerOf(body)),
      withoutEffect: fieldsWithoutEffect(body, hosted),
    },
    input: toStored(fresh, said),
    forms,
  }
}

/** An item of a request, as it came or as it was kept. `id` is the one that we gave it, where it is one of ours. */
interface ReadItem {
  readonly raw: RawItem
  readonly parsed: ParsedItem
  readonly id: string | undefined
  /** Where it stands in the request. */
  readonly path: string
}

function chainOf({ previous_response_id: id }: CreateResponse, known: Known): readonly StoredResponse[] {
  if (id === null || id === undefined) return []
  const chain = known.chain(id)
  if (chain) return chain
  throw requestError(
    `Previous response with id '${shorten(id)}' not found: it was not stored, is not yours, or it or one before it is gone.`,
    { param: 'previous_response_id', code: 'previous_response_not_found' },
  )
}

function rawItemsOf({ input }: CreateResponse): readonly RawItem[] {
  return typeof input === 'string' ? [{ type: 'message', role: 'user', content: input }] : (input ?? [])
}

function readItem(raw: RawItem, path: string, known: Known): ReadItem {
  const parsed = parseItem(raw, path)
  if (parsed.kind !== 'reference') {
    const id = typeof raw['id'] === 'string' && known.item(raw['id']) ? raw['id'] : undefined
    return { raw, parsed, id, path }
  }
  const item = known.item(parsed.id)
  if (item === undefined)
    throw requestError(
      `Item with id '${shorten(parsed.id)}' not found: only items of stored responses can be referred to. Send the item itself.`,
      { param: 'input', status: 404 },
    )
  return { raw: item, parsed: parseItem(item, path), id: item.id, path }
}

function mentionsOf(item: ParsedItem, path: string): ToolMention[] {
  return item.kind === 'call' || item.kind === 'result'
    ? [{ kind: item.kind, id: item.callId, path: `${path}.call_id` }]
    : []
}

/** A request of instructions alone is meant to be followed: agents need somebody who asks. */
function withQuestion(conversation: Conversation): Conversation {
  const { system, messages } = conversation
  if (messages.length > 0 || system.length === 0) return conversation
  return { system: [], messages: [{ role: 'user', parts: [{ type: 'text', text: system.join('\n\n') }] }] }
}

function checkQuestion(messages: readonly HistoryMessage[]): void {
  const last = messages.at(-1)
  if (last === undefined)
    throw invalidFields([{ path: 'input', message: 'is missing: expected a text, or a list of items.' }])
  if (last.role === 'assistant')
    throw invalidFields([
      { path: 'input', message: 'must not end with an answer: an agent cannot go on with one of its own.' },
    ])
  const answered = messages.findLastIndex(({ role }) => role !== 'user')
  const asked = messages
    .slice(answered + 1)
    .flatMap((message) => (message.role === 'user' ? message.parts : []))
  if (last.role === 'user' && asked.every((part) => part.type === 'text' && part.text.trim() === ''))
    throw invalidFields([{ path: 'input', message: 'ends with a message that is empty.' }])
}

function answerOf({ text }: CreateResponse): ChatTurn['answer'] {
  const format = text?.format
  if (format?.type === 'json_object') return { schema: ANY_OBJECT, strict: false }
  return format?.type === 'json_schema' ? { schema: format.schema, strict: true } : undefined
}

/** Items as they are listed: with an id and a state, and with their content in parts. */
function toStored(items: readonly ReadItem[], said: ReadonlySet<string>): StoredItem[] {
  const used = new Set(said)
  return items.map(({ raw, id: known }) => {
    const type = typeof raw['type'] === 'string' ? raw['type'] : 'message'
    const id = known === undefined || used.has(known) ? newId(idKindOf(type)) : known
    used.add(id)
    const state = type === 'reasoning' ? {} : { status: raw['status'] ?? 'completed' }
    return { ...raw, ...contentInParts(raw, type), ...state, type, id }
  })
}

function contentInParts(raw: RawItem, type: string): RawItem {
  const content = raw['content']
  if (type !== 'message' || Array.isArray(content)) return {}
  const text = typeof content === 'string' ? content : ''
  return {
    content:
      raw['role'] === 'assistant'
        ? [{ type: 'output_text', text, annotations: [], logprobs: [] }]
        : [{ type: 'input_text', text }],
  }
}

function idKindOf(type: string): 'msg' | 'rs' | 'fc' | 'item' {
  if (type === 'message') return 'msg'
  if (type === 'reasoning') return 'rs'
  return type.startsWith('function_call') ? 'fc' : 'item'
}

function given<K extends string, V>(key: K, value: V | null | undefined): Partial<Record<K, V>> {
  return value === null || value === undefined ? {} : ({ [key]: value } as Record<K, V>)
}
