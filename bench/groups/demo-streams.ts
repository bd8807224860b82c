import { join } from 'node:path'
import { bareDemo } from '../bare/demo.ts'
import { mebibytes, number, ratioText, spread } from '../format.ts'
import type { Run } from '../group.ts'
import { runLoad } from '../load-job.ts'
import type { Place } from '../processes.ts'
import type { Goal, GroupResult } from '../report.ts'
import { openStage, type Server, serve, startServer } from '../stage.ts'
import { ratio, summarize } from '../stats.ts'
import { peakMemory, processCpu, residentMemory } from '../usage.ts'

const BARE = join(import.meta.dir, '../bare/stream.ts')

const MANY = 100
const TOKEN_BYTES = 20
const LEAST_RATE = 0.6
const MOST_STREAM_BYTES = 100_000
/** The peak of the last round against that of the first. What is left after a round depends on when it was tidied up. */
const MOST_GROWTH = 1.1

/** More prompts at once than by default: all streams are to run at the same time. */
const CONFIG = `pool:\n  max_running: ${MANY + 28}\n`

/** What a number of streams at once gave, round for round. */
interface Streams {
  readonly rate: number[]
  readonly cpu: number[]
}

/** How many deltas a second come through, and what they cost. */
export async function demoStreams({ rounds, quick, log }: Run): Promise<GroupResult> {
  const count = rounds ?? (quick ? 2 : 5)
  const deltas = { one: quick ? 5000 : 20_000, many: quick ? 100 : 500 }
  const stage = await openStage('3-clinvk', CONFIG)
  const clinvk = await serve(stage, ['--demo'])
  const bare = await startServer(await openStage('3-bare'), ['--no-env-file', BARE])
  const place = await openStage('3-load')
  const fresh = () => ({ one: emptyStreams(), many: emptyStreams() })
  const [served, alone] = [fresh(), fresh()]
  const agentRate: number[] = []
  const memory: Memory[] = []

  log('warming up')
  for (const server of [clinvk, bare]) await stream(server, place, 1, 1000, emptyStreams())
  const calm = await calmMemory(clinvk, place, quick)
  for (let round = 1; round <= count; round++) {
    log(`round ${round} of ${count}`)
    await stream(clinvk, place, 1, deltas.one, served.one)
    await stream(bare, place, 1, deltas.one, alone.one)
    const before = residentMemory(clinvk.pid)
    const { peak } = await peakMemory(clinvk.pid, () => stream(clinvk, place, MANY, deltas.many, served.many))
    memory.push({ before, peak, after: residentMemory(clinvk.pid) })
    await stream(bare, place, MANY, deltas.many, alone.many)
    agentRate.push((deltas.one / (await bareDemo(stage, promptOf(deltas.one)))) * 1000)
  }
  await clinvk.stop()

  const row = (name: string, ours: Streams, theirs: Streams) => [
    [
      `${name}: deltas a second`,
      spread(summarize(ours.rate)),
      spread(summarize(theirs.rate)),
      ratioText(ratio(ours.rate, theirs.rate)),
    ],
    [
      `${name}: CPU µs a delta`,
      spread(summarize(ours.cpu)),
      spread(summarize(theirs.cpu)),
      ratioText(ratio(ours.cpu, theirs.cpu)),
    ],
  ]
  return {
    about: [
      `Deltas of ${TOKEN_BYTES} bytes at full speed, as server-sent events of \`POST /api/v1/prompt\`: ${deltas.one} through one stream, and ${deltas.many} through each of ${MANY} at once, rounds: ${count}. \`clinvk serve --demo\` runs with \`pool.max_running: ${MANY + 28}\`, so that all run at once. The bare server is a process of \`Bun.serve\` without any agent that makes and writes events of the same form; the client is another process and the same for both. CPU is that of the server's own process. What the demo agent says at all, read from its stdout by a script, is the most that could be passed on.`,
    ],
    tables: [
      {
        head: ['', 'clinvk', 'bare Bun.serve', 'ratio'],
        rows: [
          ...row('1 stream', served.one, alone.one),
          ...row(`${MANY} streams`, served.many, alone.many),
          // The most that anything could pass on.
          [
            '1 stream, against the demo agent read by a script: deltas a second',
            spread(summarize(served.one.rate)),
            spread(summarize(agentRate)),
            ratioText(ratio(served.one.rate, agentRate)),
          ],
        ],
      },
      {
        title: `Memory of the server's process with ${MANY} streams`,
        head: ['', 'before', 'peak', 'after', 'peak − before, a stream'],
        rows: [
          ['open and calm, first time', ...memoryCells(calm[0])],
          ['open and calm, second time', ...memoryCells(calm[1])],
          ...memory.map((each, round) => [`full speed, round ${round + 1}`, ...memoryCells(each)]),
        ],
      },
    ],
    goals: [
      rateGoal('1 stream', served.one, alone.one),
      rateGoal(`${MANY} streams`, served.many, alone.many),
      ...memoryGoals(calm[0], memory),
    ],
  }
}

function emptyStreams(): Streams {
  return { rate: [], cpu: [] }
}

function promptOf(deltas: number): string {
  return `demo: tokens=${deltas} size=${TOKEN_BYTES}`
}

/** Reads some streams at once. */
async function stream(
  { url, pid }: Server,
  place: Place,
  streams: number,
  deltas: number,
  into: Streams,
): Promise<void> {
  const body = { backend: 'demo', prompt: promptOf(deltas), stream: true }
  const before = processCpu(pid)
  const { ms, deltas: read } = await runLoad(
    { type: 'streams', url: `${url}/api/v1/prompt`, streams, body },
    place,
  )
  const all = streams * deltas
  if (read !== all) throw new Error(`${read} deltas came through, and not ${all}.`)
  into.rate.push((all / ms) * 1000)
  into.cpu.push(((processCpu(pid) - before) / all) * 1e6)
}

interface Memory {
  readonly before: number
  readonly peak: number
  readonly after: number
}

/** Memory with streams that are open and have little to say, so that it is theirs and not what passes through. */
async function calmMemory({ url, pid }: Server, place: Place, quick: boolean): Promise<[Memory, Memory]> {
  const prompt = `demo: tokens=${quick ? 20 : 50} delay=100ms size=${TOKEN_BYTES}`
  const job = {
    type: 'streams',
    url: `${url}/api/v1/prompt`,
    streams: MANY,
    body: { backend: 'demo', prompt, stream: true },
  } as const
  const once = async () => {
    const before = residentMemory(pid)
    const { peak } = await peakMemory(pid, () => runLoad(job, place))
    return { before, peak, after: residentMemory(pid) }
  }
  return [await once(), await once()]
}

function memoryCells({ before, peak, after }: Memory): string[] {
  return [...[before, peak, after].map(mebibytes), perStream({ before, peak })]
}

function perStream({ before, peak }: Pick<Memory, 'before' | 'peak'>): string {
  return `${number((peak - before) / MANY / 1000)} KB`
}

function rateGoal(name: string, ours: Streams, theirs: Streams): Goal {
  const { value } = ratio(ours.rate, theirs.rate)
  return {
    name: `${name}, deltas a second`,
    goal: `≥ ${LEAST_RATE} of bare`,
    value: value.toFixed(3),
    met: value >= LEAST_RATE,
  }
}

function memoryGoals(calm: Memory, rounds: readonly Memory[]): Goal[] {
  const growth = (rounds.at(-1)?.peak ?? Number.NaN) / (rounds[0]?.peak ?? Number.NaN)
  return [
    {
      name: 'memory of a calm stream',
      goal: `< ${MOST_STREAM_BYTES / 1000} KB`,
      value: perStream(calm),
      met: known(calm.peak, calm.peak - calm.before < MOST_STREAM_BYTES * MANY),
    },
    {
      name: 'memory stays flat',
      goal: `≤ ${MOST_GROWTH} of the first peak in the last round`,
      value: growth.toFixed(2),
      met: known(growth, growth <= MOST_GROWTH),
    },
  ]
}

function known(value: number, met: boolean): boolean | undefined {
  return Number.isNaN(value) ? undefined : met
}
