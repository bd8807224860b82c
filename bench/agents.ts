/** The agents that are measured. */
export const AGENTS = ['claude', 'codex', 'gemini'] as const
export type Agent = (typeof AGENTS)[number]

/** Makes something for each agent. */
export function forEachAgent<T>(make: (agent: Agent) => T): Record<Agent, T> {
  return { claude: make('claude'), codex: make('codex'), gemini: make('gemini') }
}
