import type { InputPart, SessionOptions } from '../types.ts'

/** How the app-server is started. Flags come after `app-server`, where one that it would ignore is an error. */
export function appServerArgv(command: readonly string[], flags: readonly string[]): string[] {
  return [...command, 'app-server', '-c', `thread_unload_delay_secs=${UNLOAD_DELAY_S}`, ...flags]
}

/**
 * What `thread/start` and `thread/resume` are asked for. The system prompt goes into the developer's
 * instructions, which come after Codex's own; `baseInstructions` would replace those and with them what the
 * model knows about its tools.
 *
 * Codex adds a repository that a thread starts in with a writable sandbox to the trusted projects in the user's
 * config.toml, and from then on obeys that repository's own configuration. So a thread starts read-only, and
 * its turns widen the sandbox, which leaves no trace.
 *
 * @param mcpServers names of the configured MCP servers, for `always`.
 */
export function threadParams(
  options: SessionOptions,
  mcpServers: readonly string[] = [],
): Record<string, unknown> {
  const policy = approvalPolicy(options)
  return {
    cwd: options.workdir,
    ...(options.model === undefined ? {} : { model: options.model }),
    ...(options.systemPrompt === undefined ? {} : { developerInstructions: options.systemPrompt }),
    ...(policy === undefined ? {} : { approvalPolicy: policy, approvalsReviewer: 'user' }),
    ...(options.sandboxMode === 'default' ? {} : { sandbox: 'read-only' }),
    ...(options.approvalMode === 'always' ? { config: askForEverything(mcpServers) } : {}),
    ...(options.resume === undefined
      ? { ephemeral: options.ephemeral }
      : { threadId: options.resume, excludeTurns: true }),
  }
}

/** What `turn/start` is asked for. */
export function turnParams(
  threadId: string,
  options: SessionOptions,
  input: readonly Record<string, unknown>[],
): Record<string, unknown> {
  const sandboxPolicy = SANDBOX_POLICY[options.sandboxMode]
  return { threadId, input, ...(sandboxPolicy === undefined ? {} : { sandboxPolicy }) }
}

/**
 * A prompt as the input of a turn. Codex reads `$name` and links such as `[$name](path)` or `[@name](plugin://…)`
 * in it, and adds the skill's or plugin's files to the prompt; see {@link mayMention}.
 */
export function userInput(parts: readonly InputPart[]): Record<string, unknown>[] {
  return parts.map((part) =>
    part.type === 'text'
      ? { type: 'text', text: part.text, text_elements: [] }
      : { type: 'image', url: dataUrl(part) },
  )
}

/**
 * The same prompt as an item of the conversation, for `thread/inject_items`. Nothing reads mentions in it; a turn
 * with empty input then answers it.
 */
export function userItem(parts: readonly InputPart[]): Record<string, unknown> {
  return {
    type: 'message',
    role: 'user',
    content: parts.map((part) =>
      part.type === 'text'
        ? { type: 'input_text', text: part.text }
        : { type: 'input_image', image_url: dataUrl(part) },
    ),
  }
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

/**
 * Codex's word for who is asked. `none` within a sandbox cannot be "on-request": there Codex asks for leave to
 * step out of the sandbox in the same words as for everything else. Nor can it be "never", which refuses the
 * tools of MCP servers. Granular, it steps out of nothing and asks for the rest.
 */
function approvalPolicy({ approvalMode, sandboxMode }: SessionOptions): unknown {
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

/**
 * "untrusted" asks for commands and file changes. MCP tools that say they only read, and the provider's web
 * search, would go unasked. What the user's own rules in Codex allow (`prefix_rule`, or a tool that is approved by
 * name) runs without a question all the same: Codex does not let a client take that back.
 */
function askForEverything(mcpServers: readonly string[]): Record<string, unknown> {
  return {
    web_search: 'disabled',
    ...Object.fromEntries(
      mcpServers.map((name) => [`mcp_servers.${name}.default_tools_approval_mode`, 'prompt']),
    ),
  }
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

function dataUrl({ mediaType, data }: InputPart & { type: 'image' }): string {
  return `data:${mediaType};base64,${data}`
}
