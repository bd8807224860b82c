import { asObjects, asString, callId, lastTextOf, sse, textDeltas, textOf } from './json.ts'
import type { CallContext, DialectCodec, Frame, JsonObject, Reply, ReplyUsage } from './types.ts'

/** Anthropic Messages: `POST /v1/messages` and `/v1/messages/count_tokens`. Claude Code and OpenCode speak it here. */
export const anthropic: DialectCodec = {
  owns: (path) => path === '/v1/messages' || path === '/v1/messages/count_tokens',
  // Claude Code probes a model with one token ("Hi") when it is set; OpenCode has each conversation named.
  auxiliary: ({ body, system }) =>
    body['max_tokens'] === 1 || system.startsWith('You are a title generator')
      ? { text: 'Title' }
      : undefined,
  fixed: (path) => (path.endsWith('/count_tokens') ? { input_tokens: 10 } : undefined),
  streams: (_path, body) => body['stream'] === true,
  model: (_path, body) => asString(body['model']),
  system: (body) => textOf(body['system']),
  prompt: (body) =>
    lastTextOf(asObjects(body['messages']).findLast((m) => m['role'] === 'user')?.['content']),
  tools: (body) => asObjects(body['tools']).map((tool) => asString(tool['name'])),
  frames,
  whole(reply, context) {
    return {
      ...message(context),
      content: content(reply, context),
      ...stop(reply),
      usage: usage(reply.usage),
    }
  },
  refusal(reply, context) {
    return {
      body: { ...error(reply), request_id: requestId(context) },
      headers: {
        'request-id': requestId(context),
        ...(reply.retryAfter === undefined ? {} : { 'retry-after': String(reply.retryAfter) }),
      },
    }
  },
  failure: (reply, context) => sse({ ...error(reply), request_id: requestId(context) }, 'error'),
}

/** Type and message of Anthropic's errors, by status. */
const ERRORS: Record<number, readonly [string, string]> = {
  400: ['invalid_request_error', 'messages: at least one message is required'],
  401: ['authentication_error', 'invalid x-api-key'],
  402: ['billing_error', 'Your credit balance is too low to access the Anthropic API.'],
  403: ['permission_error', 'Your API key does not have permission to use the specified resource.'],
  404: ['not_found_error', 'model: no-such-model'],
  413: ['request_too_large', 'Request exceeds the maximum size'],
  429: ['rate_limit_error', 'This request would exceed the rate limit for your organization.'],
  500: ['api_error', 'Internal server error'],
  504: ['timeout_error', 'The request timed out.'],
  529: ['overloaded_error', 'Overloaded'],
}

function* frames(reply: Reply, context: CallContext): Generator<Frame, undefined> {
  const event = (data: JsonObject & { type: string }, delta = false): Frame => ({
    bytes: sse(data, data.type),
    delta,
  })
  yield event({
    type: 'message_start',
    message: { ...message(context), content: [], usage: { ...usage(reply.usage), output_tokens: 1 } },
  })
  yield event({ type: 'ping' })
  for (const [index, block] of content(reply, context).entries()) {
    yield event({ type: 'content_block_start', index, content_block: empty(block) })
    for (const delta of deltas(block, reply)) {
      yield event({ type: 'content_block_delta', index, delta }, delta['type'] !== 'signature_delta')
    }
    yield event({ type: 'content_block_stop', index })
  }
  yield event({ type: 'message_delta', delta: stop(reply), usage: usage(reply.usage) })
  yield event({ type: 'message_stop' })
}

function message({ model, serial }: CallContext): JsonObject {
  const id = `msg_${serial}`
  return { id, type: 'message', role: 'assistant', model, stop_reason: null, stop_sequence: null }
}

function content(reply: Reply, { serial }: CallContext): JsonObject[] {
  const text = textDeltas(reply).join('')
  return [
    ...(reply.thinking
      ? [{ type: 'thinking', thinking: reply.thinking.join(''), signature: 'c2lnbmVk' }]
      : []),
    ...(text === '' ? [] : [{ type: 'text', text }]),
    ...(reply.toolCalls ?? []).map(({ id, name, input }, at) => ({
      type: 'tool_use',
      id: id ?? callId('toolu', serial, at),
      name,
      input,
    })),
  ]
}

/** A content block as `content_block_start` shows it. */
function empty(block: JsonObject): JsonObject {
  if (block['type'] === 'thinking') return { type: 'thinking', thinking: '', signature: '' }
  return block['type'] === 'text' ? { type: 'text', text: '' } : { ...block, input: {} }
}

function deltas(block: JsonObject, reply: Reply): JsonObject[] {
  if (block['type'] === 'text') return textDeltas(reply).map((text) => ({ type: 'text_delta', text }))
  if (block['type'] === 'tool_use') {
    return [{ type: 'input_json_delta', partial_json: JSON.stringify(block['input']) }]
  }
  return [
    ...(reply.thinking ?? []).map((thinking) => ({ type: 'thinking_delta', thinking })),
    { type: 'signature_delta', signature: block['signature'] },
  ]
}

function stop(reply: Reply): JsonObject {
  const reason = reply.stopReason ?? (reply.toolCalls?.length ? 'tool_use' : 'end_turn')
  return { stop_reason: reason, stop_sequence: null }
}

/** Anthropic's `input_tokens` leaves out what was read from or written to the cache. */
function usage({ input = 10, cachedInput = 0, cacheCreation = 0, output = 5, reasoning }: ReplyUsage = {}) {
  return {
    input_tokens: input - cachedInput - cacheCreation,
    cache_creation_input_tokens: cacheCreation,
    cache_read_input_tokens: cachedInput,
    output_tokens: output,
    ...(reasoning === undefined ? {} : { output_tokens_details: { thinking_tokens: reasoning } }),
  }
}

function error({ status = 500, errorType, message }: Reply): JsonObject {
  const [type, text] = ERRORS[status] ?? [status < 500 ? 'invalid_request_error' : 'api_error', 'Error']
  return { type: 'error', error: { type: errorType ?? type, message: message ?? text } }
}

function requestId({ serial }: CallContext): string {
  return `req_${serial}`
}
