/** The wire protocols of model providers that the mock speaks. */
export type Dialect = 'anthropic' | 'openai' | 'gemini'

/** A JSON object as it was received. */
export type JsonObject = Record<string, unknown>

/** Tokens of one answer. `input` and `output` are totals; the other members are parts of them. */
export interface ReplyUsage {
  readonly input?: number
  /** The part of `input` that was read from the provider's cache. */
  readonly cachedInput?: number
  /** The part of `input` that was written to the provider's cache; only the Anthropic dialect can tell it. */
  readonly cacheCreation?: number
  readonly output?: number
  /** The part of `output` that was thinking. */
  readonly reasoning?: number
}

/** A tool that the answer calls. */
interface ReplyToolCall {
  /** By default one that is unique in the provider. */
  readonly id?: string
  /** Exactly as the agent offered it to the model. */
  readonly name: string
  readonly input: JsonObject
}

/** What one call to the model is answered with. Thinking comes first, then text, then tool calls. */
export interface Reply {
  /** An array is sent piece by piece as it is; a string is cut after each run of white space. */
  readonly text?: string | readonly string[]
  readonly thinking?: readonly string[]
  readonly toolCalls?: readonly ReplyToolCall[]
  /** Pause between two deltas, in ms. */
  readonly delayMs?: number
  readonly usage?: ReplyUsage
  /** By default `tool_use` with tool calls and `end_turn` without. */
  readonly stopReason?: 'end_turn' | 'max_tokens' | 'tool_use' | 'refusal'
  /** 400 and above: a refusal in the provider's own words and shape, instead of an answer. */
  readonly status?: number
  /** The provider's name for the error; by default the real one for `status`. */
  readonly errorType?: string
  /** The provider's explanation; by default the real one for `status`. */
  readonly message?: string
  /** Seconds to wait, fractions allowed, told in the way of the dialect. Only with `status`. */
  readonly retryAfter?: number
  /** With `status`: answer 200, and report the error inside the stream after this many deltas. Not where nothing streams. */
  readonly failAfter?: number
  /** Send this many deltas and then nothing, with the connection open, until the client leaves. */
  readonly stallAfter?: number
  /** Send this many deltas and then reset the connection. */
  readonly dropAfter?: number
}

/** Answers to the model calls of a scenario: one for all, one each (the last repeats), or made on demand. */
export type Script = Reply | readonly Reply[] | ((request: RecordedRequest) => Reply | Promise<Reply>)

/** One request that reached the mock. It is filled in while it is answered. */
export interface RecordedRequest {
  /** Position among all requests of the provider, from 0. */
  readonly index: number
  readonly scenario: string
  readonly dialect: Dialect | 'other'
  readonly method: string
  /** With the query, without the scenario's prefix. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  /** `{}` where there was no JSON object. */
  readonly body: JsonObject
  /** Text of the system prompt, joined. */
  readonly system: string
  /** The last text of the last user message: agents put context of their own before their user's words. */
  readonly prompt: string
  /** Names of the tools that were offered to the model. */
  readonly tools: readonly string[]
  /** True for what an agent asks by itself (titles, classifiers, token counts): it takes no step of the script. */
  readonly auxiliary: boolean
  /** Text and thinking deltas and tool calls sent so far. */
  deltas: number
  /** `open` until the answer is complete (`done`), the client left (`aborted`) or the mock cut it (`dropped`). */
  state: 'open' | 'done' | 'aborted' | 'dropped'
}

/** The requests of one scenario, or of the whole provider. */
export interface Recording {
  /** Where an agent has to be pointed, without a trailing slash and without `/v1`. */
  readonly url: string
  readonly requests: readonly RecordedRequest[]
  /** The requests that were answered from the script: no auxiliary ones, no unknown paths. */
  readonly calls: readonly RecordedRequest[]
  /** How many requests are being answered right now. */
  readonly inFlight: number
  /** Replaces the script and starts again with its first step. */
  play(script: Script): void
  /** Resolves when the predicate holds. @throws Error that lists the requests when `timeoutMs` (10 000) pass first. */
  waitFor(predicate: () => boolean, options?: { timeoutMs?: number }): Promise<void>
  /** Resolves when nothing is being answered any more. @throws Error as {@link waitFor}. */
  idle(options?: { timeoutMs?: number }): Promise<void>
}

/** A mock of the three model providers on a loopback port. By itself it is the scenario without a prefix. */
export interface MockProvider extends Recording {
  /**
   * Adds a scenario with an address of its own, so that tests can share a provider and run at once.
   * `auxiliary` is what the agent's own questions get instead of their usual, successful answer.
   *
   * @throws Error when there is one of this name already.
   */
  scenario(name: string, script: Script, options?: { auxiliary?: Reply }): Recording
  /** Closes the port and every connection. */
  stop(): Promise<void>
}

/** A piece of an answer's stream. */
export interface Frame {
  readonly bytes: string
  /** Whether it counts for `delayMs`, `stallAfter`, `dropAfter` and `failAfter`. */
  readonly delta: boolean
}

/** What a dialect needs to know of the call it answers. */
export interface CallContext {
  readonly model: string
  /** Unique in the provider. */
  readonly serial: number
}

/** What tells an agent's own question from its user's. */
type Asked = Pick<RecordedRequest, 'path' | 'headers' | 'body' | 'system'>

/** One provider's wire protocol. */
export interface DialectCodec {
  /** Whether the path (without query) is one of this provider's. */
  owns(path: string): boolean
  /** The answer to what an agent asks by itself; undefined for a call to the model in its user's name. */
  auxiliary(request: Asked): Reply | undefined
  /** A fixed JSON answer for calls that are no generation: token counts, model lists. */
  fixed(path: string): JsonObject | undefined
  streams(path: string, body: JsonObject): boolean
  model(path: string, body: JsonObject): string
  system(body: JsonObject): string
  prompt(body: JsonObject): string
  tools(body: JsonObject): string[]
  frames(reply: Reply, context: CallContext): Generator<Frame, undefined>
  whole(reply: Reply, context: CallContext): JsonObject
  /** The error's body and the headers that go with it. */
  refusal(reply: Reply, context: CallContext): { body: JsonObject; headers: Record<string, string> }
  /** The same error as an event of a stream that has begun. */
  failure(reply: Reply, context: CallContext): string
}
