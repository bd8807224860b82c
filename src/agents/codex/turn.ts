import type { Channel } from '../../process/channel.ts'
import { createSharedChannel } from '../shared-channel.ts'
import type { TurnEvent } from '../types.ts'
import { createTranslator, type Translator } from './to-events.ts'
import type { Totals } from './usage.ts'

/** A turn under way. */
export interface Turn {
  /** Codex's id of it, once it has one. */
  id: string | undefined
  readonly events: Channel<TurnEvent>
  readonly translator: Translator
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

/**
 * How much of a turn waits for its reader before the whole process does, in characters. It is generous because
 * that holds up the other conversations too.
 */
const BUFFERED_CHARS = 8 << 20

/**
 * A turn that has not begun.
 *
 * @param model the model that the thread was started with
 * @param totals what the session's threads have spent
 * @param isCrowded whether other threads live in the process
 */
export function createTurn(
  backend: string,
  model: string | undefined,
  totals: Totals,
  isCrowded: () => boolean,
): Turn {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: settled, resolve: settle } = Promise.withResolvers<void>()
  return {
    id: undefined,
    events: createSharedChannel(backend, isCrowded, BUFFERED_CHARS),
    translator: createTranslator(model, totals),
    begun,
    begin,
    settled,
    settle,
    stopping: false,
    over: false,
  }
}

/** How much an event weighs in the channel, in characters. */
export function weightOf(event: TurnEvent): number {
  switch (event.type) {
    case 'text':
    case 'thinking':
      return event.text.length
    case 'tool_result':
      return event.output.length + 1
    default:
      return 1
  }
}
