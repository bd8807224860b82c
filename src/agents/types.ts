/**
 * What an agent is to the rest of clinvk: a driver that opens sessions, sessions that take turns, and the
 * one union of events that every surface is translated from.
 */

import type { ClientTool, JsonSchema, ToolChoice } from './client-tools.ts'
import type { AgentProfile, Effort, HistoryMessage, ToolResult } from './messages.ts'
import type { DriverPool, PoolLimits, ProcessStart } from './pool/types.ts'

/** How an option reaches an agent: by its own protocol, imitated by us, or not at all (then it is refused). */
export type Support = 'native' | 'emulated' | 'none'

/** Who decides when the agent wants to act. `none` approves everything, `always` asks for everything. */
export type ApprovalMode = 'default' | 'auto' | 'none' | 'always'

/** What the agent may touch at most, whatever is approved. */
export type SandboxMode = 'default' | 'read-only' | 'workspace' | 'full'

/** What a driver can do. The engine uses it, emulates what is missing or refuses; it never drops an option. */
export interface Capabilities {
  /** Text arrives while it is written, not only at the end. */
  readonly deltas: boolean
  readonly thinking: boolean
  /** Tool calls and their results are visible as events. */
  readonly toolEvents: boolean
  readonly usage: boolean
  readonly cost: boolean
  readonly images: Support
  readonly systemPrompt: Support
  readonly model: Support
  readonly maxTurns: Support
  readonly maxTokens: Support
  readonly allowedTools: Support
  /** Flags of the operator's or the caller's own on the agent's command line. */
  readonly extraFlags: Support
  /** The agent's own session can be opened again in another process. */
  readonly resume: boolean
  readonly fork: boolean
  /** Earlier messages can be given to a new session. */
  readonly history: Support
  /** Documents, PDF files first of all, in prompts and in history. */
  readonly documents: Support
  /** How much of the user's own set-up can be left out. */
  readonly profiles: readonly AgentProfile[]
  /** How hard the model thinks can be chosen. */
  readonly effort: Support
  readonly jsonSchema: Support
  readonly clientTools: Support
  /** The model can be made to call one of the client's tools. */
  readonly toolChoice: Support
  /** The modes it can honour; a mode that is not listed is refused. */
  readonly approvalModes: Readonly<Partial<Record<ApprovalMode, Support>>>
  readonly sandboxModes: Readonly<Partial<Record<SandboxMode, Support>>>
}

/** A piece of what a person says to an agent. Text is always text: never a flag, a command or a file mention. */
export type InputPart =
  | { readonly type: 'text'; readonly text: string }
  /** `data` is base64, `mediaType` such as `image/png`. */
  | { readonly type: 'image'; readonly mediaType: string; readonly data: string }
  /** A file that is no image, such as `application/pdf`; `data` is base64. Files of text come as text. */
  | { readonly type: 'document'; readonly mediaType: string; readonly data: string; readonly name?: string }

/** What a session is opened with. Everything is fixed for its life but for what a turn may change. */
export interface SessionOptions {
  /** Absolute, existing folder, its real path. */
  readonly workdir: string
  readonly model?: string
  readonly systemPrompt?: string
  readonly approvalMode: ApprovalMode
  readonly sandboxMode: SandboxMode
  /** Model rounds a turn may take. */
  readonly maxTurns?: number
  /** Tokens an answer may have. */
  readonly maxTokens?: number
  /** The only tools that the agent may use, and those without asking. */
  readonly allowedTools?: readonly string[]
  readonly extraFlags?: readonly string[]
  /** The agent's own id of a session to go on with. */
  readonly resume?: string
  /** With `resume`: goes on in a session of its own, which begins as a copy. Only where the driver can `fork`. */
  readonly fork?: boolean
  /** Leaves nothing behind in the agent's own history, where the agent can. */
  readonly ephemeral: boolean
  /** Earlier messages that the agent has to know as its own. Never together with `resume`. */
  readonly history?: readonly HistoryMessage[]
  /** By default `full`. */
  readonly profile?: AgentProfile
  readonly effort?: Effort
  /** Tools of the client's own, which the model may call and the client answers. */
  readonly clientTools?: readonly ClientTool[]
  /** By default the model may call them and need not. */
  readonly toolChoice?: ToolChoice
  /** JSON Schema that the answer of each turn has to fit. The answer is the last part of the text. */
  readonly jsonSchema?: JsonSchema
}

/** Input of one turn. Without parts the agent goes on from its history, which then ends with results of tools. */
export interface TurnInput {
  readonly parts: readonly InputPart[]
}

/**
 * Tokens of one turn, all model calls of it together, as the agent tells them. What it does not tell is left
 * out. `inputTokens` is everything the model read, cached or not; `outputTokens` everything it wrote, thinking
 * included.
 */
export interface Usage {
  readonly inputTokens?: number
  readonly outputTokens?: number
  /** The part of `inputTokens` that was read from the provider's cache. */
  readonly cachedTokens?: number
  /** The part of `inputTokens` that was written to the provider's cache. */
  readonly cacheCreationTokens?: number
  /** The part of `outputTokens` that was thinking. */
  readonly reasoningTokens?: number
}

/**
 * Why a turn ended, when it ended by itself or by a limit that was asked for. `tool_calls`: it has not ended but waits
 * for the results of the client's tools.
 */
export type StopReason = 'end_turn' | 'max_tokens' | 'max_turns' | 'stop_sequence' | 'refusal' | 'tool_calls'

/**
 * What happens in a turn, in order: `init` once and first, `done` once and last. Only the engine tells something before
 * `init`: the `progress` of a turn that waits in the queue. A turn that fails throws a `ClinvkError` out of the iteration
 * instead of `done`.
 */
export type TurnEvent =
  | {
      readonly type: 'init'
      /** The agent's own id of its session, where it has one. */
      readonly agentSessionId?: string
      /** The model that answers, where the agent tells it. */
      readonly model?: string
      readonly agentVersion?: string
      /** Options that were asked for and change nothing with this model. */
      readonly withoutEffect?: readonly 'effort'[]
      /** The agent had lost its session, and was told everything that was said before. Set by the engine. */
      readonly replayed?: boolean
      /** `warm`: goes on in a session that was alive; else how a new one came by its process. Set by the engine. */
      readonly start?: AgentStart
      /** How long the turn waited in the queue, in ms. Set by the engine. */
      readonly waitedMs?: number
    }
  /** A delta of the answer. `part` names the block it belongs to; a new name starts a new paragraph. */
  | { readonly type: 'text'; readonly text: string; readonly part?: string }
  /** A delta of the model's thinking. */
  | { readonly type: 'thinking'; readonly text: string; readonly part?: string }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: unknown }
  | { readonly type: 'tool_result'; readonly id: string; readonly output: string; readonly isError: boolean }
  /**
   * The model calls one of the client's tools: its start, its arguments in pieces of JSON, and its end with all of
   * them. Calls do not overlap. The client has to answer each; `done` with `tool_calls` says that there are no more.
   */
  | { readonly type: 'call_start'; readonly id: string; readonly name: string }
  | { readonly type: 'call_delta'; readonly id: string; readonly json: string }
  | { readonly type: 'call_end'; readonly id: string; readonly name: string; readonly input: unknown }
  /** The agent asked for permission and was answered. */
  | {
      readonly type: 'approval'
      readonly toolId?: string
      readonly tool: string
      readonly decision: 'allowed' | 'denied'
      readonly reason: string
    }
  /** A sign of life that is no part of the answer: a retry of the agent's own, a warning, a plan. */
  | { readonly type: 'progress'; readonly message: string; readonly data?: Readonly<Record<string, unknown>> }
  | {
      readonly type: 'done'
      readonly stopReason: StopReason
      /** The one of the asked-for sequences that the text ended at, with `stop_sequence`. */
      readonly stopSequence?: string
      readonly usage?: Usage
      /** The agent has had its model correct the answer, which has to fit a schema, and it may still not fit. */
      readonly corrected?: true
      /** US dollars for this turn, where the agent tells them. */
      readonly costUsd?: number
      readonly model?: string
    }

/** What a turn began on. */
export type AgentStart = 'warm' | ProcessStart

/** A conversation with an agent, in a process that is kept alive. One turn at a time. */
export interface AgentSession {
  /** The agent's own id of it; known at the latest with a turn's `init`. */
  readonly id: string | undefined
  /** How it came by its process. */
  readonly start?: ProcessStart
  /** False once its process died, was ended or broke the protocol: open another one. */
  readonly alive: boolean
  /**
   * Whether its process is to end: it is old, large, or of a program that has changed. The session works on; one that
   * waits for a next turn is better opened again.
   */
  readonly worn?: boolean
  /**
   * Takes one turn. When `signal` aborts, the agent is interrupted and the iteration throws `cancelled` as soon
   * as the agent is quiet again; an agent that does not answer within a few seconds is ended. Leaving the
   * iteration early does the same. The agent is read only as fast as the events are taken.
   */
  prompt(input: TurnInput, signal: AbortSignal): AsyncGenerator<TurnEvent, void>
  /**
   * Goes on with the turn that waits for the results of the client's tools, in the same way. There has to be a
   * result for every call that was told.
   */
  answer?(results: readonly ToolResult[], signal: AbortSignal): AsyncGenerator<TurnEvent, void>
  /**
   * Whether these results can be given to `answer`; by default they can. A new session can be told of them as its
   * history where not.
   */
  canAnswer?(results: readonly ToolResult[]): boolean
  /** Ends the conversation and, unless it is shared, its process. Never throws. */
  close(): Promise<void>
}

/** What can be said about a backend without asking its model anything. */
export interface Probe {
  /** The program is there and can be run. */
  readonly available: boolean
  readonly version?: string
  /** A prompt can be expected to work. */
  readonly ready: boolean
  /** Why not, and what to do about it: how to install it, how to log in. */
  readonly reason?: string
  /** Models that can be asked for by name, as far as the agent lists them. */
  readonly models: readonly string[]
}

/** One configured backend. Holds the processes it starts; `close` ends them all. */
export interface AgentDriver {
  /** The backend's name in configuration and requests. */
  readonly name: string
  readonly driver: DriverName
  readonly capabilities: Capabilities
  /** Its processes. Absent where none outlives a turn. */
  readonly pool?: DriverPool
  /**
   * Whether the agent itself can hold its model to this schema, where `jsonSchema` is `native`; by default to any. A
   * model is held to another one by instruction.
   */
  holdsTo?(schema: JsonSchema): boolean
  /** Cheap enough to call at start and for every listing; results may be kept for some seconds. */
  probe(): Promise<Probe>
  /**
   * Opens a session. Throws `backend_not_installed`, `invalid_workdir`, `agent_crashed` (with the last words of
   * its stderr), `session_not_found` for an unknown `resume`, and what the provider refused.
   */
  open(options: SessionOptions, signal: AbortSignal): Promise<AgentSession>
  /**
   * Starts ahead what a session with these options would need, as far as the pool's limits have spares. Never throws;
   * absent where nothing can be started ahead.
   */
  prepare?(options: SessionOptions): Promise<void>
  /**
   * Tokens that a prompt would take, with everything that its session is opened with; its model is not asked.
   * Absent, or undefined, where the agent or its provider does not count.
   */
  countTokens?(options: SessionOptions, input: TurnInput, signal: AbortSignal): Promise<number | undefined>
  close(): Promise<void>
}

/** The protocols that clinvk speaks. */
export type DriverName = 'claude' | 'codex' | 'acp' | 'exec'

/** What a driver is made from: one entry of `backends` in the configuration, with its gaps filled. */
export interface BackendSettings {
  readonly name: string
  readonly driver: DriverName
  /** Executable and its fixed arguments. */
  readonly command: readonly string[]
  /** The agent's whole environment, without anything of ours. */
  readonly env: Readonly<Record<string, string>>
  readonly models: readonly string[]
  /** Flags that the operator puts on every start. */
  readonly extraFlags: readonly string[]
  /** `exec` only: what the command prints. */
  readonly output?: 'text' | 'json'
  /** `exec` with `json` only: the member of each line that holds text. */
  readonly jsonTextField?: string
  /** How to install it, for the reason in a probe. */
  readonly installHint?: string
  /** What its pool may hold. By default `SMALL_POOL`. */
  readonly pool?: PoolLimits
}
