import { join } from 'node:path'
import type { Message } from '../lines.ts'
import type { Place } from '../processes.ts'
import { call, isAnswerTo, openLines } from './open.ts'

const MAIN = join(import.meta.dir, '../../src/main.ts')

/** The demo agent driven by nothing but its protocol: how many ms it takes to say so much. */
export async function bareDemo(place: Place, prompt: string): Promise<number> {
  const lines = openLines([process.execPath, '--no-env-file', MAIN, 'demo-agent'], place)
  const request = (id: number, method: string, params: Message) => ({ jsonrpc: '2.0', id, method, params })
  try {
    await call(lines, request(1, 'initialize', { protocolVersion: 1, clientCapabilities: {} }))
    const { sessionId } = await call(lines, request(2, 'session/new', { cwd: place.cwd, mcpServers: [] }))
    const turn = request(3, 'session/prompt', { sessionId, prompt: [{ type: 'text', text: prompt }] })
    const ended = lines.until(isAnswerTo(turn))
    const began = performance.now()
    lines.send(turn)
    await ended
    return performance.now() - began
  } finally {
    await lines.end()
  }
}
