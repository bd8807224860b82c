import type { TurnEvent } from '../types.ts'

/** Answers that are changed before they are told, so that nothing is told of them while they are written. */
export interface WholeAnswers {
  /** More of an answer was written. */
  add(id: string, text: string): void
  /** An answer is whole. */
  complete(id: string, text: string): TurnEvent[]
  /** What was written of an answer that was cut. */
  cut(): TurnEvent[]
  /** The answer under way begins again. */
  begin(): void
}

export function createWholeAnswers(restore: (text: string) => string): WholeAnswers {
  const told = new Set<string>()
  let written: { id: string; text: string } | undefined
  const complete = (id: string, text: string): TurnEvent[] => {
    written = undefined
    if (told.has(id)) return []
    told.add(id)
    const restored = restore(text)
    return restored === '' ? [] : [{ type: 'text', text: restored, part: id }]
  }
  return {
    add(id, text) {
      written = { id, text: (written?.id === id ? written.text : '') + text }
    },
    complete,
    cut: () => (written ? complete(written.id, written.text) : []),
    begin() {
      written = undefined
    },
  }
}
