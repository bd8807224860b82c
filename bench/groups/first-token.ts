import { AGENTS, type Agent, forEachAgent } from '../agents.ts'
import { type Answer, askChat, askPrompt } from '../ask.ts'
import { bareClaude } from '../bare/claude.ts'
import { bareCodex } from '../bare/codex.ts'
import { bareGemini } from '../bare/gemini.ts'
import type { OpenBare } from '../bare/open.ts'
import { COMMANDS, runByHand } from '../by-hand.ts'
import { counts, NONE, number, range, ratioText, spread } from '../format.ts'
import type { Run } from '../group.ts'
import type { Place } from '../processes.ts'
import type { Goal, GroupResult, Table } from '../report.ts'
import { openStage, serve } from '../stage.ts'
import { median, ratio, summarize } from '../stats.ts'

const WAYS = {
  a: 'the CLI, started by hand',
  b: 'POST /api/v1/prompt, new conversation',
  c: 'POST /api/v1/prompt, next turn',
  'b′': 'POST /openai/v1/chat/completions, new chat',
  d: 'POST /openai/v1/chat/completions, next turn with the history',
  e: 'the bare protocol, next turn',
} as const
type Way = keyof typeof WAYS

/** The most that a way may take of what the CLI takes by hand. */
const GOALS: Readonly<Record<Agent, { readonly new: number; readonly next: number }>> = {
  claude: { new: 0.25, next: 0.1 },
  codex: { new: 0.2, next: 0.15 },
  gemini: { new: 0.06, next: 0.03 },
}
const GOAL_OF = { b: 'new', 'b′': 'new', c: 'next', d: 'next' } as const

/** What a next turn may take of the bare protocol's, or how many ms more. */
const OVERHEAD = { ratio: 1.15, ms: 5 }

/** Long enough for a spare process that is started ahead after a request. */
const SETTLE_MS = 1500

/** The first token of each agent, in every way to ask for it. */
export async function firstToken({ rounds, quick, log }: Run): Promise<GroupResult> {
  const count = rounds ?? (quick ? 1 : 7)
  const settleMs = quick ? 300 : SETTLE_MS
  const hand = await openStage('1-hand')
  const bare = await openBare(await openStage('1-bare'))
  const clinvk = await serve(await openStage('1-clinvk'))
  const measured = forEachAgent(() => new Measured())
  const blocks = [handBlock(hand), promptBlock(clinvk.url), chatBlock(clinvk.url), bareBlock(bare)]

  log('warming up')
  await Promise.all(AGENTS.flatMap((agent) => blocks.map((block) => block(agent, new Measured(), 0))))
  for (let round = 0; round < count; round++)
    for (const agent of AGENTS) {
      log(`round ${round + 1} of ${count}, ${agent}`)
      for (let place = 0; place < blocks.length; place++)
        await blocks[(place + round) % blocks.length]?.(agent, measured[agent], settleMs)
    }
  await clinvk.stop()
  return toResult(measured, count, settleMs)
}

/** The values of one agent. */
class Measured {
  readonly ms: Record<Way, number[]> = { a: [], b: [], c: [], 'b′': [], d: [], e: [] }
  readonly starts: Record<Way, (string | undefined)[]> = { a: [], b: [], c: [], 'b′': [], d: [], e: [] }

  add(way: Way, { firstMs, start }: Pick<Answer, 'firstMs'> & Partial<Answer>): void {
    this.ms[way].push(firstMs)
    this.starts[way].push(start)
  }
}

type Block = (agent: Agent, into: Measured, settleMs: number) => Promise<void>

function handBlock(place: Place): Block {
  return async (agent, into, settleMs) => {
    await Bun.sleep(settleMs)
    into.add('a', await runByHand(agent, place))
  }
}

function promptBlock(url: string): Block {
  const ask = (backend: Agent, more = {}) => askPrompt(url, { backend, prompt: 'hi', ...more })
  return async (agent, into, settleMs) => {
    await ask(agent)
    await Bun.sleep(settleMs)
    const opened = await ask(agent)
    into.add('b', opened)
    await Bun.sleep(settleMs)
    into.add('c', await ask(agent, { session_id: opened.sessionId }))
  }
}

function chatBlock(url: string): Block {
  const hi = { role: 'user', content: 'hi' } as const
  return async (agent, into, settleMs) => {
    await askChat(url, agent, [hi])
    await Bun.sleep(settleMs)
    const opened = await askChat(url, agent, [hi])
    into.add('b′', opened)
    await Bun.sleep(settleMs)
    into.add('d', await askChat(url, agent, [hi, { role: 'assistant', content: opened.text }, hi]))
  }
}

function bareBlock(bare: Record<Agent, OpenBare>): Block {
  return async (agent, into, settleMs) => {
    const conversation = await bare[agent]()
    try {
      await conversation.turn('hi')
      await Bun.sleep(settleMs)
      into.add('e', { firstMs: await conversation.turn('hi') })
    } finally {
      await conversation.end()
    }
  }
}

async function openBare(place: Place): Promise<Record<Agent, OpenBare>> {
  return { claude: await bareClaude(place), codex: await bareCodex(place), gemini: await bareGemini(place) }
}

function toResult(measured: Record<Agent, Measured>, count: number, settleMs: number): GroupResult {
  return {
    about: [
      `ms from sending to the first text, rounds: ${count}. (a) is ${AGENTS.map((agent) => `\`${COMMANDS[agent].join(' ')}\``).join(', ')}, the clock started before the process; \`codex exec\` tells no pieces, so its first text is its whole message. (b) to (d) are streams of one long-running \`clinvk serve\` with its default configuration, by a client that keeps its connections. (e) is a script of some 30 lines on the CLI's own protocol.`,
      `${settleMs} ms pass before each measured request, whatever is measured, because a spare process is started a moment after the last request. Spares are for what was asked for last, so a new conversation that is not measured goes before each (b) and (b′). Every next turn is the second of its conversation. All was used once before the first round. A chat is a model call without the agent's tools and settings, so its request to the model is smaller than in (a), (b), (c) and (e).`,
    ],
    tables: AGENTS.map((agent) => toAgentTable(agent, measured[agent])),
    goals: AGENTS.flatMap((agent) => toGoals(agent, measured[agent])),
  }
}

function toAgentTable(agent: Agent, { ms, starts }: Measured): Table {
  return {
    title: agent,
    head: ['', 'ms', 'least–most', 'of (a)', 'x-clinvk-start'],
    rows: Object.entries(WAYS).map(([way, name]) => {
      const values = ms[way as Way]
      const summary = summarize(values)
      return [
        `(${way}) ${name}`,
        spread(summary),
        range(summary),
        way === 'a' ? NONE : ratioText(ratio(values, ms.a)),
        counts(starts[way as Way]),
      ]
    }),
  }
}

function toGoals(agent: Agent, { ms }: Measured): Goal[] {
  const byHand = (['b', 'b′', 'c', 'd'] as const).map((way) => {
    const most = GOALS[agent][GOAL_OF[way]]
    const { value } = ratio(ms[way], ms.a)
    return {
      name: `${agent} (${way}) of (a)`,
      goal: `≤ ${most}`,
      value: value.toFixed(3),
      met: value <= most,
    }
  })
  const overhead = ratio(ms.c, ms.e).value
  const more = median(ms.c.map((value, round) => value - (ms.e[round] ?? Number.NaN)))
  return [
    ...byHand,
    {
      name: `${agent} (c) of (e)`,
      goal: `≤ ${OVERHEAD.ratio}, or ${OVERHEAD.ms} ms more`,
      value: `${overhead.toFixed(2)}, ${number(more)} ms more`,
      met: overhead <= OVERHEAD.ratio || more <= OVERHEAD.ms,
    },
  ]
}
