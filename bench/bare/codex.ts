import type { Place } from '../processes.ts'
import { call, type OpenBare, openLines, timeTurn } from './open.ts'

/** Codex's app-server: one process, and a thread for each conversation. */
export async function bareCodex(place: Place): Promise<OpenBare> {
  const lines = openLines(['codex', 'app-server'], place)
  let last = 0
  const request = (method: string, params: Record<string, unknown>) => ({ id: ++last, method, params })
  const about = { name: 'bench', title: 'bench', version: '1' }
  await call(lines, request('initialize', { clientInfo: about, capabilities: { experimentalApi: true } }))
  lines.send({ method: 'initialized' })
  return async () => {
    const { thread } = await call(lines, request('thread/start', { cwd: place.cwd, approvalPolicy: 'never' }))
    return {
      turn: (text) =>
        timeTurn(
          lines,
          request('turn/start', { threadId: thread.id, input: [{ type: 'text', text }] }),
          ({ method, params }) => method === 'item/agentMessage/delta' && params.threadId === thread.id,
          ({ method, params }) => method === 'turn/completed' && params.threadId === thread.id,
        ),
      end: async () => {},
    }
  }
}
