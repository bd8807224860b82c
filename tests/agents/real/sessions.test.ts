/** Sessions of real agents over a restart of the server, forked, and lost by the agent itself. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type MockProvider,
  type RecordedRequest,
  startMockProvider,
} from '../../support/mock-provider/index.ts'
import { processesIn } from '../../support/processes.ts'
import { type ServedClinvk, startClinvk } from '../../support/serve.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { REAL_AGENTS } from './agents.ts'

const INSTALL_MS = 600_000

let provider: MockProvider
let home: AgentHome
let env: Record<string, string>
let clinvk: ServedClinvk

beforeAll(async () => {
  provider = await startMockProvider()
  home = await createAgentHome()
  env = await agentEnv(provider.url, home)
  clinvk = await startClinvk({ env, cwd: home.workdir })
}, INSTALL_MS)
afterAll(async () => {
  expect(await clinvk.stop()).toBe(0)
  await provider.stop()
  expect(await processesIn(home.home)).toEqual([])
  await home.remove()
})

async function restart(): Promise<void> {
  expect(await clinvk.stop()).toBe(0)
  clinvk = await startClinvk({ env, cwd: home.workdir })
}

async function say(backend: string, prompt: string, reply: string, session?: string) {
  provider.play({ text: reply })
  const more = session === undefined ? { backend } : { session_id: session }
  const response = await clinvk.post('/api/v1/prompt', { prompt, ...more })
  const body = (await response.json()) as {
    session_id: string
    response: string
    replayed?: true
    detail?: string
  }
  expect([response.status, body.detail ?? body.response]).toEqual([200, reply])
  return body
}

/** How often each text was in the last request of the provider. */
function heard(...texts: string[]): number[] {
  const call: RecordedRequest | undefined = provider.calls.at(-1)
  const body = JSON.stringify(call?.body)
  return texts.map((text) => body.split(text).length - 1)
}

describe.each(REAL_AGENTS.map(({ name }) => name))('a session of %s', (backend) => {
  const words = (of: string) => [`QUESTION-${of}-${backend}`, `ANSWER-${of}-${backend}`] as const
  const [askedOne, saidOne] = words('one')
  const [askedTwo, saidTwo] = words('two')

  test('goes on after the server was started again, with all that was said in it', async () => {
    const { session_id: id } = await say(backend, askedOne, saidOne)
    await restart()
    const second = await say(backend, askedTwo, saidTwo, id)
    expect(second.session_id).toBe(id)
    expect(second).not.toHaveProperty('replayed')
    expect(heard(askedOne, saidOne, askedTwo)).toEqual([1, 1, 1])
    const session = await (await fetch(`${clinvk.url}/api/v1/sessions/${id}`)).json()
    expect(session).toMatchObject({
      backend,
      status: 'completed',
      turns: [
        { prompt: askedOne, response: saidOne },
        { prompt: askedTwo, response: saidTwo },
      ],
    })
  }, 120_000)

  test('is forked: each branch knows its own, and what was said before', async () => {
    const { session_id: id } = await say(backend, askedOne, saidOne)
    const forked = (await (await clinvk.post(`/api/v1/sessions/${id}/fork`, {})).json()) as {
      id: string
      parent_id: string
    }
    expect(forked.parent_id).toBe(id)
    const [askedLeft, saidLeft] = words('left')
    const [askedRight, saidRight] = words('right')
    await say(backend, askedLeft, saidLeft, forked.id)
    expect(heard(askedOne, saidOne, askedLeft)).toEqual([1, 1, 1])
    await say(backend, askedRight, saidRight, id)
    expect(heard(askedOne, saidOne, askedRight, askedLeft, saidLeft)).toEqual([1, 1, 1, 0, 0])
    const [askedMore, saidMore] = words('more')
    await say(backend, askedMore, saidMore, forked.id)
    expect(heard(askedOne, askedLeft, saidLeft, askedMore, askedRight)).toEqual([1, 1, 1, 1, 0])
  }, 120_000)

  test('is told to the agent again where that has lost its own, and the answer says so', async () => {
    const { session_id: id } = await say(backend, askedOne, saidOne)
    expect(await clinvk.stop()).toBe(0)
    for (const place of PLACES) await rm(join(home.home, place), { recursive: true, force: true })
    clinvk = await startClinvk({ env, cwd: home.workdir })
    const second = await say(backend, askedTwo, saidTwo, id)
    expect(second.replayed).toBe(true)
    expect(heard(askedOne, saidOne, askedTwo)).toEqual([1, 1, 1])
    const [askedThree, saidThree] = words('three')
    const third = await say(backend, askedThree, saidThree, id)
    expect(third).not.toHaveProperty('replayed')
    expect(heard(askedOne, saidOne, askedTwo, saidTwo, askedThree)).toEqual([1, 1, 1, 1, 1])
  }, 120_000)
})

/** Where the agents keep their own sessions. */
const PLACES = ['.claude/projects', '.codex/sessions', '.gemini/tmp', '.local/share/opencode']
