import type { InputPart, SessionOptions } from '../types.ts'

/**
 * Tools that start work which goes on after the turn. Nobody would read it, and nothing may outlive a turn.
 * `CLAUDE_CODE_DISABLE_BACKGROUND_TASKS` takes the rest away (`run_in_background` and its like).
 */
const OUTLIVES_THE_TURN = ['Monitor', 'ScheduleWakeup', 'CronCreate']

/** Marks that a Claude Code leaves in its children's environment; some versions refuse to start when they see them. */
const NESTING_MARKS = [
  'CLAUDECODE',
  'CLAUDE_CODE_ENTRYPOINT',
  'CLAUDE_CODE_SSE_PORT',
  'CLAUDE_CODE_SESSION_ID',
  'CLAUDE_CODE_CHILD_SESSION',
]

/** The id of our one hook, which Claude Code names when it calls back. */
const TOOL_HOOK = 'tool'

// Hooks time out in seconds. A slow reader may keep an answer of ours waiting, which must never deny a tool.
const HOOK_TIMEOUT_S = 24 * 3600

/** What the command line depends on, besides the session's options. */
export interface ArgvOptions {
  /** Executable and its fixed arguments. */
  readonly command: readonly string[]
  /** The operator's flags. */
  readonly extraFlags: readonly string[]
  /** The built-in tools that are offered to the model; `undefined` for all. */
  readonly tools: readonly string[] | undefined
}

/**
 * The command line of a session's process. No text of a client is in it but the model's name, the session's id
 * and the names of tools, each joined to its flag by `=` so that it can be no flag itself.
 */
export function claudeArgv({ command, extraFlags, tools }: ArgvOptions, options: SessionOptions): string[] {
  const barred = OUTLIVES_THE_TURN.filter((tool) => !tools?.includes(tool))
  return [
    ...command,
    '-p',
    '--input-format=stream-json',
    '--output-format=stream-json',
    '--verbose',
    '--include-partial-messages',
    '--permission-prompt-tool=stdio',
    ...modeFlags(options),
    ...(barred.length === 0 ? [] : [`--disallowedTools=${barred.join(',')}`]),
    ...(tools === undefined ? [] : [`--tools=${tools.join(',')}`]),
    ...(options.model === undefined ? [] : [`--model=${options.model}`]),
    ...(options.maxTurns === undefined ? [] : [`--max-turns=${options.maxTurns}`]),
    ...(options.resume === undefined ? [] : [`--resume=${options.resume}`]),
    // Without it a resumed conversation keeps the system prompt that it was begun with, and drops a new one unsaid.
    ...(options.resume !== undefined && options.systemPrompt !== undefined
      ? ['--system-prompt-snapshot=off']
      : []),
    ...(options.ephemeral ? ['--no-session-persistence'] : []),
    ...extraFlags,
    ...(options.extraFlags ?? []),
  ]
}

/** The environment of a session's process. */
export function claudeEnv(
  env: Readonly<Record<string, string>>,
  options: SessionOptions,
): Record<string, string> {
  const own = Object.entries(env).filter(([name]) => !NESTING_MARKS.includes(name))
  return {
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
    CLAUDE_CODE_DISABLE_CRON: '1',
    ...Object.fromEntries(own),
    ...(options.maxTokens === undefined ? {} : { CLAUDE_CODE_MAX_OUTPUT_TOKENS: String(options.maxTokens) }),
  }
}

/**
 * The first request on the control channel. The system prompt is appended to Claude Code's own: replacing that
 * would take away what makes it an agent.
 */
export function initializeRequest(options: SessionOptions, hooked: boolean): Record<string, unknown> {
  return {
    subtype: 'initialize',
    ...(options.systemPrompt === undefined ? {} : { appendSystemPrompt: options.systemPrompt }),
    ...(hooked
      ? { hooks: { PreToolUse: [{ matcher: null, hookCallbackIds: [TOOL_HOOK], timeout: HOOK_TIMEOUT_S }] } }
      : {}),
  }
}

/** A turn's input. `client_composed` makes its text plain text: no slash command, no file mention. */
export function userMessage(parts: readonly InputPart[], uuid: string): Record<string, unknown> {
  return {
    type: 'user',
    message: { role: 'user', content: parts.flatMap(toBlock) },
    parent_tool_use_id: null,
    session_id: '',
    client_composed: true,
    uuid,
  }
}

function modeFlags({ approvalMode, sandboxMode }: SessionOptions): string[] {
  const flags: string[] = []
  if (approvalMode === 'auto') flags.push('--permission-mode=acceptEdits')
  // The user's own default may be a mode that denies without asking, and so does the check that plan mode borrows
  // from auto mode.
  if (approvalMode === 'none')
    flags.push('--permission-mode=default', '--settings={"useAutoModeDuringPlan":false}')
  // What a tool of an MCP server does is not known, so it is beyond every ceiling; its server need not start.
  if (sandboxMode === 'read-only' || sandboxMode === 'workspace') flags.push('--strict-mcp-config')
  return flags
}

function toBlock(part: InputPart): Record<string, unknown>[] {
  if (part.type === 'image')
    return [{ type: 'image', source: { type: 'base64', media_type: part.mediaType, data: part.data } }]
  // The provider refuses an empty block.
  return part.text === '' ? [] : [{ type: 'text', text: part.text }]
}
