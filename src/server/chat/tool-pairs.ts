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
  const results = createResults(messages)
  const paired: HistoryMessage[] = []
  for (const [index, message] of messages.entries()) {
    if (placed.has(message)) continue
    paired.push(message)
    if (message.role !== 'assistant') continue
    for (const call of message.toolCalls) {
      const result = results.take(call.id, index)
      if (result) placed.add(result)
      paired.push(result ?? abandoned(call))
    }
  }
  return paired
}

/** The results by their calls, so that finding them takes no more time in a long conversation. */
function createResults(messages: readonly HistoryMessage[]) {
  const found = new Map<string, { places: number[]; next: number }>()
  for (const [place, message] of messages.entries()) {
    if (message.role !== 'tool') continue
    const known = found.get(message.callId)
    if (known) known.places.push(place)
    else found.set(message.callId, { places: [place], next: 0 })
  }
  return {
    /** The first result of a call that comes after this place and was not taken. Places have to ascend. */
    take(callId: string, after: number): HistoryMessage | undefined {
      const of = found.get(callId)
      if (!of) return undefined
      while ((of.places[of.next] ?? after + 1) <= after) of.next += 1
      const place = of.places[of.next]
      of.next += 1
      return place === undefined ? undefined : messages[place]
    },
  }
}

function abandoned({ id }: HistoryToolCall): HistoryMessage {
  const parts = [{ type: 'text' as const, text: 'No result: the call was not carried out.' }]
  return { role: 'tool', callId: id, parts, isError: true }
}
