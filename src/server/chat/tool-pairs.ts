import type { HistoryMessage, HistoryToolCall } from '../../agents/messages.ts'
import { invalidFields, type WrongField } from '../validate.ts'

/** A call or a result as a request mentions it. `path` is the field that holds its id. */
export interface ToolMention {
  readonly kind: 'call' | 'result'
  readonly id: string
  readonly path: string
}

/**
 * Checks that every result answers an earlier call, and each call is answered once. A call without a result is no
 * mistake: clients abandon calls. An id may be used again when its call is answered, as some models do.
 *
 * @throws `invalid_request` naming every field that is wrong.
 */
export function checkToolPairs(mentions: readonly ToolMention[]): void {
  const open = new Set<string>()
  const answered = new Set<string>()
  const wrong: WrongField[] = []
  for (const { kind, id, path } of mentions) {
    if (kind === 'call') {
      if (open.has(id)) wrong.push({ path, message: 'is the id of another call, too.' })
      open.add(id)
      answered.delete(id)
    } else if (open.delete(id)) answered.add(id)
    else if (answered.has(id))
      wrong.push({ path, message: 'is the id of a call that has its result already.' })
    else wrong.push({ path, message: 'is the id of no call in an earlier message.' })
  }
  if (wrong.length > 0) throw invalidFields(wrong)
}

/**
 * Puts the results of calls right behind the answer that made them, in the order of the calls, as providers want
 * it. A call that the client abandoned gets a result that says so.
 */
export function pairCalls(messages: readonly HistoryMessage[]): HistoryMessage[] {
  const placed = new Set<HistoryMessage>()
  const paired: HistoryMessage[] = []
  for (const [index, message] of messages.entries()) {
    if (placed.has(message)) continue
    paired.push(message)
    if (message.role !== 'assistant') continue
    for (const call of message.toolCalls) {
      const result = messages
        .slice(index + 1)
        .find((later) => later.role === 'tool' && later.callId === call.id && !placed.has(later))
      if (result) placed.add(result)
      paired.push(result ?? abandoned(call))
    }
  }
  return paired
}

function abandoned({ id }: HistoryToolCall): HistoryMessage {
  const parts = [{ type: 'text' as const, text: 'No result: the call was not carried out.' }]
  return { role: 'tool', callId: id, parts, isError: true }
}
