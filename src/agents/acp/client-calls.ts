import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { ClinvkError } from '../../errors.ts'
import type { ClientTool } from '../client-tools.ts'
import { type Fields, fields, word } from '../fields.ts'
import type { ToolResult } from '../messages.ts'
import type { TurnEvent } from '../types.ts'
import type { McpCall } from './mcp-session.ts'
import type { ClientToolsWay } from './profile.ts'
import type { NamedTools } from './tool-names.ts'
import { toMcpResult } from './tool-result.ts'

/** Who hears of the calls of a turn. */
interface CallListener {
  /** A call, as the turn's reader is told of it. */
  tell(events: readonly TurnEvent[]): void
  /** All calls are told; nothing more comes without their results. */
  wait(): void
  /** Whether something of what the agent has said is still on its way to the reader. */
  readonly behind: boolean
}

/**
 * The calls of a client's tools in one session. An agent announces each over ACP, with the id that its provider gave
 * it, and makes it over MCP, with its arguments and without that id. Only together they are told: the announcement
 * stands where the call does among the model's words.
 */
export interface ClientCalls {
  /** Hears of the calls that come from now on; without a listener they fail. */
  listen(listener: CallListener | undefined): void
  /** Whether a tool call of ACP is one of these. */
  owns(call: Fields): boolean
  /** What ACP tells of such a call. */
  update(call: Fields): void
  /** The agent said something: what it calls may not be all. */
  stir(): void
  /** The agent calls a tool over MCP. */
  take(call: McpCall): void
  /** How many calls were announced. */
  readonly seen: number
  /** @throws `invalid_request` unless there is one result for each call that is waited for. */
  check(results: readonly ToolResult[]): void
  /** Gives the calls their results, which were checked. */
  answer(results: readonly ToolResult[]): void
  /** Ends what the agent still waits for. */
  drop(): void
}

/** What the calls of a session are told with. */
export interface ClientCallsSetup {
  readonly way: ClientToolsWay
  /** The MCP server's name, which the model finds before each tool's. */
  readonly server: string
  readonly named: NamedTools
  /** Ids of calls that the conversation has had. */
  readonly usedIds: Iterable<string>
}

interface Announced {
  readonly name: string
  /** `undefined` where the agent does not tell it. */
  input: unknown
  claimed: boolean
  over: boolean
}

interface Made {
  readonly call: McpCall
  readonly tool: ClientTool
  timer: Timer | undefined
  late: boolean
}

export function createClientCalls({ way, server, named, usedIds }: ClientCallsSetup): ClientCalls {
  const announced = new Map<string, Announced>()
  let made: Made[] = []
  /** The names of calls that were told without an announcement. */
  let unannounced: string[] = []
  /** Told in this leg of the turn. */
  const told = new Map<string, McpCall>()
  /** Told in the legs before, and not answered. */
  const waited = new Map<string, McpCall>()
  const ids = new Set(usedIds)
  let listener: CallListener | undefined
  let quiet: Timer | undefined
  let seen = 0

  /** The client's tool that a call of ACP means, by the agent's name for it. */
  const nameIn = (call: Fields): string | undefined => {
    const id = word(call['toolCallId']) ?? ''
    const found = named.tools
      .map(({ name }) => name)
      .filter((name) => {
        const full = `${server}_${name}`
        return call['title'] === full || way.isCallOf(id, full)
      })
    // One name may begin with another.
    return found.toSorted((one, other) => other.length - one.length)[0]
  }
  const begin = (id: string, name: string): Announced => {
    seen += 1
    const late = unannounced.indexOf(name)
    if (late !== -1) unannounced.splice(late, 1)
    const entry = { name, input: undefined, claimed: late !== -1, over: false }
    announced.set(id, entry)
    return entry
  }
  const newId = (toolCallId: string | undefined, name: string): string => {
    const theirs = toolCallId === undefined ? undefined : way.callId(toolCallId, `${server}_${name}`)
    const id =
      theirs !== undefined && /^[\w-]{1,64}$/.test(theirs) && !ids.has(theirs)
        ? theirs
        : `call_${randomBytes(12).toString('hex')}`
    ids.add(id)
    return id
  }
  /** The announcement of a call; `undefined` while it may still come. */
  const claim = ({ call, late }: Made): { id: string | undefined } | undefined => {
    const open = [...announced].filter(([, { name, claimed }]) => name === call.name && !claimed)
    const found =
      open.find(([, { input }]) => input === undefined || isDeepStrictEqual(input, call.input)) ??
      (late ? open[0] : undefined)
    if (!found) return late ? { id: undefined } : undefined
    found[1].claimed = true
    return { id: found[0] }
  }
  const tell = ({ call, tool }: Made, toolCallId: string | undefined) => {
    const id = newId(toolCallId, call.name)
    told.set(id, call)
    const input = withoutAdded(call.input, tool, way.addedArguments)
    const { name } = tool
    listener?.tell([
      { type: 'call_start', id, name },
      { type: 'call_delta', id, json: JSON.stringify(input) },
      { type: 'call_end', id, name, input },
    ])
  }
  const advance = () => {
    const open = made
    made = []
    for (const entry of open) {
      const found = claim(entry)
      if (!found) {
        made.push(entry)
        continue
      }
      clearTimeout(entry.timer)
      if (found.id === undefined) unannounced.push(entry.call.name)
      tell(entry, found.id)
    }
    settle()
  }
  const isComplete = () =>
    told.size > 0 &&
    waited.size === 0 &&
    made.length === 0 &&
    ![...announced.values()].some(({ claimed, over }) => !claimed && !over)
  const settle = () => {
    clearTimeout(quiet)
    quiet = undefined
    if (!listener || !isComplete()) return
    if (way.quietMs === 0) return wait()
    quiet = setTimeout(() => (listener?.behind ? settle() : wait()), way.quietMs)
  }
  const wait = () => {
    for (const [id, call] of told) waited.set(id, call)
    told.clear()
    listener?.wait()
  }
  const expire = (entry: Made) => {
    if (listener?.behind) {
      entry.timer = setTimeout(() => expire(entry), way.announcedMs)
      return
    }
    entry.late = true
    advance()
  }

  return {
    get seen() {
      return seen
    },
    listen(next) {
      listener = next
      seen = 0
      announced.clear()
      unannounced = []
    },
    owns: (call) => announced.has(word(call['toolCallId']) ?? '') || nameIn(call) !== undefined,
    update(call) {
      const id = word(call['toolCallId']) ?? ''
      const name = announced.get(id)?.name ?? nameIn(call)
      if (name === undefined) return
      const entry = announced.get(id) ?? begin(id, name)
      if (call['rawInput'] !== undefined) entry.input = fields(call['rawInput'])
      if (call['status'] === 'completed' || call['status'] === 'failed') entry.over = true
      advance()
    },
    stir: settle,
    take(call) {
      const tool = named.find(call.name)
      if (!listener || !tool) return call.answer(FAILED)
      const entry: Made = { call, tool, timer: undefined, late: false }
      entry.timer = setTimeout(() => expire(entry), way.announcedMs)
      made.push(entry)
      advance()
    },
    check(results) {
      const given = new Set(results.map(({ callId }) => callId))
      if (given.size === results.length && given.symmetricDifference(new Set(waited.keys())).size === 0)
        return
      throw new ClinvkError(
        'invalid_request',
        `Each call has to have one result. These wait: ${[...waited.keys()].join(', ')}.`,
      )
    },
    answer(results) {
      const calls = new Map(waited)
      waited.clear()
      for (const result of results) calls.get(result.callId)?.answer(toMcpResult(result, way.failures))
      // What came while these were waited for.
      settle()
    },
    drop() {
      listener = undefined
      clearTimeout(quiet)
      for (const { call, timer } of made) {
        clearTimeout(timer)
        call.answer(FAILED)
      }
      for (const call of [...waited.values(), ...told.values()]) call.answer(FAILED)
      made = []
      waited.clear()
      told.clear()
    },
  }
}

const FAILED = { content: [{ type: 'text', text: 'The call was cancelled.' }], isError: true } as const

/** The arguments without what the agent itself has the model add to them. */
function withoutAdded(input: Fields, { inputSchema }: ClientTool, added: readonly string[]): Fields {
  const own = fields(inputSchema['properties'])
  return Object.fromEntries(
    Object.entries(input).filter(([name]) => !added.includes(name) || Object.hasOwn(own, name)),
  )
}
