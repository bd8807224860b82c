import { asObjects, asString, callId, lastTextOf, sse, textDeltas, textOf } from './json.ts'
import type { CallContext, DialectCodec, Frame, JsonObject, Reply, ReplyUsage } from './types.ts'

/** OpenAI Responses: `POST /v1/responses`, `GET /v1/models`. Codex speaks it. */
export const openai: DialectCodec = {
  owns: (path) => path === '/v1/responses' || path === '/v1/models',
  // Codex says in a header what a call is for: `turn` is its user's.
  auxiliary: ({ headers }) =>
    /"request_kind":"(?!turn")/.test(headers['x-codex-turn-metadata'] ?? '')
      ? { text: 'Summary' }
      : undefined,
  fixed: (path) => (path === '/v1/models' ? { object: 'list', data: [], models: [] } : undefined),
  streams: (_path, body) => body['stream'] === true,
  model: (_path, body) => asString(body['model']),
  // Codex sends its system prompt as instructions or as the first message, depending on the model.
  system: (body) =>
    [
      asString(body['instructions']),
      ...asObjects(body['input'])
        .filter((item) => item['role'] === 'developer')
        .map((item) => textOf(item['content'])),
    ]
      .filter((text) => text !== '')
      .join('\n'),
  prompt: (body) =>
    typeof body['input'] === 'string'
      ? body['input']
      : lastTextOf(asObjects(body['input']).findLast((item) => item['role'] === 'user')?.['content']),
  tools: (body) => [body, ...asObjects(body['input'])].flatMap((holder) => namesIn(holder['tools'])),
  frames,
  whole: (reply, context) => response(reply, context, true),
  refusal(reply, context) {
    return {
      body: { error: error(reply) },
      headers: {
        'x-request-id': `req_${context.serial}`,
        ...(reply.retryAfter === undefined ? {} : { 'retry-after': String(reply.retryAfter) }),
      },
    }
  },
  failure(reply, context) {
    const { code, message } = error(reply)
    const failed = { ...response({}, context, false), status: 'failed', error: { code, message } }
    return sse({ type: 'response.failed', response: failed }, 'response.failed')
  },
}

/** Type, code and message of OpenAI's errors, by status. */
const ERRORS: Record<number, readonly [string, string | null, string]> = {
  400: ['invalid_request_error', null, 'Invalid value for the request.'],
  401: ['invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'],
  403: ['invalid_request_error', 'model_not_found', 'Your project does not have access to this model.'],
  404: [
    'invalid_request_error',
    'model_not_found',
    'The model does not exist or you do not have access to it.',
  ],
  429: ['requests', 'rate_limit_exceeded', 'Rate limit reached for requests per min (RPM).'],
  500: ['server_error', null, 'The server had an error while processing your request.'],
  503: [
    'server_error',
    'server_is_overloaded',
    'Our servers are currently overloaded. Please try again later.',
  ],
  529: [
    'server_error',
    'server_is_overloaded',
    'Our servers are currently overloaded. Please try again later.',
  ],
}

/** Newer models are offered their tools by an item of the input, in a namespace. */
function namesIn(tools: unknown): string[] {
  return asObjects(tools).flatMap((tool) =>
    tool['type'] === 'namespace'
      ? namesIn(tool['tools'])
      : [asString(tool['name']) || asString(tool['type'])],
  )
}

function* frames(reply: Reply, context: CallContext): Generator<Frame, undefined> {
  let sequence = 0
  const event = (type: string, data: JsonObject, delta = false): Frame => ({
    bytes: sse({ type, sequence_number: sequence++, ...data }, type),
    delta,
  })
  yield event('response.created', { response: response(reply, context, false) })
  yield event('response.in_progress', { response: response(reply, context, false) })
  for (const [output_index, item] of output(reply, context).entries()) {
    const at = { item_id: item['id'], output_index }
    yield event('response.output_item.added', { output_index, item: begun(item) })
    if (item['type'] === 'reasoning') {
      const summary = { ...at, summary_index: 0 }
      const text = (reply.thinking ?? []).join('')
      const part = { type: 'summary_text', text: '' }
      yield event('response.reasoning_summary_part.added', { ...summary, part })
      for (const delta of reply.thinking ?? []) {
        yield event('response.reasoning_summary_text.delta', { ...summary, delta }, true)
      }
      yield event('response.reasoning_summary_text.done', { ...summary, text })
      yield event('response.reasoning_summary_part.done', { ...summary, part: { ...part, text } })
    } else if (item['type'] === 'message') {
      const place = { ...at, content_index: 0 }
      const text = textDeltas(reply).join('')
      if (reply.stopReason === 'refusal') {
        const part = { type: 'refusal', refusal: '' }
        yield event('response.content_part.added', { ...place, part })
        for (const delta of textDeltas(reply)) {
          yield event('response.refusal.delta', { ...place, delta }, true)
        }
        yield event('response.refusal.done', { ...place, refusal: text })
        yield event('response.content_part.done', { ...place, part: { ...part, refusal: text } })
        yield event('response.output_item.done', { output_index, item })
        continue
      }
      const part = { type: 'output_text', text: '', annotations: [] }
      yield event('response.content_part.added', { ...place, part })
      for (const delta of textDeltas(reply)) {
        yield event('response.output_text.delta', { ...place, delta, logprobs: [] }, true)
      }
      yield event('response.output_text.done', { ...place, text, logprobs: [] })
      yield event('response.content_part.done', { ...place, part: { ...part, text } })
    } else {
      const { arguments: json } = item
      yield event('response.function_call_arguments.delta', { ...at, delta: json }, true)
      yield event('response.function_call_arguments.done', { ...at, arguments: json })
    }
    yield event('response.output_item.done', { output_index, item })
  }
  const end = reply.stopReason === 'max_tokens' ? 'response.incomplete' : 'response.completed'
  yield event(end, { response: response(reply, context, true) })
}

function output(reply: Reply, { serial }: CallContext): JsonObject[] {
  const text = textDeltas(reply).join('')
  const { thinking, toolCalls = [], stopReason } = reply
  const status = stopReason === 'max_tokens' ? 'incomplete' : 'completed'
  const part =
    stopReason === 'refusal'
      ? { type: 'refusal', refusal: text }
      : { type: 'output_text', text, annotations: [], logprobs: [] }
  return [
    ...(thinking
      ? [
          {
            id: `rs_${serial}`,
            type: 'reasoning',
            summary: [{ type: 'summary_text', text: thinking.join('') }],
          },
        ]
      : []),
    ...(text === ''
      ? []
      : [{ id: `msg_${serial}`, type: 'message', role: 'assistant', status, content: [part] }]),
    ...toolCalls.map(({ id, name, input }, at) => ({
      id: `fc_${serial}_${at}`,
      type: 'function_call',
      call_id: id ?? callId('call', serial, at),
      name,
      arguments: JSON.stringify(input),
      status: 'completed',
    })),
  ]
}

/** An output item as `response.output_item.added` shows it. */
function begun(item: JsonObject): JsonObject {
  if (item['type'] === 'reasoning') return { ...item, summary: [] }
  const status = 'in_progress'
  return item['type'] === 'message' ? { ...item, status, content: [] } : { ...item, status, arguments: '' }
}

function response(reply: Reply, context: CallContext, complete: boolean): JsonObject {
  const cut = reply.stopReason === 'max_tokens'
  return {
    id: `resp_${context.serial}`,
    object: 'response',
    created_at: 1_700_000_000,
    status: complete ? (cut ? 'incomplete' : 'completed') : 'in_progress',
    error: null,
    incomplete_details: complete && cut ? { reason: 'max_output_tokens' } : null,
    model: context.model,
    output: complete ? output(reply, context) : [],
    usage: complete ? usage(reply.usage) : null,
  }
}

function usage({ input = 10, cachedInput = 0, output = 5, reasoning = 0 }: ReplyUsage = {}): JsonObject {
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cachedInput },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  }
}

function error({ status = 500, errorType, message }: Reply): JsonObject {
  const [type, code, text] = ERRORS[status] ?? ['server_error', null, 'Error']
  return { message: message ?? text, type: errorType ?? type, param: null, code }
}
