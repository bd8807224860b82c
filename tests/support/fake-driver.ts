import type { ToolResult } from '../../src/agents/messages.ts'
import type { DriverPool, ProcessStart } from '../../src/agents/pool/types.ts'
import { takeTurn } from '../../src/agents/take-turn.ts'
import type {
  AgentDriver,
  Capabilities,
  SessionOptions,
  TurnEvent,
  TurnInput,
} from '../../src/agents/types.ts'
import { createChannel } from '../../src/process/channel.ts'

/** What a fake agent does with a prompt: events to give, errors to throw, times to wait. */
type FakeStep =
  | TurnEvent
  | Error
  | { readonly waitMs: number }
  | { readonly after: Promise<unknown> }
  | 'hang'

/** A driver in memory whose answers are data, with a record of what was asked of it. */
export interface FakeDriver extends AgentDriver {
  readonly opened: SessionOptions[]
  readonly prompts: TurnInput[]
  /** Results of the client's tools that a waiting turn was given. */
  readonly answers: (readonly ToolResult[])[]
  readonly log: string[]
  steps: (input: TurnInput) => readonly FakeStep[]
  /** What it does with results of the client's tools. */
  answerSteps: (results: readonly ToolResult[]) => readonly FakeStep[]
  /** Whether a waiting turn takes them. */
  canAnswer: (results: readonly ToolResult[]) => boolean
  /** How its sessions came by their processes; by default it does not tell. */
  processStart: ProcessStart | undefined
  /** Whether the processes of its sessions are to end. */
  worn: boolean
  /** The sessions' processes die. */
  kill(): void
}

export const ALL_CAPABILITIES: Capabilities = {
  deltas: true,
  thinking: true,
  toolEvents: true,
  usage: true,
  cost: true,
  images: 'native',
  systemPrompt: 'native',
  model: 'native',
  maxTurns: 'native',
  maxTokens: 'native',
  allowedTools: 'native',
  extraFlags: 'native',
  resume: true,
  fork: false,
  history: 'none',
  documents: 'none',
  profiles: ['full'],
  effort: 'none',
  jsonSchema: 'none',
  clientTools: 'none',
  toolChoice: 'none',
  approvalModes: { default: 'native', auto: 'native', none: 'native', always: 'native' },
  sandboxModes: { default: 'native', 'read-only': 'native', workspace: 'native', full: 'native' },
}

/** @param capacity how many turns it can have at once; by default it tells of no pool. */
export function createFakeDriver(
  name = 'fake',
  capabilities: Partial<Capabilities> = {},
  capacity?: number,
): FakeDriver {
  let sessions = 0
  let generation = 0
  const fake: FakeDriver = {
    name,
    driver: 'acp',
    capabilities: { ...ALL_CAPABILITIES, ...capabilities },
    ...(capacity === undefined ? {} : { pool: poolOf(capacity) }),
    processStart: undefined,
    worn: false,
    opened: [],
    prompts: [],
    answers: [],
    log: [],
    answerSteps: (results) => [
      { type: 'init' },
      { type: 'text', text: results.map(({ callId }) => callId).join(' ') },
      { type: 'done', stopReason: 'end_turn' },
    ],
    steps: ({ parts }) => [
      { type: 'init', agentSessionId: `agent-${sessions}` },
      { type: 'text', text: parts.map((part) => (part.type === 'text' ? part.text : '')).join('') },
      { type: 'done', stopReason: 'end_turn' },
    ],
    canAnswer: () => true,
    kill: () => {
      generation += 1
    },
    probe: async () => ({ available: true, ready: true, models: [] }),
    async open(options) {
      fake.opened.push(options)
      sessions += 1
      const id = options.resume ?? `agent-${sessions}`
      const born = generation
      let closed = false
      const perform = (steps: readonly FakeStep[], signal: AbortSignal) => {
        const events = createChannel<TurnEvent>()
        const settled = Promise.withResolvers<void>()
        void play(steps, events, settled)
        const interrupt = async () => {
          fake.log.push(`interrupt ${id}`)
          settled.resolve()
        }
        return takeTurn({ events, settled: settled.promise, interrupt, kill: interrupt }, signal)
      }
      const { processStart: start } = fake
      return {
        id,
        ...(start === undefined ? {} : { start }),
        get worn() {
          return fake.worn
        },
        get alive() {
          return !closed && born === generation
        },
        prompt(input, signal) {
          fake.prompts.push(input)
          return perform(fake.steps(input), signal)
        },
        answer(results, signal) {
          fake.answers.push(results)
          return perform(fake.answerSteps(results), signal)
        },
        canAnswer: (results) => fake.canAnswer(results),
        async close() {
          if (!closed) fake.log.push(`close ${id}`)
          closed = true
        },
      }
    },
    async close() {
      fake.log.push('close driver')
    },
  }
  return fake
}

function poolOf(capacity: number): DriverPool {
  return {
    capacity,
    exclusive: false,
    shed: () => false,
    askForRoom: () => {},
    keepNone() {},
    stats: () => ({
      processes: [],
      started: 0,
      failedStarts: 0,
      died: 0,
      recycled: { turns: 0, sessions: 0, memory: 0, age: 0, changed: 0, unused: 0, shed: 0 },
      opened: { spare: 0, cold: 0 },
    }),
  }
}

async function play(
  steps: readonly FakeStep[],
  events: ReturnType<typeof createChannel<TurnEvent>>,
  settled: PromiseWithResolvers<void>,
): Promise<void> {
  for (const step of steps) {
    if (step === 'hang') return
    if (step instanceof Error) {
      settled.resolve()
      events.end(step)
      return
    }
    if ('waitMs' in step) await Bun.sleep(step.waitMs)
    else if ('after' in step) await step.after
    else await events.push(step)
  }
  settled.resolve()
  events.end()
}
