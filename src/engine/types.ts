/**
 * What the engine is to the surfaces: prompts go in, turns come out. Every surface translates its requests into
 * a {@link TurnRequest} and a turn's events into its own answer; none has another way to an agent.
 */

import type { ClientTool, JsonSchema, ToolChoice } from '../agents/client-tools.ts'
import type { AgentProfile, Effort, HistoryMessage } from '../agents/messages.ts'
import type {
  AgentStart,
  ApprovalMode,
  Capabilities,
  DriverName,
  InputPart,
  SandboxMode,
  StopReason,
  TurnEvent,
  Usage,
} from '../agents/types.ts'
import type { ClinvkError } from '../errors.ts'
import type { TurnObserver } from './observed.ts'
import type { PoolView } from './pool-view.ts'
import type { Runs } from './runs.ts'
import type { Sessions } from './sessions.ts'

/** One prompt, checked for shape, with config defaults not yet applied. */
export interface TurnRequest {
  /** A name of the configuration's `backends`; by default its `default_backend`. */
  readonly backend?: string
  /** What is said now. Empty: the agent goes on from the history, which ends with results of its calls. */
  readonly parts: readonly InputPart[]
  /** A model's name or alias. */
  readonly model?: string
  /** Goes on with this session of ours; by default a new one is opened. */
  readonly sessionId?: string
  readonly workdir?: string
  readonly systemPrompt?: string
  readonly approvalMode?: ApprovalMode
  readonly sandboxMode?: SandboxMode
  /** Model rounds the turn may take. */
  readonly maxTurns?: number
  /** Tokens the answer may have. */
  readonly maxTokens?: number
  /** The only tools that the agent may use, and those without asking. */
  readonly allowedTools?: readonly string[]
  /** Flags for the agent's command line; refused unless the operator lists them. */
  readonly extraFlags?: readonly string[]
  /** The session is forgotten when the turn is over. */
  readonly ephemeral?: boolean
  /** What to do while the session has another turn under way: by default wait until it is over. */
  readonly whenBusy?: 'wait' | 'fail'
  /** Of a new session. */
  readonly title?: string
  readonly tags?: readonly string[]
  /** Earlier messages of the conversation, which a new session has to know. */
  readonly history?: readonly HistoryMessage[]
  /** By default `full`. */
  readonly profile?: AgentProfile
  readonly effort?: Effort
  /** Texts at which the answer ends, without them. */
  readonly stop?: readonly string[]
  /** Tools of the client's own that the model may call. The turn then waits for their results. */
  readonly clientTools?: readonly ClientTool[]
  readonly toolChoice?: ToolChoice
  /** Calls are told one at a time, though the model may make several. */
  readonly serialCalls?: boolean
  /**
   * JSON Schema that the answer has to fit. `strict: false` leaves out what holds the model to it where that knows no
   * open objects; the answer is checked all the same.
   */
  readonly answer?: { readonly schema: JsonSchema; readonly strict: boolean }
  /** Names who asks: callers take turns in the queue, and only who began a conversation goes on with it. */
  readonly caller?: string
  /**
   * The client keeps the conversation, and may send it again with more. The agent waits for that, and a request whose
   * history is all that was said goes on with it.
   */
  readonly continuable?: boolean
  /** Works in a fresh private folder of its own, which goes with the session, instead of `workdir`. */
  readonly scratch?: boolean
  /** The caller's own data. It is kept with the session and never reaches the agent. */
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** A started turn. */
export interface Turn {
  readonly id: string
  /** The session of ours it belongs to. */
  readonly sessionId: string
  readonly backend: string
  /** The model that was asked for, where one was. */
  readonly model?: string
  /** Epoch ms. */
  readonly startedAt: number
  /** Leaving the iteration early cancels the turn. A failed turn throws a `ClinvkError` out of it. */
  readonly events: AsyncGenerator<TurnEvent, void>
}

/** A tool call as the whole turn knows it: `output` is missing where no result was reported. */
export interface ToolCall {
  readonly id: string
  readonly name: string
  readonly input: unknown
  readonly output?: string
  readonly isError?: boolean
}

/** A call of one of the client's tools. `json` are its arguments as the model wrote them. */
export interface ClientCall {
  readonly id: string
  readonly name: string
  readonly input: unknown
  readonly json: string
}

/** A whole turn: the fold of its events. What the agent did not tell is left out. */
export interface TurnResult {
  readonly id: string
  readonly sessionId: string
  readonly backend: string
  readonly text: string
  readonly thinking: string
  readonly toolCalls: readonly ToolCall[]
  /** Calls of the client's tools, which it has to answer. */
  readonly calls: readonly ClientCall[]
  readonly stopReason: StopReason
  readonly stopSequence?: string
  readonly usage?: Usage
  /** US dollars. */
  readonly costUsd?: number
  /** The model that answered, else the one that was asked for. */
  readonly model?: string
  readonly agentSessionId?: string
  readonly agentVersion?: string
  /** The agent had lost its session, and was told everything that was said before. */
  readonly replayed?: boolean
  /** What it began on. */
  readonly start?: AgentStart
  /** How long it waited in the queue, in ms. */
  readonly waitedMs?: number
  /** From the start of the turn to its end, its wait in the queue included, in ms. */
  readonly durationMs: number
}

/** One backend, as it is listed. */
export interface BackendInfo {
  readonly name: string
  readonly driver: DriverName | 'demo'
  /** The program is there and can be run. */
  readonly available: boolean
  /** The configuration lets requests use it. */
  readonly enabled: boolean
  /** The operator named it in the configuration; the built-in ones are there without being named. */
  readonly configured: boolean
  /** A prompt can be expected to work. */
  readonly ready: boolean
  /** Why it is not ready, and what to do about it. */
  readonly reason?: string
  readonly version?: string
  readonly models: readonly string[]
  /** Further names that it takes for a model: classes of model, such as `fast`, and the operator's own. */
  readonly modelAliases: readonly string[]
  readonly capabilities: Capabilities
  /** Requests that name no backend go to this one. */
  readonly default: boolean
  /** The embedded agent without a model. */
  readonly demo: boolean
}

/** What a request would do, as its sender is shown it. Further members are the options after all defaults. */
export interface Plan {
  readonly backend: string
  /** Absent where the turn would get a folder of its own. */
  readonly workdir?: string
  readonly [option: string]: unknown
}

/** Runs prompts on agents. */
export interface Engine {
  /**
   * Checks everything that can be checked, opens or finds the session and starts the turn. Aborting `signal`
   * cancels it; a `ClinvkError` as the signal's reason is what the events then throw. While it waits in the queue it
   * tells so by `progress`.
   *
   * @throws ClinvkError before anything ran, such as `queue_full`.
   */
  start(request: TurnRequest, signal: AbortSignal): Promise<Turn>
  /**
   * What `start` would do: the resolved options and the command. Nothing is run.
   *
   * @throws what `start` throws.
   */
  plan(request: TurnRequest): Promise<Plan>
  /**
   * Tokens that the prompt would take, its history included; its model is not asked. Undefined where the backend
   * does not count. Waits in the queue as a turn does.
   *
   * @throws what `start` throws, and what the agent fails with.
   */
  countTokens(request: TurnRequest, signal: AbortSignal): Promise<number | undefined>
  /**
   * Has agents started ahead for such requests, as far as spares are configured. Resolves when they are there; what
   * keeps one from starting is told to whoever asks for it.
   */
  prepare(requests: readonly TurnRequest[]): Promise<void>
  /** The sessions that are kept. */
  readonly sessions: Sessions
  /** Everything that is executed. */
  readonly runs: Runs
  /**
   * Every backend with what is known of it. With `withinMs` nothing is waited for any longer: of an agent that has not told
   * of itself by then it is what it told last, and not ready where it has told nothing yet.
   */
  backends(withinMs?: number): Promise<BackendInfo[]>
  /** The backend of the agent that has a turn under way in this session of its own; undefined where none has. */
  agentAtWork(agentSessionId: string): string | undefined
  /** What runs at this moment. It asks no agent and waits for nothing. */
  pool(): PoolView
  /** Tells an observer of all turns that are started from now on. */
  observe(observer: TurnObserver): void
  /**
   * Begins nothing more: a turn that waits, and whoever comes now, is told `reason`, and agents without work are ended.
   * Resolves when what runs has ended by itself, or after `ms`.
   */
  drain(ms: number, reason?: ClinvkError): Promise<void>
  /** Cancels what runs, waits at most `graceMs` for it and ends every process. */
  close(graceMs?: number): Promise<void>
}
