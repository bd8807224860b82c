import type { TurnEvent } from './types.ts'

/** What is to be sent on. `again`: the answer begins anew, since it no longer says what was sent before. */
export interface Delta {
  readonly text: string
  readonly part: string
  readonly again: boolean
}

/**
 * Agents stream a message as it arrives. When the provider's stream breaks, they ask again and stream the new message
 * from its start, although the first part of the old one has gone out. A draft remembers that part and holds back
 * what would be told twice.
 */
export interface Draft {
  add(text: string, part: string): Delta | undefined
  /** The block is whole. What was held back of it is sent if it turns out to be all that there is. */
  settle(): Delta | undefined
  /** A new message begins; one that was not settled is going to be told again. */
  begin(): void
}

export function createDraft(): Draft {
  let said = { text: '', part: '' }
  let broken: typeof said | undefined
  let heard = { text: '', part: '' }
  // A part that goes on where a broken one stopped keeps that one's name.
  let renamed: { from: string; to: string } | undefined

  return {
    add(text, part) {
      if (!broken) {
        const name = renamed?.from === part ? renamed.to : part
        said = { text: said.text + text, part: name }
        return { text, part: name, again: false }
      }
      heard = { text: heard.text + text, part: heard.part || part }
      if (broken.text.startsWith(heard.text) && heard.text !== broken.text) return undefined
      const goesOn = heard.text.startsWith(broken.text)
      const delta = goesOn
        ? { text: heard.text.slice(broken.text.length), part: broken.part, again: false }
        : { ...heard, again: true }
      if (goesOn) renamed = { from: part, to: broken.part }
      said = { text: heard.text, part: delta.part }
      broken = undefined
      return delta.text === '' ? undefined : delta
    },
    settle() {
      const held = broken && heard.text !== '' ? { ...heard, again: true } : undefined
      said = { text: '', part: '' }
      heard = said
      broken = undefined
      return held
    },
    begin() {
      if (!broken && said.text !== '') broken = said
      said = { text: '', part: '' }
      heard = said
    },
  }
}

/** What is told of a delta. */
export function toldOf(type: 'text' | 'thinking', delta: Delta | undefined): TurnEvent[] {
  if (!delta || delta.text === '') return []
  const event = { type, text: delta.text, part: delta.part }
  if (!delta.again) return [event]
  return [
    { type: 'progress', message: 'The connection broke, and the agent begins its answer again.' },
    event,
  ]
}
