/** `pool.enabled: false`: a process for each prompt, with the same answers. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type MockProvider, startMockProvider } from '../../support/mock-provider/index.ts'
import { processesIn, waitUntil } from '../../support/processes.ts'
import { type ServedClinvk, startClinvk } from '../../support/serve.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { REAL_AGENTS } from './agents.ts'

const INSTALL_MS = 600_000
const LONG_MS = 180_000

let provider: MockProvider
let home: AgentHome
let clinvk: ServedClinvk

beforeAll(async () => {
  provider = await startMockProvider()
  home = await createAgentHome()
  const config = join(home.home, 'config.yaml')
  await writeFile(config, 'pool:\n  enabled: false\n')
  const env = await agentEnv(provider.url, home)
  clinvk = await startClinvk({ env, cwd: home.workdir, args: ['--config', config] })
}, INSTALL_MS)
afterAll(async () => {
  expect(await clinvk.stop()).toBe(0)
  await provider.stop()
  expect(await processesIn(home.home)).toEqual([])
  await home.remove()
})

interface Pool {
  readonly backends: readonly {
    readonly name: string
    readonly pool?: {
      readonly processes: readonly unknown[]
      readonly started: number
      readonly hits: Readonly<Record<'warm' | 'spare' | 'cold', number>>
    }
  }[]
}

async function poolOf(backend: string) {
  const view = (await (await fetch(`${clinvk.url}/api/v1/pool`)).json()) as Pool
  return view.backends.find(({ name }) => name === backend)?.pool
}
const isEmpty = (backend: string) =>
  waitUntil(async () => (await poolOf(backend))?.processes.length === 0, { what: `no process of ${backend}` })

// OpenCode has Gemini CLI's driver, and takes 4 s to start.
const AGENTS = REAL_AGENTS.map(({ name }) => name).filter((name) => name !== 'opencode')

describe.each(AGENTS)('without a pool, %s', (backend) => {
  test(
    'has a process for each prompt, which ends with it, and sessions go on all the same',
    async () => {
      let session: string | undefined
      for (const turn of ['one', 'two']) {
        provider.play({ text: `ANSWER-${turn}` })
        const more = session === undefined ? { backend } : { session_id: session }
        const response = await clinvk.post('/api/v1/prompt', { prompt: `PROMPT-${turn}`, ...more })
        const body = (await response.json()) as { session_id: string; output: string; start: string }
        expect(body).toMatchObject({ output: `ANSWER-${turn}`, start: 'cold' })
        session = body.session_id
        await isEmpty(backend)
      }
      const heard = JSON.stringify(provider.calls.at(-1)?.body)
      for (const word of ['PROMPT-one', 'ANSWER-one', 'PROMPT-two']) expect(heard).toContain(word)
      expect((await poolOf(backend))?.hits).toEqual({ warm: 0, spare: 0, cold: 2 })
    },
    LONG_MS,
  )

  test(
    'is told the whole of a chat each time',
    async () => {
      const messages: { role: string; content: string }[] = []
      for (const turn of ['one', 'two']) {
        provider.play({ text: `CHAT-${turn}` })
        messages.push({ role: 'user', content: `SAY-${turn}` })
        const response = await clinvk.post('/openai/v1/chat/completions', { model: backend, messages })
        const { choices } = (await response.json()) as { choices: [{ message: { content: string } }] }
        expect(choices[0].message.content).toBe(`CHAT-${turn}`)
        expect(response.headers.get('x-clinvk-start')).toBe('cold')
        messages.push({ role: 'assistant', content: `CHAT-${turn}` })
        await isEmpty(backend)
      }
      const heard = JSON.stringify(provider.calls.at(-1)?.body)
      for (const word of ['SAY-one', 'CHAT-one', 'SAY-two']) expect(heard.split(word)).toHaveLength(2)
    },
    LONG_MS,
  )

  test(
    'has several prompts at once, each in its own',
    async () => {
      provider.play((request) => ({ text: `RE-${/MANY-\d/.exec(request.prompt)?.[0]}` }))
      const before = (await poolOf(backend))?.hits.cold ?? 0
      const answers = await Promise.all(
        [0, 1, 2].map(async (index) => {
          const response = await clinvk.post('/api/v1/prompt', { backend, prompt: `MANY-${index}` })
          return ((await response.json()) as { output: string }).output
        }),
      )
      expect(answers).toEqual(['RE-MANY-0', 'RE-MANY-1', 'RE-MANY-2'])
      await isEmpty(backend)
      expect((await poolOf(backend))?.hits.cold).toBe(before + 3)
    },
    LONG_MS,
  )
})
