import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'bun:test'
import { join } from 'node:path'
import { createClaudeDriver } from '../../../src/agents/claude/driver.ts'
import type { ToolResult } from '../../../src/agents/messages.ts'
import type { AgentDriver, AgentSession, TurnEvent } from '../../../src/agents/types.ts'
import {
  type MockProvider,
  type RecordedRequest,
  type Recording,
  startMockProvider,
} from '../../support/mock-provider/index.ts'
import { processesIn } from '../../support/processes.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { never } from './support.ts'

// The first test of all may have to install the agents.
const INSTALL_MS = 600_000

/** A real Claude Code for the tests of a file: for each of them a driver, a home and a scenario of the provider. */
export function useClaude() {
  let provider: MockProvider
  let current:
    | { readonly home: AgentHome; readonly model: Recording; readonly driver: AgentDriver }
    | undefined
  let scenarios = 0
  const get = () => {
    if (!current) throw new Error('No test is running.')
    return current
  }

  beforeAll(async () => {
    provider = await startMockProvider()
  })
  afterAll(() => provider.stop())
  beforeEach(async () => {
    scenarios += 1
    const home = await createAgentHome()
    const model = provider.scenario(`claude-${scenarios}`, { text: 'Fine.' })
    const env = await agentEnv(model.url, home)
    const command = [join(env['PATH']?.split(':')[0] ?? '', 'claude')]
    const settings = { name: 'claude', driver: 'claude', command, env, models: [], extraFlags: [] } as const
    current = { home, model, driver: createClaudeDriver(settings) }
  }, INSTALL_MS)
  afterEach(async () => {
    const { driver, home } = get()
    await driver.close()
    expect(await processesIn(home.home)).toEqual([])
    await home.remove()
  })

  return {
    get home() {
      return get().home
    },
    get model() {
      return get().model
    },
    get driver() {
      return get().driver
    },
    /** The processes of this test's agents. */
    async pids(): Promise<number[]> {
      const found: number[] = []
      for await (const entry of new Bun.Glob('[0-9]*/environ').scan({ cwd: '/proc' })) {
        const environment = await Bun.file(join('/proc', entry))
          .text()
          .catch(() => '')
        if (environment.split('\0').includes(`HOME=${get().home.home}`))
          found.push(Number.parseInt(entry, 10))
      }
      return found
    },
  }
}

/** Goes on with a turn that waits for the client's tools. */
export function answer(session: AgentSession, results: readonly ToolResult[], signal = never) {
  if (!session.answer) throw new Error('The session takes no results.')
  return Array.fromAsync(session.answer(results, signal))
}

export const callsOf = (events: readonly TurnEvent[]) =>
  events.flatMap((event) => (event.type === 'call_end' ? [event] : []))

export function endOf(events: readonly TurnEvent[]) {
  const last = events.at(-1)
  if (last?.type !== 'done') throw new Error('It is not done.')
  return last
}

/** A conversation as the provider got it, without what Claude Code tells of the day and the place. */
export function dialogueOf(request: RecordedRequest | undefined) {
  type Content = readonly Readonly<Record<string, unknown>>[]
  const messages = (request?.body['messages'] ?? []) as readonly { role: string; content: Content | string }[]
  return messages
    .filter(({ role }) => role !== 'system')
    .map(({ role, content }) => [
      role,
      typeof content === 'string'
        ? content
        : content
            .map(({ cache_control: _, ...block }) => block)
            .filter((block) => !String(block['text']).startsWith('<system-reminder>')),
    ])
}
