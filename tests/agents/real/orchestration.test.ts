/** Several real agents in one request, and the examples of the owner's own document. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { json, readSse } from '../../support/events.ts'
import { type MockProvider, startMockProvider } from '../../support/mock-provider/index.ts'
import { processesIn } from '../../support/processes.ts'
import { type ServedClinvk, startClinvk } from '../../support/serve.ts'
import { runExample } from '../../support/shell.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { REAL_AGENTS } from './agents.ts'

const INSTALL_MS = 600_000
const NAMES = REAL_AGENTS.map(({ name }) => name)

let provider: MockProvider
let home: AgentHome
let clinvk: ServedClinvk

beforeAll(async () => {
  provider = await startMockProvider()
  home = await createAgentHome()
  clinvk = await startClinvk({ env: await agentEnv(provider.url, home), cwd: home.workdir })
}, INSTALL_MS)
afterAll(async () => {
  expect(await clinvk.stop()).toBe(0)
  await provider.stop()
  expect(await processesIn(home.home)).toEqual([])
  await home.remove()
})

/** The model says what it was asked, in angle brackets. */
const echo = () =>
  provider.play(({ prompt }) => ({ text: `<${prompt.trim()}>`, usage: { input: 10, output: 3 } }))

interface Result {
  readonly backend: string
  readonly status: string
  readonly response: string
  readonly session_id: string
}

describe('real agents', () => {
  test('all answer side by side, streamed, each its own prompt', async () => {
    echo()
    const response = await clinvk.post('/api/v1/parallel', {
      tasks: NAMES.map((backend) => ({ backend, name: backend, prompt: `QUESTION-${backend}` })),
      max_parallel: NAMES.length,
      stream: true,
    })
    const events = await Array.fromAsync(readSse(response))
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
    const last = events.at(-1)
    expect(last?.content).toMatchObject({ total_tasks: 4, completed: 4, failed: 0, cancelled: 0 })
    expect(last?.content.results).toMatchObject(
      NAMES.map((name, index) => ({
        index,
        name,
        backend: name,
        response: `<QUESTION-${name}>`,
        token_usage: { output_tokens: 3 },
      })),
    )
    for (const [task, name] of NAMES.entries()) {
      const own = events.filter((event) => 'task' in event && event.task === task)
      expect([own[0]?.type, own.at(-1)?.type]).toEqual(['init', 'done'])
      const said = own.filter(({ type }) => type === 'message').map(({ content }) => content)
      expect(said.join('')).toBe(`<QUESTION-${name}>`)
    }
  }, 120_000)

  test('build on each other in a chain, in one folder', async () => {
    echo()
    const workdir = join(home.workdir, 'chain')
    await mkdir(workdir)
    const body = await json(
      await clinvk.post('/api/v1/chain', {
        input: 'TOPIC',
        pass_working_dir: true,
        steps: [
          { backend: 'claude', name: 'draft', prompt: 'Draft {{input}}', workdir },
          { backend: 'codex', prompt: 'Review {{previous}}' },
          { backend: 'gemini', prompt: 'Join {{steps.draft.output}} and {{previous}}' },
        ],
      }),
    )
    expect(body).toMatchObject({ total_steps: 3, completed_steps: 3, failed_step: null })
    expect(body.results.map(({ response }: Result) => response)).toEqual([
      '<Draft TOPIC>',
      '<Review <Draft TOPIC>>',
      '<Join <Draft TOPIC> and <Review <Draft TOPIC>>>',
    ])
    for (const { session_id: id } of body.results as Result[]) {
      const session = await json(await fetch(`${clinvk.url}/api/v1/sessions/${id}`))
      expect(session.working_dir).toBe(workdir)
    }
  }, 120_000)

  test.each(NAMES)(
    '%s goes on in one session over a chain, and knows what was said',
    async (backend) => {
      echo()
      const steps = [{ prompt: `FIRST-${backend}` }, { prompt: `SECOND-${backend}` }]
      const body = await json(
        await clinvk.post('/api/v1/chain', {
          pass_session: true,
          steps: steps.map((step) => ({ ...step, backend })),
        }),
      )
      expect(body.completed_steps).toBe(2)
      expect(new Set(body.results.map(({ session_id: id }: Result) => id)).size).toBe(1)
      expect(JSON.stringify(provider.calls.at(-1)?.body)).toContain(`FIRST-${backend}`)
    },
    120_000,
  )

  test('are compared, the one that fails with its error', async () => {
    provider.play(({ dialect }) =>
      dialect === 'openai'
        ? { status: 400, message: 'No such thing.' }
        : { text: 'Hello.', usage: { input: 10, output: 3 } },
    )
    const body = await json(
      await clinvk.post('/api/v1/compare', { prompt: 'hi', backends: NAMES, sequential: true }),
    )
    expect(body).toMatchObject({ prompt: 'hi', backends: NAMES })
    expect(body.results).toMatchObject(
      NAMES.map((backend) =>
        backend === 'codex'
          ? { backend, status: 'failed', error: { code: 'upstream_invalid_request', backend } }
          : { backend, status: 'completed', response: 'Hello.', token_usage: { output_tokens: 3 } },
      ),
    )
  }, 120_000)

  test('are all cancelled when the client leaves', async () => {
    provider.play({ text: ['a ', 'b'], stallAfter: 1 })
    const leaving = new AbortController()
    const response = await clinvk.post(
      '/api/v1/parallel',
      { tasks: NAMES.map((backend) => ({ backend, prompt: 'go' })), max_parallel: 4, stream: true },
      { signal: leaving.signal },
    )
    const spoken = new Set<string>()
    for await (const event of readSse(response))
      if (event.type === 'message' && spoken.add(event.backend).size === NAMES.length) break
    leaving.abort()
    await provider.idle()
  }, 120_000)
})

describe("the owner's examples", () => {
  test('of one prompt', async () => {
    echo()
    const out = await runExample(
      `curl -X POST http://localhost:8080/api/v1/prompt \\
  -H "Content-Type: application/json" \\
  -d '{"backend": "claude", "prompt": "explain async/await"}'`,
      clinvk.url,
    )
    expect(JSON.parse(out)).toMatchObject({ backend: 'claude', response: '<explain async/await>' })
  }, 180_000)

  test('of parallel execution', async () => {
    echo()
    const out = await runExample(
      `curl -X POST http://localhost:8080/api/v1/parallel \\
  -H "Content-Type: application/json" \\
  -d '{
    "tasks": [
      {"backend": "claude", "prompt": "task 1"},
      {"backend": "codex", "prompt": "task 2"}
    ]
  }'`,
      clinvk.url,
    )
    expect(JSON.parse(out)).toMatchObject({
      total_tasks: 2,
      completed: 2,
      failed: 0,
      results: [
        { backend: 'claude', response: '<task 1>', output: '<task 1>' },
        { backend: 'codex', response: '<task 2>', output: '<task 2>' },
      ],
    })
  }, 180_000)

  test('of health and backends', async () => {
    expect(JSON.parse(await runExample('curl http://localhost:8080/health', clinvk.url))).toMatchObject({
      status: 'ok',
    })
    const { backends } = JSON.parse(
      await runExample('curl http://localhost:8080/api/v1/backends', clinvk.url),
    ) as { backends: { name: string }[] }
    expect(backends.map(({ name }) => name)).toEqual(NAMES)
  })

  test('of fetch', async () => {
    echo()
    const response = await fetch(`${clinvk.url}/api/v1/prompt`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        backend: 'claude',
        prompt: 'hello world',
      }),
    })
    const data = await json(response)
    expect(data.response).toBe('<hello world>')
  }, 180_000)
})
