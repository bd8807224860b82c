import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile } from '../../packaging/compile.ts'
import { programName, thisTarget } from '../../packaging/targets.ts'
import { mebibytes, number, spread } from '../format.ts'
import type { Run } from '../group.ts'
import { atEnd, type Place, start } from '../processes.ts'
import type { GroupResult } from '../report.ts'
import { median, summarize } from '../stats.ts'

const MAIN = join(import.meta.dir, '../../src/main.ts')
const GOAL_MS = 50

/** How large the executable is, and how soon a command of it is done. */
export async function executable({ rounds, quick, log }: Run): Promise<GroupResult> {
  const count = rounds ?? (quick ? 2 : 30)
  const folder = await mkdtemp(join(tmpdir(), 'clinvk-bench-'))
  atEnd(() => rm(folder, { recursive: true, force: true }))
  const program = join(folder, programName(thisTarget()))
  log('building it')
  await compile(thisTarget(), program)
  const place = { env: { PATH: '/usr/bin:/bin', HOME: folder }, cwd: folder }
  const commands = {
    'the executable': [program, '--version'],
    'from source': [process.execPath, MAIN, '--version'],
    'Bun alone': [process.execPath, '--version'],
  }
  const times = Object.entries(commands).map(([name, command]) => ({ name, command, ms: [] as number[] }))
  for (let round = 0; round <= count; round++) {
    if (round % 10 === 0) log(round === 0 ? 'warming up' : `round ${round} of ${count}`)
    for (const { command, ms } of times) {
      const took = await time(command, place)
      if (round > 0) ms.push(took)
    }
  }
  const [ours] = times
  const value = median(ours?.ms ?? [])
  return {
    about: [
      `The executable that \`bun run build\` makes. \`--version\` is from before its process is started until it has ended; by turns, rounds: ${count}, and one more before.`,
    ],
    tables: [
      {
        head: ['', 'size'],
        rows: [
          ['the executable', mebibytes((await stat(program)).size)],
          ['Bun alone', mebibytes((await stat(process.execPath)).size)],
        ],
      },
      {
        head: ['', '`--version`, ms'],
        rows: times.map(({ name, ms }) => [name, spread(summarize(ms))]),
      },
    ],
    goals: [{ name: 'version, ms', goal: `≤ ${GOAL_MS}`, value: number(value), met: value <= GOAL_MS }],
  }
}

async function time(command: readonly string[], place: Place): Promise<number> {
  const began = performance.now()
  const code = await start(command, place).exited
  if (code !== 0) throw new Error(`${command.join(' ')} ended with code ${code}.`)
  return performance.now() - began
}
