import type { StopReason, Usage } from '../../../agents/types.ts'
import type { TurnResult } from '../../../engine/types.ts'
import { customInput } from '../custom-tools.ts'
import type {
  CallItem,
  CustomCallItem,
  ItemStatus,
  MessageItem,
  OutputItem,
  ReasoningItem,
  ResponseObject,
  ResponseUsage,
  SearchCallItem,
} from './answer-schema.ts'
import type { CallForm } from './client-tools.ts'
import { newId } from './ids.ts'
import type { CreateResponse } from './schema.ts'
import type { EventOptions } from './to-events.ts'

/** A response that has just begun. It repeats the request; what is not known yet is null. `now` is epoch ms. */
export function createResponseObject(body: CreateResponse, now: number): ResponseObject {
  const format = body.text?.format ?? { type: 'text' }
  return {
    id: newId('resp'),
    object: 'response',
    created_at: Math.floor(now / 1000),
    status: 'in_progress',
    background: body.background ?? false,
    completed_at: null,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    metadata: body.metadata ?? {},
    model: body.model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    reasoning: {
      effort: body.reasoning?.effort ?? null,
      summary: body.reasoning?.summary ?? body.reasoning?.generate_summary ?? null,
    },
    store: body.store ?? true,
    temperature: body.temperature ?? null,
    text: { ...body.text, format },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_p: body.top_p ?? null,
    truncation: body.truncation ?? 'disabled',
    usage: null,
    ...present('user', body.user),
    ...present('safety_identifier', body.safety_identifier),
    ...present('prompt_cache_key', body.prompt_cache_key),
  }
}

/** Whether a request asks to be told what the model thinks. */
export function tellsThinking({ reasoning }: CreateResponse): boolean {
  return (reasoning?.summary ?? reasoning?.generate_summary ?? null) !== null
}

/** The response to a turn that is over. */
export function toResponse(
  response: ResponseObject,
  result: Pick<TurnResult, 'text' | 'thinking' | 'calls' | 'stopReason' | 'usage'>,
  { thinking, formOf = () => undefined, now = Date.now }: EventOptions,
): ResponseObject {
  const status = endOf(result.stopReason).status
  const output: OutputItem[] = []
  if (thinking && result.thinking !== '') output.push(reasoningItem(newId('rs'), result.thinking))
  if (result.text !== '' || (status === 'completed' && result.calls.length === 0))
    output.push(messageItem(newId('msg'), result.text, status))
  for (const { id, name, input, json } of result.calls) {
    const form = formOf(name) ?? { kind: 'call', name }
    const text = form.kind === 'custom' ? customInput(input) : json
    output.push(calledItem(form, { id: newId(CALL_IDS[form.kind]), callId: id, status: 'completed', text }))
  }
  return endResponse(response, output, result.stopReason, result.usage, now())
}

/** A response with its outcome. */
export function endResponse(
  response: ResponseObject,
  output: readonly OutputItem[],
  stopReason: StopReason,
  usage: Usage | undefined,
  now: number,
): ResponseObject {
  const { status, reason } = endOf(stopReason)
  return {
    ...response,
    status,
    completed_at: status === 'completed' ? Math.floor(now / 1000) : null,
    incomplete_details: reason === undefined ? null : { reason },
    output: [...output],
    usage: toResponseUsage(usage),
  }
}

/** Null where the agent told nothing. Its type knows no gaps: a count that is missing among others is 0. */
export function toResponseUsage(usage: Usage | undefined): ResponseUsage | null {
  if (usage?.inputTokens === undefined && usage?.outputTokens === undefined) return null
  const { inputTokens = 0, outputTokens = 0 } = usage
  return {
    input_tokens: inputTokens,
    input_tokens_details: {
      cached_tokens: usage.cachedTokens ?? 0,
      cache_write_tokens: usage.cacheCreationTokens ?? 0,
    },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens ?? 0 },
    total_tokens: inputTokens + outputTokens,
  }
}

/** What a response that ends so is called. A limit of model rounds cuts an answer as one of tokens does. */
export function endOf(stopReason: StopReason): {
  readonly status: 'completed' | 'incomplete'
  readonly reason?: 'max_output_tokens' | 'content_filter'
} {
  if (stopReason === 'refusal') return { status: 'incomplete', reason: 'content_filter' }
  if (stopReason === 'max_tokens' || stopReason === 'max_turns')
    return { status: 'incomplete', reason: 'max_output_tokens' }
  return { status: 'completed' }
}

export function messageItem(id: string, text: string, status: ItemStatus): MessageItem {
  return { id, type: 'message', role: 'assistant', status, content: [outputText(text)] }
}

export function outputText(text: string): MessageItem['content'][number] {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

/** Kinds of ids that calls have. */
export const CALL_IDS = { call: 'fc', custom: 'ctc', search: 'tsc' } as const

/** A call as far as it is written. `text` is its arguments in JSON, or the text that a custom tool takes. */
export function calledItem(
  { kind, name, namespace }: CallForm,
  { id, callId, status, text }: { id: string; callId: string; status: ItemStatus; text: string },
): CallItem | CustomCallItem | SearchCallItem {
  const about = { id, call_id: callId, status }
  const named = { name, ...(namespace === undefined ? {} : { namespace }) }
  switch (kind) {
    case 'call':
      return { ...about, ...named, type: 'function_call', arguments: text }
    case 'custom':
      return { ...about, ...named, type: 'custom_tool_call', input: text }
    case 'search':
      return { ...about, type: 'tool_search_call', execution: 'client', arguments: parsed(text) }
  }
}

/** Other than of functions, the arguments of a search are no text. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return {}
  }
}

export function reasoningItem(id: string, text: string): ReasoningItem {
  return { id, type: 'reasoning', summary: [{ type: 'summary_text', text }] }
}

function present(name: string, value: string | null | undefined): Record<string, string> {
  return value === null || value === undefined ? {} : { [name]: value }
}
