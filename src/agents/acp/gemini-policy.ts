import { readdirSync } from 'node:fs'
import { ClinvkError } from '../../errors.ts'
import type { SessionOptions } from '../types.ts'

/**
 * The rules for Gemini's policy engine, or `undefined` where its own are right. Rules of the admin tier come before
 * all that the user's settings allow, and tools that are denied are not even offered to the model.
 *
 * @param clientTools The model's names of the client's tools, which run elsewhere and are always allowed.
 */
export function toPolicy(
  {
    sandboxMode,
    approvalMode,
    allowedTools,
  }: Pick<SessionOptions, 'sandboxMode' | 'approvalMode' | 'allowedTools'>,
  clientTools: readonly string[] = [],
): string | undefined {
  // By their names: a pattern would have the tools of the user's own servers, too.
  const only = (...allowances: readonly Rule[]) => noneBut(...allowances, [clientTools, 'allow'])
  const unasked = approvalMode === 'always' ? 'ask_user' : 'allow'
  const listed = (tools: readonly string[]) =>
    tools.filter((tool) => allowedTools === undefined || allowedTools.includes(tool))
  switch (sandboxMode) {
    case 'read-only':
      return only([listed(READ_TOOLS), unasked])
    case 'workspace':
      // Edits are asked for, so that we can look at where they go. A shell can't be confined.
      return only([listed(READ_TOOLS), unasked], [listed(EDIT_TOOLS), 'ask_user'])
    default:
      if (allowedTools) return only([allowedTools, unasked])
      return approvalMode === 'always' ? rules([['*'], 'ask_user']) : undefined
  }
}

/** Nothing but these, and where these are none, still a tool that is never carried out. */
function noneBut(...allowances: readonly Rule[]): string {
  const some = allowances.filter(([tools]) => tools.length > 0)
  const offered: readonly Rule[] = some.length > 0 ? some : [[[IDLE_TOOL], 'allow', NEVER]]
  return rules([['*'], 'deny'], ...offered)
}

type Rule = readonly [
  tools: readonly string[],
  decision: 'allow' | 'deny' | 'ask_user',
  /** What the arguments, as JSON, have to look like. */
  pattern?: string,
]

/** No arguments are like this. A tool is offered all the same: what is allowed for some arguments counts as allowed. */
const NEVER = '(?!)'

/** Later rules win. Names are written as JSON strings, which TOML's basic strings are a superset of. */
function rules(...list: readonly Rule[]): string {
  return list
    .map(
      ([tools, decision, pattern], index) =>
        `[[rule]]\ntoolName = ${JSON.stringify(tools.length === 1 ? tools[0] : tools)}\n${
          pattern === undefined ? '' : `argsPattern = ${JSON.stringify(pattern)}\n`
        }decision = "${decision}"\npriority = ${900 + index}\n`,
    )
    .join('\n')
}

const READ_TOOLS: readonly string[] = [
  'glob',
  'grep_search',
  'list_directory',
  'read_file',
  'read_many_files',
  'google_web_search',
  'update_topic',
  'complete_task',
]
const EDIT_TOOLS: readonly string[] = ['write_file', 'replace']

/**
 * Gemini's API refuses a request whose list of tools is there and empty (400, "tool_type: required one_of"), and
 * Gemini CLI sends one where all are denied. So one stays, of which each call is refused.
 */
export const IDLE_TOOL = 'list_background_processes'

/** No tools for a model call. */
export const NO_TOOLS = noneBut()

/**
 * Nothing but the tools of MCP servers, for a model call whose only server is the client's. A rule that names the
 * server, or has its name in the pattern, has the tools offered and each call refused (0.61.0).
 */
export const CLIENT_TOOLS = noneBut([['mcp_*'], 'allow'])

const SYSTEM_POLICIES: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: '/Library/Application Support/GeminiCli/policies',
  win32: 'C:\\ProgramData\\gemini-cli\\policies',
}

/**
 * Where the machine has policies of its own, Gemini does not read ours, and what they promise is not kept.
 *
 * @throws `unsupported_option`
 */
export function requireNoSystemPolicies(): void {
  const folder = SYSTEM_POLICIES[process.platform] ?? '/etc/gemini-cli/policies'
  let names: readonly string[] = []
  try {
    names = readdirSync(folder)
  } catch {
    return
  }
  if (names.some((name) => name.endsWith('.toml')))
    throw new ClinvkError(
      'unsupported_option',
      `Gemini CLI takes no rules from clinvk while ${folder} has some: sandbox_mode "read-only" and "workspace", approval_mode "always", allowed_tools and profile "pure" are not available.`,
    )
}

/**
 * The tools of Gemini CLI itself (0.61.0). It leaves out a tool of any MCP server whose name, without what stands before
 * it, is that of an own tool that a rule denies, be it by these rules or by its own.
 */
export const OWN_TOOLS: ReadonlySet<string> = new Set([
  ...READ_TOOLS,
  ...EDIT_TOOLS,
  // An old name of `grep_search`, which stands for it.
  'search_file_content',
  'web_fetch',
  'run_shell_command',
  IDLE_TOOL,
  'read_background_output',
  'activate_skill',
  'ask_user',
  'enter_plan_mode',
  'exit_plan_mode',
  'write_todos',
  'invoke_agent',
  'get_internal_docs',
  'read_mcp_resource',
  'list_mcp_resources',
  'tracker_create_task',
  'tracker_update_task',
  'tracker_get_task',
  'tracker_list_tasks',
  'tracker_add_dependency',
  'tracker_visualize',
])
