import { asObject, asObjects, asString, callId, lastTextOf, textDeltas, textOf } from './json.ts'
import type { CallContext, DialectCodec, Frame, JsonObject, Reply, ReplyUsage } from './types.ts'

const PATH = /^\/v1(?:beta)?\/models\/([^/:]+):(streamGenerateContent|generateContent|countTokens)$/

/** Gemini: `POST /v1beta/models/M:streamGenerateContent?alt=sse`, `:generateContent`, `:countTokens`. */
export const gemini: DialectCodec = {
  owns: (path) => PATH.test(path),
  // Gemini CLI streams conversations only. What it asks in one piece is its own: which model fits a prompt, whether
  // a conversation goes in circles, a summary. Mostly it wants JSON of a schema.
  auxiliary({ path, body }) {
    if (!path.includes(':generateContent')) return undefined
    const schema = asObject(body['generationConfig'])['responseJsonSchema']
    return { text: schema === undefined ? 'Summary' : JSON.stringify(sample(schema)) }
  },
  fixed: (path) => (path.endsWith(':countTokens') ? { totalTokens: 10 } : undefined),
  streams: (path) => path.endsWith(':streamGenerateContent'),
  model: (path) => PATH.exec(path)?.[1] ?? '',
  system: (body) => textOf(asObject(body['systemInstruction'])['parts']),
  prompt: (body) => lastTextOf(asObjects(body['contents']).findLast((c) => c['role'] === 'user')?.['parts']),
  tools: (body) =>
    asObjects(body['tools'])
      .flatMap((tool) => asObjects(tool['functionDeclarations']))
      .map((tool) => asString(tool['name'])),
  frames,
  whole: (reply, context) => chunk(context, parts(reply, context), reply),
  refusal: (reply) => ({ body: error(reply), headers: {} }),
  // Not an event: Gemini's own client looks for an error in a piece of the stream that is JSON by itself.
  failure: (reply) => JSON.stringify(error(reply)),
}

/** Status word and message of Gemini's errors, by HTTP status. */
const ERRORS: Record<number, readonly [string, string]> = {
  400: ['INVALID_ARGUMENT', 'Request contains an invalid argument.'],
  401: ['UNAUTHENTICATED', 'Request had invalid authentication credentials.'],
  403: ['PERMISSION_DENIED', 'The caller does not have permission'],
  404: ['NOT_FOUND', 'models/no-such-model is not found for API version v1beta'],
  429: ['RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan and billing details.'],
  500: ['INTERNAL', 'An internal error has occurred.'],
  503: ['UNAVAILABLE', 'The model is overloaded. Please try again later.'],
  504: ['DEADLINE_EXCEEDED', 'The request timed out.'],
  529: ['UNAVAILABLE', 'The model is overloaded. Please try again later.'],
}

const FINISH = { end_turn: 'STOP', tool_use: 'STOP', max_tokens: 'MAX_TOKENS', refusal: 'SAFETY' } as const

function* frames(reply: Reply, context: CallContext): Generator<Frame, undefined> {
  const all = parts(reply, context)
  for (const part of all) yield { bytes: line(chunk(context, [part])), delta: true }
  yield { bytes: line(chunk(context, [{ text: '' }], reply)), delta: false }
}

function parts(reply: Reply, { serial }: CallContext): JsonObject[] {
  return [
    ...(reply.thinking ?? []).map((text) => ({ text, thought: true })),
    ...textDeltas(reply).map((text) => ({ text })),
    ...(reply.toolCalls ?? []).map(({ id, name, input }, at) => ({
      functionCall: { id: id ?? callId('fc', serial, at), name, args: input },
    })),
  ]
}

/** One response object. The last of a stream, for which `reply` is given, tells why it ended and the usage. */
function chunk({ model, serial }: CallContext, content: JsonObject[], reply?: Reply): JsonObject {
  const candidate = { content: { role: 'model', parts: content }, index: 0 }
  const end = reply === undefined ? {} : { finishReason: FINISH[reply.stopReason ?? 'end_turn'] }
  return {
    candidates: [{ ...candidate, ...end }],
    ...(reply === undefined ? {} : { usageMetadata: usage(reply.usage) }),
    modelVersion: model,
    responseId: `resp_${serial}`,
  }
}

/** Gemini counts thoughts beside the candidates' tokens, not among them. */
function usage({ input = 10, cachedInput = 0, output = 5, reasoning = 0 }: ReplyUsage = {}): JsonObject {
  return {
    promptTokenCount: input,
    ...(cachedInput === 0 ? {} : { cachedContentTokenCount: cachedInput }),
    candidatesTokenCount: output - reasoning,
    ...(reasoning === 0 ? {} : { thoughtsTokenCount: reasoning }),
    totalTokenCount: input + output,
  }
}

function error({ status = 500, errorType, message, retryAfter }: Reply): JsonObject {
  const [word, text] = ERRORS[status] ?? [status < 500 ? 'INVALID_ARGUMENT' : 'INTERNAL', 'Error']
  const retryInfo = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${retryAfter}s` }
  return {
    error: {
      code: status,
      message: message ?? text,
      status: errorType ?? word,
      ...(retryAfter === undefined ? {} : { details: [retryInfo] }),
    },
  }
}

/** Gemini names no events and ends its lines with CR LF. */
function line(data: JsonObject): string {
  return `data: ${JSON.stringify(data)}\r\n\r\n`
}

/** A value that fits a schema. */
function sample(schema: unknown): unknown {
  const { type, enum: options, properties } = asObject(schema)
  if (Array.isArray(options)) return options[0]
  switch (asString(type).toLowerCase()) {
    case 'object':
      return Object.fromEntries(
        Object.entries(asObject(properties)).map(([name, member]) => [name, sample(member)]),
      )
    case 'array':
      return []
    case 'integer':
    case 'number':
      return 1
    case 'boolean':
      return false
    default:
      return 'mock'
  }
}
