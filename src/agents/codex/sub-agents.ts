import { type Fields, fields, word, words } from '../fields.ts'

/** An agent that another one started, in a thread of its own. */
export interface SubAgent {
  readonly threadId: string
  /** What it is doing, if anything. */
  readonly turnId: string | undefined
}

/** Who started whom, learnt from the notifications of all threads. */
export interface SubAgents {
  observe(method: string, params: Fields): void
  /** A thread and those that it works for, nearest first. */
  lineOf(threadId: string): readonly string[]
  /** All that work for a thread, directly or not. */
  of(threadId: string): readonly SubAgent[]
  /** A thread is left, with all that work for it. */
  forget(threadId: string): void
}

/**
 * Codex lets a thread start agents in threads of their own and sends us what they do, but they end neither with
 * the turn nor with the thread that they work for.
 */
export function createSubAgents(): SubAgents {
  const parents = new Map<string, string>()
  const turns = new Map<string, string>()

  const adopt = (child: string | undefined, parent: string | undefined) => {
    if (child !== undefined && parent !== undefined && child !== parent && !lineOf(parent).includes(child))
      parents.set(child, parent)
  }
  const lineOf = (threadId: string): string[] => {
    const line: string[] = []
    for (let id: string | undefined = threadId; id !== undefined; id = parents.get(id)) line.push(id)
    return line
  }
  const childrenOf = (threadId: string): string[] =>
    [...parents.keys()].filter((child) => child !== threadId && lineOf(child).includes(threadId))

  return {
    lineOf,
    observe(method, params) {
      const threadId = word(params['threadId'])
      switch (method) {
        case 'thread/started':
          return adopt(word(fields(params['thread'])['id']), word(fields(params['thread'])['parentThreadId']))
        case 'item/started':
        case 'item/completed':
          for (const child of startedBy(fields(params['item']))) adopt(child, threadId)
          return
        case 'turn/started': {
          const turnId = word(fields(params['turn'])['id'])
          // Of other threads nobody asks it here.
          if (threadId !== undefined && turnId !== undefined && parents.has(threadId))
            turns.set(threadId, turnId)
          return
        }
        case 'turn/completed':
        case 'thread/closed':
          turns.delete(threadId ?? '')
      }
    },
    of: (threadId) => childrenOf(threadId).map((child) => ({ threadId: child, turnId: turns.get(child) })),
    forget(threadId) {
      for (const id of [threadId, ...childrenOf(threadId)]) {
        parents.delete(id)
        turns.delete(id)
      }
    },
  }
}

function startedBy(item: Fields): readonly string[] {
  switch (item['type']) {
    case 'collabAgentToolCall':
      return item['tool'] === 'spawnAgent' || item['tool'] === 'resumeAgent'
        ? words(item['receiverThreadIds'])
        : []
    case 'subAgentActivity':
      return [word(item['agentThreadId']) ?? []].flat()
    default:
      return []
  }
}
