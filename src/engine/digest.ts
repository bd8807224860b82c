import type { HistoryMessage } from '../agents/messages.ts'
import type { InputPart } from '../agents/types.ts'

/**
 * What stands for a conversation: two have the same only where every message is the same. Messages of a user that
 * follow each other count as one.
 */
export async function digestOf(messages: readonly HistoryMessage[]): Promise<string> {
  const said: unknown[] = []
  let parts: InputPart[] | undefined
  for (const message of messages) {
    if (message.role !== 'user') {
      parts = undefined
      said.push(canonical(message))
    } else if (parts) parts.push(...message.parts)
    else {
      parts = [...message.parts]
      said.push({ role: 'user', parts })
    }
  }
  const bytes = new TextEncoder().encode(JSON.stringify(said))
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** With its members in one order, whoever made it. */
function canonical(message: Exclude<HistoryMessage, { role: 'user' }>): unknown {
  if (message.role === 'tool') return [message.role, message.callId, message.isError, message.parts]
  return [message.role, message.text, message.toolCalls.map(({ id, name, input }) => [id, name, input])]
}
