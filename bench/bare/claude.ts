import type { Place } from '../processes.ts'
import { type OpenBare, openLines, timeTurn } from './open.ts'

const COMMAND = [
  'claude',
  '-p',
  '--input-format=stream-json',
  '--output-format=stream-json',
  '--verbose',
  '--include-partial-messages',
  '--permission-prompt-tool=stdio',
]

/** Claude Code's stream-json: a process of its own for each conversation. */
export async function bareClaude(place: Place): Promise<OpenBare> {
  return async () => {
    const lines = openLines(COMMAND, place)
    const toMessage = (text: string) => ({
      type: 'user',
      message: { role: 'user', content: text },
      parent_tool_use_id: null,
      session_id: '',
      client_composed: true,
    })
    return {
      turn: (text) =>
        timeTurn(
          lines,
          toMessage(text),
          ({ event }) => event?.delta?.type === 'text_delta',
          ({ type }) => type === 'result',
        ),
      end: () => lines.end(),
    }
  }
}
