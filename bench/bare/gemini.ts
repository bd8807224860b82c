import type { Place } from '../processes.ts'
import { call, isAnswerTo, type OpenBare, openLines, timeTurn } from './open.ts'

/** Gemini CLI's ACP: one process, and a session for each conversation. */
export async function bareGemini(place: Place): Promise<OpenBare> {
  const lines = openLines(['gemini', '--acp', '--skip-trust'], place)
  let last = 0
  const request = (method: string, params: Record<string, unknown>) => ({
    jsonrpc: '2.0',
    id: ++last,
    method,
    params,
  })
  await call(lines, request('initialize', { protocolVersion: 1, clientCapabilities: {} }))
  return async () => {
    const { sessionId } = await call(lines, request('session/new', { cwd: place.cwd, mcpServers: [] }))
    return {
      turn(text) {
        const prompt = request('session/prompt', { sessionId, prompt: [{ type: 'text', text }] })
        const isText = ({ params }: { params?: { update?: { sessionUpdate?: string } } }) =>
          params?.update?.sessionUpdate === 'agent_message_chunk'
        return timeTurn(lines, prompt, isText, isAnswerTo(prompt))
      },
      end: async () => {},
    }
  }
}
