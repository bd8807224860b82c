/**
 * `bun run bench`: measures clinvk against the CLIs that it runs, on this machine and against a mock provider on
 * loopback, and writes `bench/results.md`. Options: see options.ts.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { agentBin } from '../tests/agents/install.ts'
import { GROUPS } from './groups.ts'
import { describeMachine } from './machine.ts'
import { parseNotes } from './notes.ts'
import { type Options, parseOptions, USAGE } from './options.ts'
import { endAll } from './processes.ts'
import { type Section, toMarkdown } from './report.ts'

const RESULTS = join(import.meta.dir, 'results.md')
const NOTES = join(import.meta.dir, 'notes.md')

let stopped = false
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(signal, () => {
    stopped = true
    void endAll({ forGood: true }).finally(() => process.exit(130))
  })

const options = readOptions()
try {
  await bench(options)
} finally {
  await endAll()
}

async function bench({ only, rounds, quick, out }: Options): Promise<void> {
  console.error('Installing the CLIs where they are missing.')
  await agentBin()
  // Before the run makes a load of its own.
  const machine = await describeMachine()
  const sections: Section[] = []
  for (const { number, title, run } of GROUPS) {
    if (only?.includes(number) === false) continue
    const log = (message: string) => console.error(`${number}. ${title}: ${message}`)
    const result = await run({ rounds, quick, log }).catch((error: unknown) => {
      if (!stopped) console.error(error)
      process.exitCode = 1
      return undefined
    })
    if (stopped) return
    sections.push({ number, title, result })
    await endAll()
  }
  const remarks = remarksOn({ only, rounds, quick })
  const notes = parseNotes(await readFile(NOTES, 'utf8'))
  const report = toMarkdown({ machine, remarks, sections, notes })
  process.stdout.write(report)
  const path = out ?? (remarks.length === 0 ? RESULTS : undefined)
  if (path !== undefined) await writeFile(path, report)
}

function remarksOn({ only, rounds, quick }: Pick<Options, 'only' | 'rounds' | 'quick'>): string[] {
  return [
    ...(quick ? ['**A quick run**: it shows that everything works, and its numbers say little.'] : []),
    ...(only ? [`Only of group ${only.join(', ')}.`] : []),
    ...(rounds ? [`With ${rounds} rounds in place of each group's own number.`] : []),
  ]
}

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
    process.exit(2)
  }
}
