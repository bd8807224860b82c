import { ClinvkError } from '../../errors.ts'
import { type Fields, word } from '../fields.ts'
import type { ToolResult } from '../messages.ts'
import type { TurnEvent } from '../types.ts'
import { toolAnswer } from './content.ts'
import type { ToolNames } from './tool-names.ts'

/** What Codex asks for a result of a call. */
interface Asked {
  /** The call, where it was not told before. */
  readonly events: readonly TurnEvent[]
  readonly result: Promise<Record<string, unknown>>
}

/** The calls of the client's tools in one turn: told to the client, asked for by Codex, answered in legs. */
export interface ClientCalls {
  /** Takes an item of the model's answer. */
  read(item: Fields): TurnEvent[]
  /** Takes an `item/tool/call`; `undefined` for a tool that the client does not have. */
  ask(params: Fields): Asked | undefined
  /** Whether calls were told since the last leg ended. */
  readonly open: boolean
  /** A leg ends: its calls wait for their results. */
  endLeg(): void
  /** Whether a leg waits for results. */
  readonly waiting: boolean
  /** Answers the calls of the leg that waits longest. @throws `agent_protocol` where results and calls do not fit. */
  answer(results: readonly ToolResult[]): void
  /** The turn is being stopped: nothing waits any more, and what still comes is not told. */
  drop(): void
}

interface Call {
  readonly result: Promise<Record<string, unknown>>
  readonly resolve: (result: Record<string, unknown>) => void
  answered: boolean
  /** How often Codex is still going to ask for it: once for each item, even if several have one id. */
  due: number
}

/**
 * The model's own words of a call come as an item of its answer, in order. Codex asks for the results beside that, in
 * any order and often only when the answer is complete; calls that a script of the model makes, in Codex's code mode,
 * it only asks for (0.169.0). A call is told with whatever comes first.
 */
export function createClientCalls(backend: string, names: ToolNames): ClientCalls {
  const calls = new Map<string, Call>()
  const legs: (readonly string[])[] = []
  let leg: string[] = []
  let dropped = false

  const tell = (id: string, name: string, json: string, input: unknown): TurnEvent[] => {
    const { promise: result, resolve } = Promise.withResolvers<Record<string, unknown>>()
    calls.set(id, { result, resolve, answered: false, due: 0 })
    leg.push(id)
    return [
      { type: 'call_start', id, name },
      { type: 'call_delta', id, json },
      { type: 'call_end', id, name, input },
    ]
  }

  return {
    get open() {
      return leg.length > 0
    },
    get waiting() {
      return legs.length > 0
    },
    read(item) {
      const id = word(item['call_id'])
      const json = word(item['arguments'])
      const name = isClients(item) ? names.own(word(item['name']) ?? '') : undefined
      if (
        dropped ||
        item['type'] !== 'function_call' ||
        id === undefined ||
        json === undefined ||
        name === undefined
      )
        return []
      const input = parse(json)
      // Codex itself answers a call without arguments that it can read.
      if (input === undefined) return []
      // Some providers number the calls of each answer anew.
      const events = calls.get(id)?.answered === false ? [] : tell(id, name, json, input)
      const call = calls.get(id)
      if (call) call.due += 1
      return events
    },
    ask(params) {
      const id = word(params['callId'])
      const name = isClients(params) ? names.own(word(params['tool']) ?? '') : undefined
      if (id === undefined || name === undefined) return undefined
      // Codex cancels it itself, and tells the model so.
      if (dropped) return { events: [], result: Promise.withResolvers<never>().promise }
      const known = calls.get(id)
      const isNew = known === undefined || (known.answered && known.due === 0)
      const input = params['arguments'] ?? {}
      const events = isNew ? tell(id, name, JSON.stringify(input), input) : []
      const call = calls.get(id)
      if (!call) return undefined
      call.due = Math.max(0, call.due - 1)
      return { events, result: call.result }
    },
    endLeg() {
      legs.push(leg)
      leg = []
    },
    answer(results) {
      const expected = legs[0] ?? []
      const told = new Map(results.map((result) => [result.callId, toolAnswer(result)]))
      const unknown = [...told.keys()].find((id) => !expected.includes(id))
      const missing = expected.find((id) => !told.has(id))
      if (unknown !== undefined || missing !== undefined)
        throw new ClinvkError(
          'agent_protocol',
          unknown === undefined
            ? `${backend}: the call ${missing} has no result.`
            : `${backend}: there is a result for ${unknown}, which is no call that waits for one.`,
          { details: { backend } },
        )
      legs.shift()
      for (const [id, result] of told) {
        const call = calls.get(id)
        if (!call) continue
        call.answered = true
        call.resolve(result)
      }
    },
    drop() {
      dropped = true
      legs.length = 0
      leg = []
    },
  }
}

/** Tools in a namespace are those of MCP servers or Codex's own; `functions` is where some models find all others. */
function isClients({ namespace }: Fields): boolean {
  return (namespace ?? 'functions') === 'functions'
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
