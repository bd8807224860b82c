import { expect, test } from 'bun:test'
import { parseNotes } from '../../bench/notes.ts'
import { type Goal, type Section, toMarkdown } from '../../bench/report.ts'

function report(sections: Section[], notes = ''): string {
  return toMarkdown({ machine: { Cores: '2' }, remarks: ['A remark.'], sections, notes: parseNotes(notes) })
}

function section(goals: Goal[]): Section {
  const table = { title: 'claude', head: ['', 'ms'], rows: [['a|b', '12']] }
  return { number: 2, title: 'At once', result: { about: ['How.'], tables: [table], goals } }
}

const MET = { name: 'fast', goal: '≤ 0.25', value: '0.20', met: true }
const MISSED = { name: 'slow', goal: '≤ 0.25', value: '0.50', met: false }
const UNKNOWN = { name: 'dark', goal: '1', value: 'not told', met: undefined }

test('a report describes the machine, and each group with its tables', () => {
  const text = report([section([])])
  expect(text).toContain('| Machine |  |\n|---|---|\n| Cores | 2 |')
  expect(text).toContain('A remark.')
  expect(text).toContain('## 2. At once\n\nHow.\n\n**claude**\n\n|  | ms |\n|---|---|\n| a\\|b | 12 |')
  expect(text).not.toContain('Why,')
})

test('a goal is met, missed or not known, and a missed one has a reason', () => {
  const text = report(
    [section([MET, MISSED, UNKNOWN])],
    '## 2\n- slow: it is slow.\n- fast: no more.\n\nMore.\n',
  )
  expect(text).toContain('| fast | ≤ 0.25 | 0.20 | met |')
  expect(text).toContain('| slow | ≤ 0.25 | 0.50 | **missed** |')
  expect(text).toContain('| dark | 1 | not told | not known |')
  expect(text).toContain('- Why, slow: it is slow.\n')
  expect(text).not.toContain('Why, fast')
  expect(text).toContain('**Notes**\n\nMore.')
})

test('a group that failed says so', () => {
  expect(report([{ number: 3, title: 'Streams', result: undefined }])).toContain(
    '## 3. Streams\n\n**This group failed.**',
  )
})
