import { afterAll, beforeAll, describe, expect } from 'bun:test'
import { readSse, type WireEvent } from '../../support/events.ts'
import {
  type MockProvider,
  type RecordedRequest,
  type Recording,
  startMockProvider,
} from '../../support/mock-provider/index.ts'
import { processesIn } from '../../support/processes.ts'
import { type ServedClinvk, startClinvk } from '../../support/serve.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { REAL_AGENTS, type RealAgent } from './agents.ts'

/** A served clinvk whose agent talks to a mock provider, and ways to ask it. */
export interface Stage {
  readonly home: AgentHome
  readonly model: Recording
  readonly clinvk: ServedClinvk
  /** Prompts the agent. */
  prompt(text: string, more?: Record<string, unknown>, init?: RequestInit): Promise<Response>
  /** Prompts it and reads the whole stream. */
  stream(text: string, more?: Record<string, unknown>): Promise<WireEvent[]>
  /** What the provider was asked last. */
  lastCall(): RecordedRequest
}

// The first test of all may have to install the agents.
const INSTALL_MS = 600_000

/**
 * Declares the same tests for every real agent, each with a server and a home of its own. Afterwards nothing that
 * the server has started may be left.
 */
export function describeAgents(body: (agent: RealAgent, stage: Stage) => void): void {
  let provider: MockProvider
  beforeAll(async () => {
    provider = await startMockProvider()
  })
  afterAll(async () => await provider.stop())

  describe.each(REAL_AGENTS.map((agent) => [agent.name, agent] as const))('%s', (name, agent) => {
    let stage: Pick<Stage, 'home' | 'model' | 'clinvk'>
    beforeAll(async () => {
      const home = await createAgentHome()
      const model = provider.scenario(name, {})
      const clinvk = await startClinvk({ env: await agentEnv(model.url, home), cwd: home.workdir })
      stage = { home, model, clinvk }
    }, INSTALL_MS)
    afterAll(async () => {
      const { home, clinvk } = stage
      expect(await clinvk.stop()).toBe(0)
      expect(await processesIn(home.home)).toEqual([])
      await home.remove()
    })
    body(
      agent,
      toStage(agent, () => stage),
    )
  })
}

/** The types of some events, in order. */
export function typesOf(events: readonly WireEvent[]): string[] {
  return events.map(({ type }) => type)
}

function toStage({ name }: RealAgent, stage: () => Pick<Stage, 'home' | 'model' | 'clinvk'>): Stage {
  const prompt: Stage['prompt'] = (text, more = {}, init = {}) =>
    stage().clinvk.post('/api/v1/prompt', { backend: name, prompt: text, ...more }, init)
  return {
    get home() {
      return stage().home
    },
    get model() {
      return stage().model
    },
    get clinvk() {
      return stage().clinvk
    },
    prompt,
    stream: async (text, more = {}) =>
      await Array.fromAsync(readSse(await prompt(text, { stream: true, ...more }))),
    lastCall() {
      const call = stage().model.calls.at(-1)
      if (!call) throw new Error('The provider was not called.')
      return call
    },
  }
}
