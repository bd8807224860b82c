import type { Channel } from '../../process/channel.ts'
import { type Fields, fields } from '../fields.ts'
import { createSharedChannel } from '../shared-channel.ts'
import type { TurnEvent } from '../types.ts'
import { type ClientCalls, createClientCalls } from './client-calls.ts'
import { createTranslator, type Translator } from './to-events.ts'
import type { ToolNames } from './tool-names.ts'
import type { Totals } from './usage.ts'

/** A turn under way. */
export interface Turn {
  /** Codex's id of it, once it has one. */
  id: string | undefined
  readonly events: Channel<TurnEvent>
  readonly translator: Translator
  readonly calls: ClientCalls
  /** Tells what a notification stands for. Resolves when the next one may come. */
  read(method: string, params: Fields): Promise<void>
  /** Takes an `item/tool/call`; its result comes with the client's. `undefined` for a tool that the client does not have. */
  ask(params: Fields): Promise<Record<string, unknown>> | undefined
  /** Tells events, one after the other. Resolves when there is room for more. */
  tell(...events: readonly TurnEvent[]): Promise<void>
  /** Resolves when it has begun, or will not begin. */
  readonly begun: Promise<void>
  readonly begin: () => void
  /** Resolves when Codex is quiet again. */
  readonly settled: Promise<void>
  readonly settle: () => void
  /** Whether it was interrupted. */
  stopping: boolean
  /** Whether Codex has ended it. */
  over: boolean
}

/** What a turn is made from. */
export interface TurnSetup {
  readonly backend: string
  /** The model that the thread was started with. */
  readonly model: string | undefined
  /** What the session's threads have spent. */
  readonly totals: Totals
  readonly names: ToolNames
  /** What each leg begins with. */
  readonly init: TurnEvent
  /** Makes an answer what the client asked for. */
  readonly restore: ((text: string) => string) | undefined
  /** Whether other threads live in the process. */
  readonly isCrowded: () => boolean
  /** How long an answer with calls may say nothing before it is taken for broken, in ms. */
  readonly quietMs?: number | undefined
}

/**
 * How much of a turn waits for its reader before the whole process does, in characters. It is generous because
 * that holds up the other conversations too.
 */
const BUFFERED_CHARS = 8 << 20

/**
 * Where the provider's stream breaks, or ends for want of tokens, after whole calls, Codex waits for their results
 * before it says so or asks again (0.169.0). Their leg has to end without a sign. Should the answer only have been slow,
 * the calls that it still makes are the next leg's.
 */
const QUIET_MS = 15_000

/** A turn that has not begun. */
export function createTurn(setup: TurnSetup): Turn {
  const { backend, quietMs = QUIET_MS } = setup
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
  const events = createSharedChannel(backend, setup.isCrowded, BUFFERED_CHARS)
  const translator = createTranslator(setup.model, setup.totals, setup.restore)
  const calls = createClientCalls(backend, setup.names)
  let quiet: Timer | undefined
  /** Whether the model's answer is complete, so that it makes no more calls. */
  let complete = false

  const tell = async (...told: readonly TurnEvent[]) => {
    await Promise.all(told.map((event) => events.push(event, weightOf(event))))
  }
  /** The events that end the leg. The next one begins with them, so that what comes meanwhile is its own. */
  const endLeg = (): TurnEvent[] => {
    clearTimeout(quiet)
    calls.endLeg()
    return [...translator.pause(), setup.init]
  }
  const legEnd = (): TurnEvent[] => {
    clearTimeout(quiet)
    if (!calls.open) return []
    if (complete) return endLeg()
    quiet = setTimeout(() => void (calls.open && tell(...endLeg())), quietMs)
    return []
  }
  const callsIn = (method: string, params: Fields): TurnEvent[] => {
    if (method === 'rawResponse/completed') complete = true
    if (method !== 'rawResponseItem/completed') return []
    const item = fields(params['item'])
    if (CALLS.has(item['type'])) complete = false
    return calls.read(item)
  }

  return {
    id: undefined,
    events,
    translator,
    calls,
    read: (method, params) =>
      tell(...translator.read(method, params), ...callsIn(method, params), ...legEnd()),
    ask(params) {
      const asked = calls.ask(params)
      // The process is read on meanwhile.
      if (asked) void tell(...asked.events, ...legEnd())
      return asked?.result
    },
    tell,
    begun,
    begin,
    settled,
    settle() {
      clearTimeout(quiet)
      settle()
    },
    stopping: false,
    over: false,
  }
}

/** What makes calls in a model's answer: itself, or a script. */
const CALLS: ReadonlySet<unknown> = new Set(['function_call', 'custom_tool_call'])

/** How much an event weighs in the channel, in characters. */
function weightOf(event: TurnEvent): number {
  switch (event.type) {
    case 'text':
    case 'thinking':
      return event.text.length
    case 'call_delta':
      return event.json.length + 1
    case 'tool_result':
      return event.output.length + 1
    default:
      return 1
  }
}
