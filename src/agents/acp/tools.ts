import { type Fields, fields, items, word } from '../fields.ts'
import type { TurnEvent } from '../types.ts'

/** Collects what is told of tool calls in pieces, and shows each call once and its result once. */
export interface ToolCalls {
  /** A `tool_call` or `tool_call_update`. */
  update(update: Fields): TurnEvent[]
  /** The agent asks for permission. */
  asked(call: Fields): TurnEvent[]
  /** We denied a call. Not all agents tell that it failed then. */
  denied(callId: string, reason: string): TurnEvent[]
  /** What was announced and never begun. */
  flush(): TurnEvent[]
  /** How many calls were seen. */
  readonly seen: number
  nameOf(callId: string): string
}

interface Call {
  name: string | undefined
  title: string | undefined
  input: unknown
  paths: readonly string[]
  changes: readonly Fields[]
  shown: boolean
  over: boolean
}

/** @param toolName See `AcpProfile.toolName`. */
export function createToolCalls(
  toolName: (callId: string) => string | undefined = () => undefined,
): ToolCalls {
  const calls = new Map<string, Call>()

  const learn = (update: Fields): [string, Call] => {
    const id = word(update['toolCallId']) ?? ''
    const call = calls.get(id) ?? emptyCall()
    calls.set(id, call)
    // `name` is an extension. A title is for people; the first one is the nearest to a name.
    call.name ??= toolName(id) ?? word(update['name']) ?? word(update['title']) ?? word(update['kind'])
    call.title ??= word(update['title'])
    if (hasInput(update['rawInput'])) call.input = update['rawInput']
    const paths = items(update['locations']).flatMap(({ path }) => word(path) ?? [])
    if (paths.length > 0) call.paths = paths
    const changes = items(update['content']).filter(({ type }) => type === 'diff')
    if (changes.length > 0)
      call.changes = changes.map(({ path, oldText, newText }) => ({ path, oldText, newText }))
    return [id, call]
  }
  const show = (id: string, call: Call): TurnEvent[] => {
    if (call.shown) return []
    call.shown = true
    return [{ type: 'tool_use', id, name: call.name ?? 'tool', input: inputOf(call) }]
  }

  return {
    get seen() {
      return calls.size
    },
    nameOf: (callId) => calls.get(callId)?.name ?? 'tool',
    update(update) {
      const [id, call] = learn(update)
      const status = update['status']
      const ended = status === 'completed' || status === 'failed'
      // Its input is often not there yet while it is pending.
      if (!ended && status !== 'in_progress') return []
      const events = show(id, call)
      if (!ended || call.over) return events
      call.over = true
      return [...events, { type: 'tool_result', id, output: outputOf(update), isError: status === 'failed' }]
    },
    asked(request) {
      const [id, call] = learn(request)
      return show(id, call)
    },
    denied(callId, reason) {
      const call = calls.get(callId)
      if (!call || call.over) return []
      call.over = true
      return [{ type: 'tool_result', id: callId, output: `Denied: ${reason}`, isError: true }]
    },
    flush: () => [...calls].flatMap(([id, call]) => show(id, call)),
  }
}

function emptyCall(): Call {
  return {
    name: undefined,
    title: undefined,
    input: undefined,
    paths: [],
    changes: [],
    shown: false,
    over: false,
  }
}

function hasInput(input: unknown): boolean {
  if (typeof input !== 'object') return input !== undefined
  return input !== null && Object.keys(input).length > 0
}

/** The tool's arguments, or where the agent keeps them to itself, what it tells of the call. */
function inputOf({ input, title, paths, changes }: Call): unknown {
  if (input !== undefined) return input
  return {
    ...(title === undefined ? {} : { title }),
    ...(paths.length === 0 ? {} : { paths }),
    ...(changes.length === 0 ? {} : { changes }),
  }
}

function outputOf(update: Fields): string {
  const shown = items(update['content']).flatMap((part) => {
    if (part['type'] === 'diff') return `Changed ${word(part['path']) ?? 'a file'}.`
    const content = fields(part['content'])
    return (
      word(content['text']) ?? (content['type'] === 'text' ? [] : `[${word(content['type']) ?? 'unknown'}]`)
    )
  })
  if (shown.length > 0) return shown.join('\n')
  const raw = update['rawOutput']
  return word(raw) ?? word(fields(raw)['output']) ?? word(fields(raw)['error']) ?? ''
}
