import type { InputPart, SessionOptions } from '../types.ts'
import { contentItems, imageUrl } from './content.ts'
import { createToolNames, type ToolNames } from './tool-names.ts'
import { understoodSchema } from './tool-schema.ts'

/** How the app-server is started. Flags come after `app-server`, where one that it would ignore is an error. */
export function appServerArgv(command: readonly string[], flags: readonly string[]): string[] {
  return [...command, 'app-server', '-c', `thread_unload_delay_secs=${UNLOAD_DELAY_S}`, ...flags]
}

/**
 * The options as they hold in a profile. A mere model call has no tools; should a version of Codex offer it one all the
 * same, nothing is allowed to it. Nor is it kept.
 */
export function settleOptions(options: SessionOptions): SessionOptions {
  if (options.profile !== 'pure') return options
  return { ...options, approvalMode: 'default', sandboxMode: 'read-only', ephemeral: true }
}

/**
 * What `thread/start` and `thread/resume` are asked for. The system prompt goes into the developer's
 * instructions, which come after Codex's own; `baseInstructions` replaces those, and with them what the
 * model knows about its tools, so they are replaced only where it has none.
 *
 * Codex adds a repository that a thread starts in with a writable sandbox to the trusted projects in the user's
 * config.toml, and from then on obeys that repository's own configuration. So a thread starts read-only, and
 * its turns widen the sandbox, which leaves no trace.
 *
 * @param config what the thread overrides of the configuration.
 * @param names what the client's tools are known by.
 */
export function threadParams(
  options: SessionOptions,
  config?: Readonly<Record<string, unknown>>,
  names: ToolNames = createToolNames(),
): Record<string, unknown> {
  const policy = approvalPolicy(options)
  return {
    cwd: options.workdir,
    ...(options.model === undefined ? {} : { model: options.model }),
    ...instructions(options),
    ...(policy === undefined ? {} : { approvalPolicy: policy, approvalsReviewer: 'user' }),
    ...(options.sandboxMode === 'default' ? {} : { sandbox: 'read-only' }),
    ...(config === undefined ? {} : { config }),
    ...clientTools(options, names),
    ...(options.resume === undefined
      ? { ephemeral: options.ephemeral, ...(options.profile === 'pure' ? NO_PLACE : {}) }
      : { threadId: options.resume, excludeTurns: true }),
  }
}

/**
 * What `turn/start` is asked for.
 *
 * @param effort how hard the model thinks, in a word that it takes.
 * @param outputSchema what the answers have to fit, as strict mode wants it. Codex keeps it for one turn only.
 */
export function turnParams(
  threadId: string,
  options: SessionOptions,
  input: readonly Record<string, unknown>[],
  effort?: string,
  outputSchema?: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const sandboxPolicy = SANDBOX_POLICY[options.sandboxMode]
  return {
    threadId,
    input,
    ...(sandboxPolicy === undefined ? {} : { sandboxPolicy }),
    ...(effort === undefined ? {} : { effort }),
    ...(outputSchema === undefined ? {} : { outputSchema }),
    ...(options.profile === 'pure' ? NO_PLACE : {}),
  }
}

/**
 * A prompt as the input of a turn. Codex reads `$name` and links such as `[$name](path)` or `[@name](plugin://…)`
 * in it, and adds the skill's or plugin's files to the prompt; see {@link mayMention}.
 */
export function userInput(parts: readonly InputPart[]): Record<string, unknown>[] {
  return parts.map((part) =>
    part.type === 'text'
      ? { type: 'text', text: part.text, text_elements: [] }
      : { type: 'image', url: imageUrl(part) },
  )
}

/**
 * The same prompt as an item of the conversation, for `thread/inject_items`. Nothing reads mentions in it; a turn
 * with empty input then answers it.
 */
export function userItem(parts: readonly InputPart[]): Record<string, unknown> {
  return { type: 'message', role: 'user', content: contentItems(parts) }
}

/**
 * Whether Codex could take a piece of the text for a mention. Others go by `turn/start`, because only that shows
 * them in the user's own list of conversations.
 */
export function mayMention(parts: readonly InputPart[]): boolean {
  return parts.some((part) => part.type === 'text' && /[$@]/.test(part.text))
}

// A thread that nobody listens to stays in memory for half an hour otherwise, with its MCP servers.
const UNLOAD_DELAY_S = 0

/** Without an environment there are no files, no commands and no AGENTS.md of the folder. */
const NO_PLACE = { environments: [] }

/**
 * The client's tools are fixed with the start of a thread. Only the raw events tell the model's own words of a call, and
 * when it has made them all (0.169.0).
 */
function clientTools({ clientTools: tools = [] }: SessionOptions, names: ToolNames): Record<string, unknown> {
  if (tools.length === 0) return {}
  return {
    dynamicTools: tools.map(({ name, description = '', inputSchema }) => ({
      type: 'function',
      name: names.offered(name),
      description,
      inputSchema: understoodSchema(inputSchema),
    })),
    experimentalRawEvents: true,
  }
}

function instructions({ profile, systemPrompt }: SessionOptions): Record<string, unknown> {
  return {
    // The system prompt cannot be these: models that are sent their tools as a message would be sent it twice.
    ...(profile === 'pure' ? { baseInstructions: '' } : {}),
    ...(systemPrompt === undefined ? {} : { developerInstructions: systemPrompt }),
  }
}

/**
 * Codex's word for who is asked. `none` within a sandbox cannot be "on-request": there Codex asks for leave to
 * step out of the sandbox in the same words as for everything else. Nor can it be "never", which refuses the
 * tools of MCP servers. Granular, it steps out of nothing and asks for the rest.
 *
 * "untrusted" asks for commands and file changes. MCP tools that say they only read, and the provider's web
 * search, would go unasked, see `thread-config.ts`. What the user's own rules in Codex allow (`prefix_rule`, or a tool
 * that is approved by name) runs without a question all the same: Codex does not let a client take that back.
 */
function approvalPolicy({ approvalMode, sandboxMode, profile }: SessionOptions): unknown {
  if (profile === 'pure') return 'never'
  switch (approvalMode) {
    case 'default':
      return undefined
    case 'auto':
      return 'on-request'
    case 'always':
      return 'untrusted'
    case 'none':
      return sandboxMode === 'read-only' || sandboxMode === 'workspace' ? WITHIN_THE_SANDBOX : 'on-request'
  }
}

const WITHIN_THE_SANDBOX = {
  granular: {
    sandbox_approval: false,
    request_permissions: false,
    rules: true,
    skill_approval: true,
    mcp_elicitations: true,
  },
}

const SANDBOX_POLICY: Readonly<Record<SessionOptions['sandboxMode'], Record<string, unknown> | undefined>> = {
  default: undefined,
  'read-only': { type: 'readOnly', networkAccess: false },
  workspace: {
    type: 'workspaceWrite',
    writableRoots: [],
    networkAccess: false,
    excludeTmpdirEnvVar: false,
    excludeSlashTmp: false,
  },
  full: { type: 'dangerFullAccess' },
}
