import type { JsonSchema } from '../client-tools.ts'
import type { AgentProfile } from '../messages.ts'
import type { SessionOptions } from '../types.ts'
import { SERVER } from './client-tools.ts'
import { effortEnv } from './effort.ts'
import { choiceEnv } from './tool-choice.ts'
import type { UserSettings } from './user-settings.ts'

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

/** A day. */
const CALL_TIMEOUT_MS = 24 * 3600 * 1000

/** What the command line depends on, besides the session's options. */
export interface ArgvOptions {
  /** Executable and its fixed arguments. */
  readonly command: readonly string[]
  /** The operator's flags. */
  readonly extraFlags: readonly string[]
  /** The built-in tools that are offered to the model; `undefined` for all. */
  readonly tools: readonly string[] | undefined
  /** What is needed of the user's own settings, for the profiles that run without them. */
  readonly user: UserSettings | undefined
}

/**
 * The command line of a session's process. No text of a client is in it but the model's name, the session's id
 * and the names of tools, each joined to its flag by `=` so that it can be no flag itself.
 */
export function claudeArgv(
  { command, extraFlags, tools: allowed, user }: ArgvOptions,
  options: SessionOptions,
): string[] {
  const tools = options.profile === 'pure' ? [] : allowed
  const barred = OUTLIVES_THE_TURN.filter((tool) => !tools?.includes(tool))
  const settings = settingsOf(options, user)
  return [
    ...command,
    '-p',
    '--input-format=stream-json',
    '--output-format=stream-json',
    '--verbose',
    '--include-partial-messages',
    '--permission-prompt-tool=stdio',
    ...modeFlags(options),
    ...(Object.keys(settings).length === 0 ? [] : [`--settings=${JSON.stringify(settings)}`]),
    ...(barred.length === 0 ? [] : [`--disallowedTools=${barred.join(',')}`]),
    ...(tools === undefined ? [] : [`--tools=${tools.join(',')}`]),
    // Its own spelling of all tools of a server, which holds without the prefix as well: their calls ask for nothing.
    ...(hasTools(options) ? [`--allowedTools=mcp__${SERVER}`] : []),
    ...(options.model === undefined ? [] : [`--model=${options.model}`]),
    ...(options.maxTurns === undefined ? [] : [`--max-turns=${options.maxTurns}`]),
    ...(options.resume === undefined ? [] : [`--resume=${options.resume}`]),
    ...(options.fork ? ['--fork-session'] : []),
    // Without it a resumed conversation keeps the system prompt that it was begun with, and drops a new one unsaid.
    ...(options.resume !== undefined && (options.systemPrompt !== undefined || options.profile === 'pure')
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
  user?: UserSettings,
): Record<string, string> {
  const own = Object.entries(env).filter(([name]) => !NESTING_MARKS.includes(name))
  return {
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
    CLAUDE_CODE_DISABLE_CRON: '1',
    // A refused answer is an answer. Claude Code 2.1.330 would tell the model so and have it answer once more.
    CLAUDE_CODE_DISABLE_REFUSAL_RETRY: '1',
    // An answer that does not fit a schema is corrected once, as by every agent. By default it is four times (2.1.330).
    ...(options.jsonSchema === undefined ? {} : { MAX_STRUCTURED_OUTPUT_RETRIES: '2' }),
    ...Object.fromEntries(own),
    // Claude Code lets its settings go before its environment, so the same holds here.
    ...user?.env,
    ...PROFILE_ENV[options.profile ?? 'full'],
    ...(options.maxTokens === undefined ? {} : { CLAUDE_CODE_MAX_OUTPUT_TOKENS: String(options.maxTokens) }),
    ...(hasTools(options) ? TOOLS_ENV[options.profile ?? 'full'] : {}),
    ...effortEnv(options),
    ...choiceEnv(options, env),
  }
}

/**
 * The first request on the control channel. The system prompt is appended to Claude Code's own: replacing that
 * would take away what makes it an agent. In the profile `pure` it is to be none, and an empty one replaces it too.
 */
export function initializeRequest(
  options: SessionOptions,
  hooked: boolean,
  answerSchema?: JsonSchema,
): Record<string, unknown> {
  return {
    subtype: 'initialize',
    ...systemPrompt(options),
    ...(hasTools(options)
      ? {
          sdkMcpServers: [SERVER],
          // A call may wait for long: for a client that asks a person. In ms.
          sdkMcpServerConfigs: { [SERVER]: { timeout: CALL_TIMEOUT_MS, disableAutoBackground: true } },
        }
      : {}),
    ...(answerSchema === undefined ? {} : { jsonSchema: answerSchema }),
    ...(hooked
      ? { hooks: { PreToolUse: [{ matcher: null, hookCallbackIds: [TOOL_HOOK], timeout: HOOK_TIMEOUT_S }] } }
      : {}),
  }
}

function hasTools({ clientTools = [] }: SessionOptions): boolean {
  return clientTools.length > 0
}

/** Descriptions of tools are cut after 4096 characters by default. A model without other tools sees plain names. */
const TOOLS_ENV: Readonly<Record<AgentProfile, Readonly<Record<string, string>>>> = {
  full: { CLAUDE_CODE_MAX_MCP_DESCRIPTION_LENGTH: '1000000' },
  project: { CLAUDE_CODE_MAX_MCP_DESCRIPTION_LENGTH: '1000000' },
  pure: { CLAUDE_CODE_MAX_MCP_DESCRIPTION_LENGTH: '1000000', CLAUDE_AGENT_SDK_MCP_NO_PREFIX: '1' },
}

/** What is left of the agent's own memory and reminders: nothing, or what the folder has. */
const PROFILE_ENV: Readonly<Record<AgentProfile, Readonly<Record<string, string>>>> = {
  full: {},
  project: { CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1' },
  pure: {
    CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
    CLAUDE_CODE_DISABLE_CLAUDE_MDS: '1',
    CLAUDE_CODE_DISABLE_ATTACHMENTS: '1',
  },
}

function systemPrompt({ profile, systemPrompt: text }: SessionOptions): Record<string, unknown> {
  if (profile === 'pure') return { systemPrompt: [text ?? ''] }
  return text === undefined ? {} : { appendSystemPrompt: text }
}

function modeFlags({ approvalMode, sandboxMode, profile }: SessionOptions): string[] {
  const flags: string[] = []
  if (profile === 'pure') flags.push('--setting-sources=')
  if (profile === 'project') flags.push('--setting-sources=project,local')
  if (approvalMode === 'auto') flags.push('--permission-mode=acceptEdits')
  // The user's own default may be a mode that denies without asking.
  if (approvalMode === 'none') flags.push('--permission-mode=default')
  // What a tool of an MCP server does is not known, so it is beyond every ceiling; its server need not start.
  if (profile === 'pure' || sandboxMode === 'read-only' || sandboxMode === 'workspace')
    flags.push('--strict-mcp-config')
  return flags
}

function settingsOf({ approvalMode, profile }: SessionOptions, user: UserSettings | undefined) {
  return {
    ...user?.settings,
    ...(profile === 'project' && user ? { claudeMdExcludes: user.instructions } : {}),
    // The check that plan mode borrows from auto mode denies without asking.
    ...(approvalMode === 'none' ? { useAutoModeDuringPlan: false } : {}),
  }
}
