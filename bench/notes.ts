/** What was written by hand about a group: the reason for each goal that was missed, and the rest. */
interface GroupNotes {
  readonly reasons: ReadonlyMap<string, string>
  readonly text: string
}

/** By the group's number. */
export type Notes = ReadonlyMap<number, GroupNotes>

/**
 * Reads notes in Markdown: a section `## 1` (with any title behind the number) for each group, and in it an item
 * `- NAME OF THE GOAL: reason` for a goal, on a line or on more with indented ones behind it.
 */
export function parseNotes(markdown: string): Notes {
  const notes = new Map<number, GroupNotes>()
  for (const section of markdown.split(/^## (?=\d)/m).slice(1)) {
    const [heading = '', ...lines] = section.split('\n')
    notes.set(Number.parseInt(heading, 10), parseSection(lines.join('\n')))
  }
  return notes
}

/** Why a goal was missed. */
export function reasonFor(notes: Notes, group: number, goal: string): string {
  return notes.get(group)?.reasons.get(goal) ?? 'not explained yet.'
}

const ITEM = /^- ([^:\n]+): (.+(?:\n[ \t]+\S.*)*)\n?/gm

function parseSection(section: string): GroupNotes {
  const reasons = new Map<string, string>()
  for (const [, name = '', reason = ''] of section.matchAll(ITEM))
    reasons.set(name, reason.replaceAll(/\s+/g, ' '))
  return { reasons, text: section.replaceAll(ITEM, '').trim() }
}
