import type { HistoryMessage } from '../messages.ts'
import type { WatchedFile } from '../pool/types.ts'
import type { Capabilities, SessionOptions } from '../types.ts'

/** What a process has to be started with for a session; sessions with an equal one share a process. */
export interface Startup {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /**
   * Files that only the agent can read, by their path in a folder that is made for them: `PLACE` in `args` and `env`
   * stands for it. The same ones are in the same folder for as long as the driver lives.
   */
  readonly files?: Readonly<Record<string, string>>
  /** Likewise links, to what is the user's own. */
  readonly links?: Readonly<Record<string, string>>
  /** The session works in an empty folder of ours: whatever is in its working directory is none of its business. */
  readonly away?: boolean
  /** The session mode to choose once the session is open. */
  readonly mode?: string
  /** The MCP servers that may bring the tools of the session's client. */
  readonly toolServers?: ToolServers
  /** The session's model, where the process knows it by another name. */
  readonly alias?: { readonly name: string; readonly model: string }
  /**
   * What has happened where the agent says that a turn took too many model calls. Absent where its user may have set
   * how many it takes.
   */
  readonly tooManyCalls?: string
  /** Turns after which a session is better begun anew. By default it bears any number. */
  readonly turns?: number
}

/** The names for MCP servers of one kind of process. The model knows a tool as `SERVER_TOOL`. */
export interface ToolServers {
  readonly names: readonly string[]
  /** Whether sessions in one folder may have servers of one name. */
  readonly shared?: true
  /** Whether a server's tools are offered in a mode of its name. */
  readonly modes?: true
  /** Names of tools that the agent would leave out. */
  readonly reserved?: ReadonlySet<string>
}

/** Stands for the folder of a startup's files; no argument and no variable can have it. */
export const PLACE = '\0place'

/** What a provider told an agent that did not pass all of it on. */
export interface Finding {
  readonly status?: number | undefined
  readonly message?: string | undefined
  /** In ms. */
  readonly retryAfterMs?: number | undefined
}

/** Whether a model takes what is of a media type; it does where nothing else is told. */
export type TakenTypes = (mediaType: string) => boolean

/** How the tools of a session's client reach an agent: as those of an MCP server, which is the session's own. */
export interface ClientToolsWay {
  /**
   * How long nothing may have come before all calls of an answer are taken to be told, in ms. 0: each call is made
   * only when the one before it has its result.
   */
  readonly quietMs: number
  /** How long a call may come before what announces it, in ms. */
  readonly announcedMs: number
  /** How long a call may wait for its result, in ms, before the turn is given up. */
  readonly longestMs: number
  /** Whether a call that waits has to tell of progress. */
  readonly progress: boolean
  /** See `toMcpResult`. */
  readonly failures: 'flag' | 'words'
  /** What it adds to the arguments of every tool. */
  readonly addedArguments: readonly string[]
  /** Whether a session is of no use once a turn with calls was cancelled. */
  readonly cancelSpoils: boolean
  /** Whether the id of a call names this tool. */
  isCallOf(toolCallId: string, modelName: string): boolean
  /** The provider's id in that of a call. */
  callId(toolCallId: string, modelName: string): string | undefined
}

/** A conversation that a session is to go on with. */
export interface Seed {
  /** With the model's names of the client's tools. */
  readonly history: readonly HistoryMessage[]
  readonly systemPrompt: string | undefined
  /** The session's working directory. */
  readonly folder: string
}

/** What is special about an agent that speaks ACP. Everything else is the protocol. */
export interface AcpProfile {
  readonly capabilities: Capabilities
  /** Arguments without which the program does not speak ACP; added where the configured command lacks them. */
  readonly args: readonly string[]
  /** Where in its environment it does better with a value; what is set already stays. */
  readonly env: Readonly<Record<string, string>>
  /**
   * What a process needs for the options of a session.
   *
   * @throws `unsupported_option` where this machine takes away what the option promises.
   */
  startup(options: SessionOptions, env: Readonly<Record<string, string>>): Startup
  /** A prompt that begins like this, white space aside, is a command to the agent and never reaches the model. */
  readonly commandMark: RegExp
  /**
   * How a document is sent. `resource`: as an embedded resource. `image`: as if it were one, where the agent passes
   * on what it gets by its media type. Absent: not at all.
   */
  readonly documents?: 'resource' | 'image'
  /**
   * What the answer to a prompt tells of tokens. `gemini`: in `_meta.quota`. `turn`: all of the turn. `last-call`:
   * only the turn's last model call. `none`: nothing that is known to be about this turn.
   */
  readonly usage: 'gemini' | 'turn' | 'last-call' | 'none'
  /** Whether each piece of thinking is a paragraph of its own. */
  readonly wholeThoughts: boolean
  /** The name of the tool in the id of its call, for an agent that tells it nowhere else. */
  toolName?(callId: string): string | undefined
  /** Whether a session's config option of the category `thought_level` says how hard to think. */
  readonly effortLevels?: boolean
  /** Whether it gets stuck when it has to open several sessions at once. */
  readonly opensOneByOne?: boolean
  /** How many sessions a process may open before a new one takes its place. 0: any number. */
  readonly sessionsPerProcess: number
  /**
   * What a process with this environment reads once, besides its program: when that changes, a new one takes its
   * place. Without what the agent itself changes in normal use.
   */
  startupFiles?(env: Readonly<Record<string, string>>): readonly WatchedFile[]
  /** Resolves when a session can be opened again without harm to it. */
  beforeReopen?(sessionId: string, env: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>
  /** Removes what the agent keeps of a closed session that was ephemeral. Never throws. `env` is its process's. */
  forget?(sessionId: string, env: Readonly<Record<string, string>>): Promise<void>
  /**
   * Makes a session that has had a conversation, to be loaded; none where the conversation cannot be told so. A prompt
   * without content then goes on from results of tools. `env` is its process's.
   */
  seed?(seed: Seed, env: Readonly<Record<string, string>>): Promise<string | undefined>
  /** Absent: it is given none. */
  readonly clientTools?: ClientToolsWay
  /** What to do where nobody is logged in. */
  readonly loginHint: string
  /** Whether a login was found without starting anything; absent where none is needed. */
  isLoggedIn?(env: Readonly<Record<string, string>>): Promise<boolean>
  /** Whether a `package.json` above the program tells its version. */
  readonly packaged: boolean
  /** How to learn which media a model takes, with a command of the agent's own; absent where all are let through. */
  readonly takenTypes?: {
    args(model: string): readonly string[]
    read(output: string, model: string): TakenTypes
  }
  /** How to learn what a failed prompt's error does not tell, with a command of the agent's own. */
  readonly inquest?: {
    args(sessionId: string): readonly string[]
    read(output: string): Finding
  }
}
