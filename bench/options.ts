import { parseArgs } from 'node:util'

/** What was asked of the benchmark. */
export interface Options {
  /** Numbers of the groups; `undefined` for all. */
  readonly only: readonly number[] | undefined
  /** How often each group repeats; `undefined` for its own number. */
  readonly rounds: number | undefined
  /** Whether to do as little as shows that everything works. */
  readonly quick: boolean
  /** Where to write the report; `undefined` for `bench/results.md` after a full run and nowhere else. */
  readonly out: string | undefined
}

export const USAGE = `bun run bench [--only 1,3] [--rounds N] [--quick] [--out FILE]

  --only     only these groups
  --rounds   how often each group repeats, in place of its own number
  --quick    as little as shows that everything works
  --out      where to write the report: a full run writes bench/results.md, any other only prints it`

/** @throws Error, in words for people, where they make no sense. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      out: { type: 'string' },
    },
  })
  return {
    only: values.only?.split(',').map((each) => positive('--only', each)),
    rounds: values.rounds === undefined ? undefined : positive('--rounds', values.rounds),
    quick: values.quick,
    out: values.out,
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name}: "${text}" is no number from 1.`)
  return value
}
