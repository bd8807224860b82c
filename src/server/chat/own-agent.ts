import type { Engine } from '../../engine/types.ts'
import { ClinvkError } from '../../errors.ts'

/** Where the CLIs name the session that they ask for: Claude Code 2.1.330, Codex 0.169.0, OpenCode 1.18.33. */
const SESSION_HEADERS = ['x-claude-code-session-id', 'session-id', 'x-session-id'] as const

/**
 * Refuses what an agent asks of the server that has started it, as one does whose settings name this server as its model
 * provider: it would ask itself without end, with one more agent each time.
 *
 * @throws `agent_loop`
 */
export function refuseOwnAgents(headers: Headers, engine: Pick<Engine, 'agentAtWork'>): void {
  for (const name of SESSION_HEADERS) {
    const id = headers.get(name)
    const backend = id === null ? undefined : engine.agentAtWork(id)
    if (backend !== undefined)
      throw new ClinvkError(
        'agent_loop',
        `The settings of ${backend} name this server as its model provider, so it asks itself. Let its settings, or the variables that clinvk was started with, name another provider; set clinvk only where you start ${backend} by yourself.`,
        { details: { backend } },
      )
  }
}
