import type { JsonSchema } from '../agents/client-tools.ts'
import type { HistoryMessage, ToolResult } from '../agents/messages.ts'
import type { TurnEvent } from '../agents/types.ts'
import type { Conversation } from './conversations.ts'
import { digestOf } from './digest.ts'

/** A turn that waits for the results of the client's tools, with what its results are recognised by. */
export interface WaitingTurn {
  readonly conversation: Conversation
  /** Ends the conversation's lease, and with it a turn that nobody goes on with. */
  readonly release: () => Promise<void>
  /** Who began it: nobody else goes on with it. */
  readonly caller: string | undefined
  /** Stands for everything that was said before the answer that made the calls. */
  readonly digest: string
  /** That answer, as its client was told it. */
  readonly answer: ToldAnswer
  /** Calls of the same answer that the client was not told yet, since it wants one at a time. */
  readonly untold: readonly (readonly TurnEvent[])[]
  /** Results of those that it was told before. */
  readonly given: readonly ToolResult[]
}

/** What a client was told of an answer. */
export interface ToldAnswer {
  readonly text: string
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: unknown }[]
}

/** How long a turn waits for results, in ms, and how many wait at most; the oldest goes first. */
export interface WaitingLimits {
  readonly waitMs: number
  readonly most: number
}

/** The turns of one engine that wait for the results of the client's tools. */
export interface WaitingTurns {
  add(turn: WaitingTurn): void
  /** Takes out the one that matches. */
  take(matches: (turn: WaitingTurn) => boolean): WaitingTurn | undefined
  /** Ends those that match. */
  end(matches: (turn: WaitingTurn) => Promise<boolean>): Promise<void>
  /** Ends the one of those that match that waits longest; false where none does. */
  endOldest(matches: (turn: WaitingTurn) => boolean): Promise<boolean>
  /** Ends all of them, and whatever else comes to wait. */
  close(): Promise<void>
}

export function createWaitingTurns({ waitMs, most }: WaitingLimits): WaitingTurns {
  const waiting = new Map<WaitingTurn, Timer>()
  let closed = false
  const remove = (turn: WaitingTurn) => {
    clearTimeout(waiting.get(turn))
    return waiting.delete(turn)
  }
  const end = async (turn: WaitingTurn) => {
    if (remove(turn)) await turn.release().catch(() => {})
  }
  return {
    add(turn) {
      const timer = setTimeout(() => void end(turn), waitMs)
      timer.unref()
      waiting.set(turn, timer)
      const [oldest] = waiting.keys()
      if (closed) void end(turn)
      else if (waiting.size > most && oldest) void end(oldest)
    },
    take(matches) {
      const turn = [...waiting.keys()].find(matches)
      if (turn) remove(turn)
      return turn
    },
    async end(matches) {
      for (const turn of waiting.keys()) if (await matches(turn)) await end(turn)
    },
    async endOldest(matches) {
      const oldest = [...waiting.keys()].find(matches)
      if (oldest) await end(oldest)
      return oldest !== undefined
    },
    async close() {
      closed = true
      await Promise.all([...waiting.keys()].map(end))
    },
  }
}

/** A history whose end are the results of the calls of its last answer. */
export interface Continuation {
  readonly before: readonly HistoryMessage[]
  readonly answer: Extract<HistoryMessage, { role: 'assistant' }>
  readonly results: readonly ToolResult[]
}

/** Splits a history that ends with results; undefined for any other. */
export function toContinuation(history: readonly HistoryMessage[]): Continuation | undefined {
  const at = history.findLastIndex(({ role }) => role !== 'tool')
  const answer = history[at]
  const results = history.slice(at + 1).filter((message) => message.role === 'tool')
  if (answer?.role !== 'assistant' || results.length === 0) return undefined
  return { before: history.slice(0, at), answer, results }
}

/**
 * Whether a conversation has left a waiting turn behind: the answer that made its calls is part of it, and it goes on
 * in another way than with their results.
 */
export async function isLeftBehind(
  { answer, digest, caller }: WaitingTurn,
  asking: string | undefined,
  history: readonly HistoryMessage[],
): Promise<boolean> {
  const [first] = answer.calls
  if (caller !== asking || first === undefined) return false
  const at = history.findLastIndex(
    (message) => message.role === 'assistant' && message.toolCalls.some(({ id }) => id === first.id),
  )
  return at >= 0 && (await digestOf(history.slice(0, at))) === digest
}

/** Whether results belong to the calls that a turn waits for, and the answer is still what its client was told. */
export function answersCalls(
  { answer: told, conversation }: WaitingTurn,
  { answer, results }: Continuation,
): boolean {
  return (
    told.calls.length === answer.toolCalls.length &&
    told.calls.every(({ id, name, input }, index) => {
      const call = answer.toolCalls[index]
      const tool = conversation.options.clientTools?.find((offered) => offered.name === name)
      return call?.id === id && call.name === name && isSameInput(call.input, input, tool?.inputSchema)
    }) &&
    told.calls.every(({ id }) => results.some(({ callId }) => callId === id)) &&
    // Some clients leave out what was said beside calls, and others change its white space.
    (answer.text === '' || withoutSpace(answer.text) === withoutSpace(told.text))
  )
}

/**
 * Whether the arguments of a call are those that its client was told. Some clients keep them in another order, with the
 * defaults of the tool's schema filled in (Claude Code 2.1.330: `replace_all` of its Edit).
 */
function isSameInput(now: unknown, told: unknown, schema: JsonSchema | undefined): boolean {
  if (Bun.deepEquals(now, told)) return true
  if (!isObject(now) || !isObject(told)) return false
  const properties = isObject(schema?.['properties']) ? schema['properties'] : {}
  const added = Object.keys(now).filter((name) => !(name in told))
  return (
    Object.entries(told).every(([name, value]) => name in now && Bun.deepEquals(now[name], value)) &&
    added.every((name) => {
      const property = properties[name]
      return isObject(property) && 'default' in property && Bun.deepEquals(now[name], property['default'])
    })
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function withoutSpace(text: string): string {
  return text.replace(/\s+/g, '')
}
