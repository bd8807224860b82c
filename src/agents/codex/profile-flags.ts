import type { AgentProfile } from '../messages.ts'

/**
 * Flags of `codex app-server` that leave out what a profile does not want; measured with 0.169. They go last, after
 * the operator's and the caller's own. MCP servers and skills have names, so they are left out thread by thread.
 */
export function profileFlags(profile: AgentProfile): string[] {
  const settings = SETTINGS[profile]
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${JSON.stringify(value)}`])
}

const off = (...features: string[]) => Object.fromEntries(features.map((name) => [`features.${name}`, false]))

/** What its user set up for every folder, and would speak or act in conversations that are not the user's own. */
const USERS_OWN: Readonly<Record<string, unknown>> = {
  developer_instructions: '',
  notify: [],
  ...off('apps', 'hooks', 'memories', 'plugins'),
}

const SETTINGS: Readonly<Record<AgentProfile, Readonly<Record<string, unknown>>>> = {
  full: {},
  project: USERS_OWN,
  // Nothing is offered to the model, and nothing is told to it but what the conversation holds. Most of the names are
  // those that Codex itself turns off for its own questions to a model. A catalog does the rest, see `catalog.ts`.
  pure: {
    ...USERS_OWN,
    project_doc_max_bytes: 0,
    web_search: 'disabled',
    include_permissions_instructions: false,
    include_apps_instructions: false,
    include_environment_context: false,
    include_collaboration_mode_instructions: false,
    'agents.enabled': false,
    'cloud.skills.enabled': false,
    'skills.include_instructions': false,
    'tools.experimental_request_user_input.enabled': false,
    'tools.update_plan.enabled': false,
    ...off(
      'code_mode',
      'code_mode_only',
      'context_management',
      'current_time_reminder',
      'deferred_executor',
      'enable_fanout',
      'goals',
      'image_generation',
      'multi_agent',
      'multi_agent_v2',
      'request_permissions_tool',
      'shell_snapshot',
      'shell_tool',
      'skill_search',
      'sleep_tool',
      'standalone_web_search',
      'token_budget',
      'tool_suggest',
      'unified_exec',
      'view_image',
    ),
  },
}
