import type { HistoryMessage } from './messages.ts'

/** Providers take 64 characters; some are for the number. */
const LONGEST = 58

/**
 * Earlier messages in which each call has an id of its own, and its result with it. Some clients and models number the
 * calls of each answer anew, and providers refuse or mix up what has one id. A result follows its call, and comes before
 * another one of its id.
 */
export function uniqueCallIds(history: readonly HistoryMessage[]): HistoryMessage[] {
  const taken = new Set(
    history.flatMap((message) => (message.role === 'assistant' ? message.toolCalls.map(({ id }) => id) : [])),
  )
  const given = new Map<string, string>()
  const counts = new Map<string, number>()
  const next = (id: string): string => {
    let unique = id
    if (given.has(id)) {
      const beginning = id.slice(0, LONGEST)
      // To begin each time at 2 takes minutes where very many have one id.
      let count = counts.get(beginning) ?? 2
      for (; taken.has(unique); count += 1) unique = `${beginning}-${count}`
      counts.set(beginning, count)
    }
    taken.add(unique)
    given.set(id, unique)
    return unique
  }
  return history.map((message) => {
    if (message.role === 'user') return message
    if (message.role === 'tool') return { ...message, callId: given.get(message.callId) ?? message.callId }
    return { ...message, toolCalls: message.toolCalls.map((call) => ({ ...call, id: next(call.id) })) }
  })
}
