import type { ClientTool } from '../client-tools.ts'
import type { AgentProfile } from '../messages.ts'

/** The names that the client's tools have for Codex, where they cannot be their own. */
export interface ToolNames {
  /** Codex's name of a tool of the client's; any other name is its own. */
  offered(name: string): string
  /** The client's name of what Codex calls so, where it is one of the client's tools. */
  own(offered: string): string | undefined
}

/**
 * Finds names that Codex takes. It refuses some, and where it has a tool of that name itself, the model's call goes to
 * that one, or nowhere (0.169.0).
 */
export function createToolNames(
  tools: readonly ClientTool[] = [],
  profile: AgentProfile = 'full',
): ToolNames {
  const taken = new Set(tools.map(({ name }) => name))
  const offered = new Map<string, string>()
  for (const { name } of tools) {
    const free = isFree(name, profile) ? name : another(name, taken)
    taken.add(free)
    offered.set(name, free)
  }
  const own = new Map([...offered].map(([name, free]) => [free, name]))
  return {
    offered: (name) => offered.get(name) ?? name,
    own: (name) => own.get(name),
  }
}

const LONGEST = 128
const ALLOWED = /^[a-zA-Z0-9_-]{1,128}$/
/** Also without a shell: the call would be answered with "unsupported call". */
const ALWAYS_RESERVED = /^(?:exec_command|mcp|mcp__.*)$/
/** What Codex may offer, by model and configuration. */
const CODEX_OWN = new Set([
  ...['exec', 'wait', 'write_stdin', 'shell', 'shell_command', 'local_shell', 'apply_patch', 'update_plan'],
  ...['view_image', 'web_search', 'image_generation', 'tool_search', 'tool_suggest', 'sleep', 'curr_time'],
  ...['request_user_input', 'request_user_input_async', 'request_permissions'],
  ...['new_context', 'get_context_remaining', 'get_goal', 'create_goal', 'update_goal'],
  ...['spawn_agent', 'close_agent', 'resume_agent', 'send_input', 'wait_agent', 'followup_task'],
  ...['interrupt_agent', 'list_agents', 'send_message'],
  ...['list_mcp_resources', 'list_mcp_resource_templates', 'read_mcp_resource'],
])

function isFree(name: string, profile: AgentProfile): boolean {
  if (!ALLOWED.test(name) || ALWAYS_RESERVED.test(name)) return false
  return profile === 'pure' || !CODEX_OWN.has(name)
}

function another(name: string, taken: ReadonlySet<string>): string {
  const base = `client_${name.replace(/[^a-zA-Z0-9_-]/g, '_')}`
  for (let count = 1; ; count += 1) {
    const suffix = count === 1 ? '' : `_${count}`
    const found = base.slice(0, LONGEST - suffix.length) + suffix
    if (!taken.has(found)) return found
  }
}
