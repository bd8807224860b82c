import { expect, test } from 'bun:test'
import { parseNotes, reasonFor } from '../../bench/notes.ts'

const NOTES = `# Notes

How to write them: \`- NAME OF THE GOAL: reason\`.

## 1. First token

- claude (b) of (a): it starts a process,
  and that: takes time.
- codex (c) of (e): noise.

Some more text.

## 3

Only text.
`

test('a reason belongs to a goal of a group', () => {
  const notes = parseNotes(NOTES)
  expect(reasonFor(notes, 1, 'claude (b) of (a)')).toBe('it starts a process, and that: takes time.')
  expect(reasonFor(notes, 1, 'codex (c) of (e)')).toBe('noise.')
  expect(reasonFor(notes, 3, 'claude (b) of (a)')).toBe('not explained yet.')
  expect(reasonFor(notes, 9, 'codex (c) of (e)')).toBe('not explained yet.')
})

test('other text of a section is kept, and what stands before the first section is not', () => {
  const notes = parseNotes(NOTES)
  expect([...notes].map(([group, { text }]) => [group, text])).toEqual([
    [1, 'Some more text.'],
    [3, 'Only text.'],
  ])
})
