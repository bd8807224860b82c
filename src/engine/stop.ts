import type { TurnEvent } from '../agents/types.ts'

/**
 * Ends a turn where its text reaches one of the sequences, without it, as model providers do. Text that may be the
 * beginning of one is held back until that is known. Leaving the turn interrupts the agent; what the whole turn
 * would have cost is then not known and not told.
 */
export function withStop(
  events: AsyncIterable<TurnEvent>,
  sequences: readonly string[] = [],
): AsyncIterable<TurnEvent> {
  const wanted = sequences.filter((sequence) => sequence !== '')
  return wanted.length === 0 ? events : untilOne(events, wanted)
}

async function* untilOne(
  events: AsyncIterable<TurnEvent>,
  wanted: readonly string[],
): AsyncGenerator<TurnEvent, void> {
  let held: TextEvent | undefined
  for await (const event of events) {
    if (event.type === 'progress') {
      yield event
      continue
    }
    if (event.type !== 'text') {
      if (held) yield held
      held = undefined
      yield event
      continue
    }
    const text = (held?.text ?? '') + event.text
    const found = firstOf(text, wanted)
    if (found) {
      if (found.at > 0) yield { ...event, text: text.slice(0, found.at) }
      yield { type: 'done', stopReason: 'stop_sequence', stopSequence: found.sequence }
      return
    }
    const safe = text.length - undecided(text, wanted)
    if (safe > 0) yield { ...event, text: text.slice(0, safe) }
    held = safe < text.length ? { ...event, text: text.slice(safe) } : undefined
  }
  if (held) yield held
}

type TextEvent = Extract<TurnEvent, { type: 'text' }>

/** The sequence that begins first, the longest of those that begin at the same place. */
function firstOf(text: string, sequences: readonly string[]): { at: number; sequence: string } | undefined {
  let best: { at: number; sequence: string } | undefined
  for (const sequence of sequences) {
    const at = text.indexOf(sequence)
    if (at === -1) continue
    if (!best || at < best.at || (at === best.at && sequence.length > best.sequence.length))
      best = { at, sequence }
  }
  return best
}

/** How many characters at the end may be the beginning of a sequence. */
function undecided(text: string, sequences: readonly string[]): number {
  let most = 0
  for (const sequence of sequences)
    for (let length = Math.min(sequence.length - 1, text.length); length > most; length -= 1)
      if (text.endsWith(sequence.slice(0, length))) {
        most = length
        break
      }
  return most
}
