import type { Machine } from './machine.ts'
import { type Notes, reasonFor } from './notes.ts'

/** A table of the results. */
export interface Table {
  readonly title?: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** What a value should be, and whether it is. */
export interface Goal {
  /** Also the name of its reason in the notes, so without a colon. */
  readonly name: string
  readonly goal: string
  readonly value: string
  /** `undefined` where the value is not known. */
  readonly met: boolean | undefined
}

/** What a group has measured. */
export interface GroupResult {
  /** How it was measured, a sentence or two each. */
  readonly about: readonly string[]
  readonly tables: readonly Table[]
  readonly goals: readonly Goal[]
}

/** A group with its place in the report. */
export interface Section {
  readonly number: number
  readonly title: string
  /** `undefined` where it failed. */
  readonly result: GroupResult | undefined
}

/** Everything that goes into the report. */
export interface Report {
  readonly machine: Machine
  /** How the run differed from a full one, if it did. */
  readonly remarks: readonly string[]
  readonly sections: readonly Section[]
  readonly notes: Notes
}

/** The report in Markdown. */
export function toMarkdown({ machine, remarks, sections, notes }: Report): string {
  const parts = [
    '# Benchmark results',
    'Written by `bun run bench`; what stands under "Why" and "Notes" comes from `bench/notes.md`.',
    ...remarks,
    toTable({ head: ['Machine', ''], rows: Object.entries(machine) }),
    INTRODUCTION,
    ...sections.flatMap((section) => toSection(section, notes)),
  ]
  return `${parts.join('\n\n')}\n`
}

const INTRODUCTION = `Every model call is answered at once by a mock provider on loopback, so what is left is the cost of the agents and of clinvk. Each
value is the median of its rounds with the quartiles in parentheses. What is compared is measured by turns, round for round, and each ratio
is the median of the ratios of the single rounds with their quartiles, so it may differ from that of two medians. Nothing fails for being slow.`

function toSection({ number, title, result }: Section, notes: Notes): string[] {
  const heading = `## ${number}. ${title}`
  if (!result) return [heading, '**This group failed.** The run told why.']
  const remarks = notes.get(number)?.text ?? ''
  return [
    heading,
    ...result.about,
    ...result.tables.flatMap((table) => [
      ...(table.title === undefined ? [] : [`**${table.title}**`]),
      toTable(table),
    ]),
    ...toGoals(number, result.goals, notes),
    ...(remarks === '' ? [] : ['**Notes**', remarks]),
  ]
}

function toGoals(group: number, goals: readonly Goal[], notes: Notes): string[] {
  if (goals.length === 0) return []
  const missed = goals.filter(({ met }) => met === false)
  return [
    toTable({
      head: ['Goal', 'at most or least', 'value', ''],
      rows: goals.map(({ name, goal, value, met }) => [name, goal, value, verdict(met)]),
    }),
    ...(missed.length === 0
      ? []
      : [missed.map(({ name }) => `- Why, ${name}: ${reasonFor(notes, group, name)}`).join('\n')]),
  ]
}

function verdict(met: boolean | undefined): string {
  if (met === undefined) return 'not known'
  return met ? 'met' : '**missed**'
}

function toTable({ head, rows }: Table): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}
