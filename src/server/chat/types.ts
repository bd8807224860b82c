import type { ClientTool, ToolChoice } from '../../agents/client-tools.ts'
import type { Effort, HistoryMessage } from '../../agents/messages.ts'
import type { TurnEvent } from '../../agents/types.ts'
import type { Config } from '../../config/schema.ts'
import type { Engine, Turn, TurnRequest, TurnResult } from '../../engine/types.ts'
import type { ClinvkError } from '../../errors.ts'
import type { ImageReader } from './images.ts'
import type { ReplayGuard } from './replay-guard.ts'

/** A request of a chat client, translated: what every dialect says in its own words. */
export interface ChatTurn {
  /** As the client wrote it: a backend, `backend/model`, a model's id or an alias. */
  readonly model: string
  readonly system?: string
  /** The whole conversation; what its last user messages say is the new turn, all before is history. */
  readonly messages: readonly HistoryMessage[]
  readonly stop?: readonly string[]
  /** Honoured where the backend can, else named as without effect. */
  readonly effort?: Effort
  /** What the dialect calls `effort`. */
  readonly effortField?: string
  /** Tokens that the answer may have. Honoured where the backend can, else named as without effect. */
  readonly maxTokens?: number
  /** What the dialect calls `maxTokens`. */
  readonly maxTokensField?: string
  readonly metadata?: Readonly<Record<string, unknown>>
  /** The client's tools that the model may call. */
  readonly tools?: readonly ClientTool[]
  readonly toolChoice?: ToolChoice
  /** The client takes one call at a time. */
  readonly serialCalls?: boolean
  /** What the answer has to be. */
  readonly answer?: TurnRequest['answer']
  /** Fields that were sent and change nothing, by their names in the dialect. */
  readonly withoutEffect?: readonly string[]
}

/** What serving chats needs. Times in ms; 0: never. */
export interface ChatServices {
  readonly engine: Engine
  readonly chat: Config['chat']
  /** Makes the reader of one request's images; what a request may have fetched is limited in all. */
  readonly images: () => ImageReader
  readonly replay: ReplayGuard
  /** Longest silence on a stream. */
  readonly heartbeatMs: number
  readonly writeTimeoutMs: number
  /** Aborted, with an error as its reason, when the server stops. */
  readonly shutdown: AbortSignal
  /** Called when an answer that was sent in pieces is complete. */
  readonly onStreamEnd: (request: Request) => void
  /** Told of what fails after the first byte; what fails before is thrown. */
  readonly onFailure: (error: ClinvkError, request: Request) => void
  /** When a JSON answer that is not ready begins with white space, and how often it gets more. */
  readonly slowJson?: { readonly afterMs: number; readonly everyMs: number }
  /** How long the first output may take before a stream begins without it. */
  readonly streamGraceMs?: number
}

/** How one chat request is answered in its dialect. */
export interface ChatAnswer {
  /** As the client wrote it. */
  readonly model: string
  /** Translates the request. Nothing is fetched for one whose model does not exist. */
  readonly toTurn: (images: ImageReader) => Promise<ChatTurn>
  /** Names the endpoint for the replay guard, such as `openai/chat`. */
  readonly endpoint: string
  /** What makes two requests the same one for the replay guard: their messages or input, as they were sent. */
  readonly sameness: unknown
  /** The body of the JSON answer. */
  readonly toResponse: (result: TurnResult) => unknown
  /** Present where the answer is to be streamed. */
  readonly toStream?: (turn: Turn) => ChunkWriter
  /** The body of an error that comes too late for a status of its own. `id` is the request's. */
  readonly toErrorBody: (error: ClinvkError, id: string) => unknown
  /** Further headers of the answer. */
  readonly headers?: () => Readonly<Record<string, string>>
  /** A further reason to cancel the turn. */
  readonly signal?: AbortSignal
}

/** Translates one turn into the text of a stream of server-sent events. What it gives may be empty. */
export interface ChunkWriter {
  /** Sent together with the headers; never empty. */
  opening(): string
  toChunk(event: TurnEvent): string
  heartbeat(): string
  /** The last piece of a stream that failed. */
  error(error: ClinvkError): string
}
