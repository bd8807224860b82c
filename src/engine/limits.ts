import type { TurnEvent } from '../agents/types.ts'
import { ClinvkError } from '../errors.ts'
import { createLazyTimer } from '../process/lazy-timer.ts'

/** The limits of a turn that are ours to watch. 0 or absent: none. */
export interface TurnLimits {
  /** How long the agent may give no sign of life while none of its tools runs, in ms. */
  readonly silenceMs?: number
  /** How long the whole turn may take, in ms. */
  readonly totalMs?: number
  /** Model rounds, where the agent itself cannot count them. */
  readonly maxTurns?: number
}

/**
 * Passes the events of a turn on and aborts it with `timeout` when a limit is over. The clocks run only while we
 * wait for the agent, not while the reader takes its time.
 */
export async function* withTimeouts(
  events: AsyncIterable<TurnEvent>,
  { silenceMs = 0, totalMs = 0 }: TurnLimits,
  abort: (reason: ClinvkError) => void,
): AsyncGenerator<TurnEvent, void> {
  const runningTools = new Set<string>()
  let spent = 0
  let late = silenceTimeout
  const timer = createLazyTimer(() =>
    abort(late === totalTimeout ? totalTimeout(totalMs) : silenceTimeout(silenceMs)),
  )
  const iterator = events[Symbol.asyncIterator]()
  try {
    while (true) {
      const silence = silenceMs > 0 && runningTools.size === 0 ? silenceMs : Number.POSITIVE_INFINITY
      const left = totalMs > 0 ? totalMs - spent : Number.POSITIVE_INFINITY
      late = left <= silence ? totalTimeout : silenceTimeout
      timer.start(Math.min(silence, left))
      const since = performance.now()
      const next = await iterator.next()
      timer.stop()
      spent += performance.now() - since
      if (next.done) return
      if (next.value.type === 'tool_use') runningTools.add(next.value.id)
      if (next.value.type === 'tool_result') runningTools.delete(next.value.id)
      yield next.value
    }
  } finally {
    timer.end()
    await iterator.return?.()
  }
}

/**
 * Ends a turn with `max_turns` as soon as its model speaks once more than `maxTurns` times. Agents do not tell when
 * they ask their model, so the call that is one too many is heard, not foreseen; nothing of it is passed on.
 */
export function withMaxTurns(
  events: AsyncIterable<TurnEvent>,
  maxTurns: number | undefined,
): AsyncIterable<TurnEvent> {
  return maxTurns === undefined ? events : untilRound(events, maxTurns)
}

async function* untilRound(
  events: AsyncIterable<TurnEvent>,
  maxTurns: number,
): AsyncGenerator<TurnEvent, void> {
  let rounds = 1
  let resultsSinceRound = false
  for await (const event of events) {
    if (event.type === 'tool_result') resultsSinceRound = true
    // The model speaks again after it was given results: that is its next round.
    else if (resultsSinceRound && OF_THE_MODEL.has(event.type)) {
      resultsSinceRound = false
      rounds += 1
      if (rounds > maxTurns) {
        yield { type: 'done', stopReason: 'max_turns' }
        return
      }
    }
    yield event
  }
}

/** Separates the paragraphs of an answer that the agent tells in several blocks, with tools in between. */
export async function* withParagraphs(events: AsyncIterable<TurnEvent>): AsyncGenerator<TurnEvent, void> {
  let part: string | undefined
  let tail = ''
  for await (const event of events) {
    if (event.type === 'text' && event.text !== '') {
      if (tail !== '' && event.part !== part) {
        const missing = 2 - (tail.match(/\n*$/)?.[0].length ?? 0)
        if (missing > 0) yield { ...event, text: '\n'.repeat(missing) }
      }
      part = event.part
      tail = event.text.length >= 2 ? event.text.slice(-2) : (tail + event.text).slice(-2)
    }
    yield event
  }
}

const OF_THE_MODEL: ReadonlySet<TurnEvent['type']> = new Set(['text', 'thinking', 'tool_use'])

function silenceTimeout(ms: number): ClinvkError {
  return new ClinvkError(
    'timeout',
    `The agent gave no sign of life for ${ms / 1000} s (server.request_timeout_secs). The turn was cancelled.`,
  )
}

function totalTimeout(ms: number): ClinvkError {
  return new ClinvkError(
    'timeout',
    `The turn took longer than ${ms / 1000} s (unified_flags.command_timeout_secs) and was cancelled.`,
  )
}
