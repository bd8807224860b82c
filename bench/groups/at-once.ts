import { AGENTS, type Agent, forEachAgent } from '../agents.ts'
import { askPrompt } from '../ask.ts'
import { runByHand } from '../by-hand.ts'
import { counts, number, ratioText, spread } from '../format.ts'
import type { Run } from '../group.ts'
import type { Goal, GroupResult, Table } from '../report.ts'
import { openStage, serve } from '../stage.ts'
import { percentile, ratio, summarize } from '../stats.ts'
import { treeCpu } from '../usage.ts'

/** The most that all may take of what as many CLIs take by hand. */
const GOALS: Readonly<Record<Agent, number>> = { claude: 0.25, codex: 0.15, gemini: 0.15 }

const CONFIG = 'pool:\n  maximum: 4\n'
const SETTLE_MS = 1500

/** One way to answer many prompts, round for round. */
interface Way {
  readonly wallMs: number[]
  readonly firstMs: number[]
  readonly endMs: number[]
  readonly cpu: number[]
  readonly starts: (string | undefined)[]
}

/** Many new conversations at once, against as many CLIs that are started by hand at once. */
export async function atOnce({ rounds, quick, log }: Run): Promise<GroupResult> {
  const count = rounds ?? (quick ? 1 : 3)
  const prompts = quick ? 2 : 16
  const hand = await openStage('2-hand')
  const clinvk = await serve(await openStage('2-clinvk', CONFIG))
  const ask = (backend: Agent) => askPrompt(clinvk.url, { backend, prompt: 'hi' })
  const byHand = forEachAgent(emptyWay)
  const served = forEachAgent(emptyWay)

  log('warming up')
  await Promise.all(AGENTS.flatMap((agent) => [runByHand(agent, hand), ask(agent)]))
  for (let round = 0; round < count; round++)
    for (const agent of AGENTS) {
      log(`round ${round + 1} of ${count}, ${agent}`)
      await Bun.sleep(SETTLE_MS)
      const alone = await together(prompts, () => runByHand(agent, hand), byHand[agent])
      byHand[agent].cpu.push(alone.reduce((sum, { cpu }) => sum + cpu, 0))

      // The last prompt for this backend was in another round, and processes that were not needed have ended since.
      await ask(agent)
      await Bun.sleep(SETTLE_MS)
      const before = treeCpu(clinvk.pid)
      const answers = await together(prompts, () => ask(agent), served[agent])
      // What is started ahead for the next one counts as well.
      await Bun.sleep(SETTLE_MS)
      served[agent].cpu.push(treeCpu(clinvk.pid) - before)
      served[agent].starts.push(...answers.map(({ start }) => start))
    }
  await clinvk.stop()
  return {
    about: [
      `${prompts} new conversations at once by \`POST /api/v1/prompt\` against ${prompts} CLIs started by hand at once, by turns, rounds: ${count}. The server runs with \`pool.maximum: 4\`; one prompt for the same backend, not measured, and ${SETTLE_MS} ms pass before each round. An answer by hand ends when the CLI has exited. CPU seconds are those of the CLIs, against those of the server with all of its agents until ${SETTLE_MS} ms after the last answer.`,
    ],
    tables: AGENTS.map((agent) => toTable(agent, byHand[agent], served[agent])),
    goals: AGENTS.map((agent) => toGoal(agent, byHand[agent], served[agent])),
  }
}

function emptyWay(): Way {
  return { wallMs: [], firstMs: [], endMs: [], cpu: [], starts: [] }
}

/** Does the same many times at once. */
async function together<T extends { firstMs: number; endMs: number }>(
  count: number,
  work: () => Promise<T>,
  way: Way,
): Promise<T[]> {
  const began = performance.now()
  const answers = await Promise.all(Array.from({ length: count }, work))
  way.wallMs.push(performance.now() - began)
  way.firstMs.push(
    percentile(
      answers.map(({ firstMs }) => firstMs),
      95,
    ),
  )
  way.endMs.push(
    percentile(
      answers.map(({ endMs }) => endMs),
      95,
    ),
  )
  return answers
}

function toTable(agent: Agent, byHand: Way, served: Way): Table {
  const row = (name: string, key: 'wallMs' | 'firstMs' | 'endMs' | 'cpu') => [
    name,
    spread(summarize(byHand[key])),
    spread(summarize(served[key])),
    ratioText(ratio(served[key], byHand[key])),
  ]
  return {
    title: agent,
    head: ['', 'by hand', 'clinvk', 'ratio'],
    rows: [
      row('wall time of all, ms', 'wallMs'),
      row('first text, 95th percentile, ms', 'firstMs'),
      row('end, 95th percentile, ms', 'endMs'),
      row('CPU seconds', 'cpu'),
      ['x-clinvk-start', '', counts(served.starts), ''],
    ],
  }
}

function toGoal(agent: Agent, byHand: Way, served: Way): Goal {
  const { value } = ratio(served.wallMs, byHand.wallMs)
  const most = GOALS[agent]
  return {
    name: `${agent} wall time`,
    goal: `≤ ${number(most)}`,
    value: value.toFixed(3),
    met: value <= most,
  }
}
