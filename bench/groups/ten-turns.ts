import type { MockProvider } from '../../tests/support/mock-provider/index.ts'
import { AGENTS, type Agent } from '../agents.ts'
import { askChat, type ChatMessage } from '../ask.ts'
import { counts, NONE, number } from '../format.ts'
import type { Run } from '../group.ts'
import type { Message } from '../lines.ts'
import { openedSessions } from '../pool.ts'
import type { Goal, GroupResult, Table } from '../report.ts'
import { openStage, serve } from '../stage.ts'

type Received = MockProvider['requests'][number]

/** The part of a model call's body that holds the conversation. */
const MESSAGES: Readonly<Record<Agent, (body: Message) => readonly unknown[] | undefined>> = {
  claude: ({ messages }) => messages,
  codex: ({ input }) => input,
  gemini: ({ contents }) => contents,
}

/** One turn of a chat. */
interface Turn {
  readonly sent: ChatMessage[]
  readonly received: readonly Received[]
  readonly firstMs: number
  readonly start: string | undefined
}

/** A chat of one agent. */
interface Chat {
  readonly turns: readonly Turn[]
  /** Sessions of the agent that were begun for it; `undefined` where the server does not tell. */
  readonly sessions: number | undefined
}

const SETTLE_MS = 1500

/** What a chat costs whose client sends the whole history each time. */
export async function tenTurns({ quick, log }: Run): Promise<GroupResult> {
  const count = quick ? 3 : 10
  const stage = await openStage('5-clinvk')
  const clinvk = await serve(stage)
  const tables: Table[] = []
  const goals: Goal[] = []
  for (const agent of AGENTS) {
    log(agent)
    const before = await openedSessions(clinvk.url, agent)
    const turns = await chat(clinvk.url, agent, count, stage.model.requests)
    const after = await openedSessions(clinvk.url, agent)
    const begun = { turns, sessions: sessionsOf(turns, before, after) }
    tables.push(toTable(agent, begun))
    goals.push(toGoal(agent, begun))
    await Bun.sleep(SETTLE_MS)
  }
  await clinvk.stop()
  return {
    about: [
      `A chat of ${count} turns at \`POST /openai/v1/chat/completions\` with each agent, whose client sends the whole conversation each time, the earlier answers exactly as it got them. "Sent" is what the client sent; "received" is what arrived at the provider in that turn: calls, bytes of all their bodies, and messages in the largest. Sessions are those that the agent began: turns whose \`x-clinvk-start\` is not \`warm\`, or what \`GET /api/v1/pool\` counts where that header is not sent.`,
    ],
    tables,
    goals,
  }
}

async function chat(
  url: string,
  agent: Agent,
  count: number,
  requests: readonly Received[],
): Promise<Turn[]> {
  const messages: ChatMessage[] = []
  const turns: Turn[] = []
  for (let turn = 1; turn <= count; turn++) {
    messages.push({ role: 'user', content: `This is what I say in turn ${turn} of our conversation.` })
    const known = requests.length
    const { firstMs, text, start } = await askChat(url, agent, messages)
    turns.push({ sent: [...messages], received: requests.slice(known), firstMs, start })
    messages.push({ role: 'assistant', content: text })
  }
  return turns
}

function sessionsOf(
  turns: readonly Turn[],
  before: number | undefined,
  after: number | undefined,
): number | undefined {
  const starts = turns.map(({ start }) => start)
  if (starts.every((start) => start !== undefined)) return starts.filter((start) => start !== 'warm').length
  return before === undefined || after === undefined ? undefined : after - before
}

function toTable(agent: Agent, { turns, sessions }: Chat): Table {
  const starts = counts(turns.map(({ start }) => start))
  return {
    title: `${agent}: sessions begun: ${sessions ?? 'not told'}; x-clinvk-start: ${starts}`,
    head: ['Turn', 'sent: messages', 'bytes', 'received: calls', 'bytes', 'messages', 'first text, ms'],
    rows: turns.map(({ sent, received, firstMs }, index) => {
      const lengths = received.map(({ body }) => MESSAGES[agent](body)?.length ?? 0)
      return [
        String(index + 1),
        String(sent.length),
        String(JSON.stringify(sent).length),
        String(received.length),
        String(received.reduce((sum, { body }) => sum + Buffer.byteLength(JSON.stringify(body)), 0)),
        lengths.length === 0 ? NONE : String(Math.max(...lengths)),
        number(firstMs),
      ]
    }),
  }
}

function toGoal(agent: Agent, { sessions }: Chat): Goal {
  return {
    name: `${agent} sessions`,
    goal: '1',
    value: sessions === undefined ? 'not told' : String(sessions),
    met: sessions === undefined ? undefined : sessions === 1,
  }
}
