/** `clinvk serve` that is asked to stop while it works. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { answerOf, json, readSse, type WireEvent } from '../support/events.ts'
import type { AcpScenario } from '../support/fakes/acp.ts'
import { processesIn, runningIn, waitUntil } from '../support/processes.ts'
import { type ServedClinvk, startClinvk } from '../support/serve.ts'

const FAKE_AGENT = join(import.meta.dir, '../support/fakes/acp.ts')
/** Longer than any test: what ends sooner did not end because of it. */
const FOR_EVER = 3600

let home: string
let running: ServedClinvk[] = []
beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-drain-')))
  await mkdir(join(home, 'work'))
})
afterEach(async () => {
  await Promise.all(running.map((server) => server.stop('SIGKILL')))
  running = []
  expect(await processesIn(home)).toEqual([])
  await rm(home, { recursive: true, force: true })
})

async function serve(drainSecs: number, more = ''): Promise<ServedClinvk> {
  await Bun.write(join(home, '.clinvk/config.yaml'), `server: {drain_secs: ${drainSecs}}\n${more}`)
  const env = { PATH: '/usr/bin:/bin', HOME: home }
  const server = await startClinvk({ env, cwd: join(home, 'work'), args: ['--demo'] })
  running.push(server)
  return server
}
const ask = (server: ServedClinvk, prompt: string, more: Record<string, unknown> = {}) =>
  server.post('/api/v1/prompt', { backend: 'demo', prompt, ...more })
/** Resolves once that many prompts run. */
const runs = (server: ServedClinvk, count: number) =>
  waitUntil(async () => (await json(await fetch(`${server.url}/api/v1/pool`))).totals.running === count, {
    what: `${count} prompts that run`,
  })
/** Reads a stream, and asks the server to stop at its first piece of an answer. `meanwhile` is begun then. */
async function readAndStop<T>(server: ServedClinvk, response: Response, meanwhile?: () => Promise<T>) {
  const events: WireEvent[] = []
  let stopped: Promise<number> | undefined
  let beside: Promise<T> | undefined
  for await (const event of readSse(response)) {
    if (event.type === 'message' && !stopped) {
      stopped = server.stop('SIGTERM')
      beside = meanwhile?.()
    }
    events.push(event)
  }
  return { events, code: await stopped, beside: await beside }
}
/** The last event of a stream of another API. */
const lastOf = (text: string): string => text.trim().split('\n\n').at(-1) ?? ''

describe('clinvk serve that is asked to stop', () => {
  test('ends at once where nothing runs, and says nothing of waiting', async () => {
    const server = await serve(FOR_EVER)
    expect(
      answerOf(await Array.fromAsync(readSse(await ask(server, 'demo: say=hi', { stream: true })))),
    ).toBe('hi')
    expect(await server.stop('SIGINT')).toBe(0)
    expect(server.output()).toContain('clinvk: stopping.')
    expect(server.output()).not.toContain('once more')
  }, 180_000)

  test('lets prompts under way end, refuses others, and tells balancers to look elsewhere', async () => {
    const server = await serve(FOR_EVER)
    const slow = 'demo: say=begun; wait=2s; say=finished'
    const buffered = ask(server, slow)
    const background = await json(await ask(server, slow, { background: true }))
    await runs(server, 2)
    const streamed = await ask(server, slow, { stream: true })
    const { events, code, beside } = await readAndStop(server, streamed, async () => {
      await waitUntil(() => server.output().includes('once more'))
      const health = await fetch(`${server.url}/health`)
      const refused = await ask(server, 'demo: say=late')
      const followed = await fetch(`${server.url}/api/v1/runs/${background.id}/events`)
      const told = await Array.fromAsync(readSse(followed))
      return [health.status, refused.status, refused.headers.get('retry-after'), answerOf(told)]
    })
    expect(answerOf(events)).toBe('begunfinished')
    expect(events.at(-1)?.type).toBe('done')
    expect(beside).toEqual([503, 503, '10', 'begunfinished'])
    expect((await json(await buffered)).response).toBe('begunfinished')
    expect(code).toBe(0)
    expect(server.output()).toContain(
      `stopping when 3 prompts under way are done, at the latest in ${FOR_EVER} s`,
    )
    const next = await serve(FOR_EVER)
    expect(await json(await fetch(`${next.url}/api/v1/runs/${background.id}`))).toMatchObject({
      status: 'completed',
    })
  }, 180_000)

  test('ends what takes too long, and tells each client so in its own words', async () => {
    const server = await serve(0.5)
    const hang = 'demo: say=here; hang'
    const messages = [{ role: 'user', content: hang }]
    const chat = { model: 'demo', messages, max_tokens: 9 }
    const asked = {
      rest: server.post('/api/v1/prompt', { backend: 'demo', prompt: hang, stream: true }),
      openai: server.post('/openai/v1/chat/completions', { ...chat, stream: true }),
      responses: server.post('/openai/v1/responses', { model: 'demo', input: hang, stream: true }),
      anthropic: server.post('/anthropic/v1/messages', { ...chat, stream: true }),
    }
    const whole = [
      ask(server, hang),
      server.post('/openai/v1/chat/completions', chat),
      server.post('/openai/v1/responses', { model: 'demo', input: hang }),
      server.post('/anthropic/v1/messages', chat),
    ]
    const background = await json(await ask(server, hang, { background: true }))
    const texts = Promise.all(Object.values(asked).map(async (response) => await (await response).text()))
    await runs(server, 9)
    expect(await server.stop('SIGTERM')).toBe(0)
    const [rest, openai, responses, anthropic] = (await texts).map(lastOf)
    expect(rest).toContain('"type":"error"')
    expect(rest).toContain('"code":"shutting_down"')
    expect(openai).toMatch(/^data: \{"error":\{.*"code":"shutting_down"/)
    expect(responses).toMatch(/^event: response\.failed\n.*"code":"/)
    expect(responses).toContain('The server is shutting down.')
    expect(anthropic).toMatch(/^event: error\ndata: \{"type":"error"/)
    for (const response of whole) {
      const { status, headers } = await response
      expect(status).toBe(503)
      // An agent has worked on it: what it did is not done once more without anybody knowing.
      if (!(await response).url.includes('/api/')) expect(headers.get('x-should-retry')).toBe('false')
    }
    expect(server.output()).toContain('ending 9 prompts that took longer.')
    const next = await serve(0.5)
    const run = await json(await fetch(`${next.url}/api/v1/runs/${background.id}`))
    expect(run).toMatchObject({ status: 'interrupted', error: { code: 'shutting_down' } })
    const session = await json(await fetch(`${next.url}/api/v1/sessions/${run.session_id}`))
    expect(session).toMatchObject({
      status: 'interrupted',
      turns: [{ status: 'interrupted', response: 'here' }],
    })
  }, 180_000)

  test('ends a prompt that waits in the queue at once, and lets the one before it end', async () => {
    const server = await serve(FOR_EVER, 'pool: {max_running: 1}\n')
    const first = ask(server, 'demo: say=first; wait=2s; say=end')
    await runs(server, 1)
    const waiting = ask(server, 'demo: say=second')
    await waitUntil(async () => (await json(await fetch(`${server.url}/api/v1/pool`))).queue.waiting === 1)
    const stopped = server.stop('SIGTERM')
    const refused = await waiting
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '10'])
    expect((await json(await first)).response).toBe('firstend')
    expect(await stopped).toBe(0)
  }, 180_000)

  test('begins no further prompt of a request for several, and tells of each what became of it', async () => {
    const server = await serve(FOR_EVER)
    const tasks = ['demo: say=one; wait=2s; say=end', 'demo: say=two'].map((prompt) => ({
      backend: 'demo',
      prompt,
    }))
    const asked = server.post('/api/v1/parallel', { tasks, max_parallel: 1 })
    await runs(server, 1)
    const code = server.stop('SIGTERM')
    const { completed, failed, results } = await json(await asked)
    expect([completed, failed]).toEqual([1, 1])
    expect(results).toMatchObject([{ response: 'oneend' }, { error: { code: 'shutting_down', status: 503 } }])
    expect(await code).toBe(0)
  }, 180_000)

  test('ends at once when it is asked a second time, and leaves no process', async () => {
    const server = await serve(FOR_EVER)
    const cut = ask(server, 'demo: ignore-cancel; say=here; hang').catch(() => 'cut')
    await runs(server, 1)
    const stopped = server.stop('SIGINT')
    await waitUntil(() => server.output().includes('once more'))
    // Sooner it would be taken for the same signal, passed on by who runs us.
    await Bun.sleep(400)
    process.kill(server.pid, 'SIGINT')
    expect(await stopped).toBe(1)
    await cut
    // afterEach looks at the processes.
  }, 180_000)
})

describe('an agent that works when the server ends', () => {
  /** A backend whose agent does what the scenario says, and what it was told. */
  async function withFake(drainSecs: number, scenario: AcpScenario) {
    const record = join(home, 'record')
    const env = { SCENARIO: JSON.stringify(scenario), RECORD: record }
    const command = [process.execPath, FAKE_AGENT]
    const fake = JSON.stringify({ driver: 'acp', command, env })
    const server = await serve(drainSecs, `backends: {fake: ${fake}}\npool: {minimum: 0}\n`)
    const records = async () => {
      const text = await readFile(record, 'utf8').catch(() => '')
      return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
    }
    return { server, records }
  }

  test('is interrupted, then asked to end, then killed', async () => {
    const { server, records } = await withFake(0.2, {
      stubborn: true,
      turns: [[{ say: 'here' }, { hang: true }]],
    })
    const prompt = { backend: 'fake', prompt: 'x', stream: true }
    const { events, code } = await readAndStop(server, await server.post('/api/v1/prompt', prompt))
    expect(events.at(-1)).toMatchObject({ type: 'error', content: { code: 'shutting_down' } })
    expect(code).toBe(0)
    const told = (await records()).map(({ method, signal }) => method ?? signal)
    expect(told.slice(told.indexOf('session/prompt'))).toEqual([
      'session/prompt',
      'session/cancel',
      'SIGTERM',
    ])
    expect(await processesIn(home)).toEqual([])
  }, 180_000)

  test('is not interrupted where it ends in time', async () => {
    const { server, records } = await withFake(FOR_EVER, {
      turns: [[{ say: 'here' }, { pause: 1000 }, { answer: { stopReason: 'end_turn' } }]],
    })
    const prompt = { backend: 'fake', prompt: 'x', stream: true }
    const { events, code } = await readAndStop(server, await server.post('/api/v1/prompt', prompt))
    expect(events.at(-1)).toMatchObject({ type: 'done' })
    expect(code).toBe(0)
    expect((await records()).map(({ method }) => method)).not.toContain('session/cancel')
  }, 180_000)

  test('that has no work ends at once, while another one goes on', async () => {
    const { server } = await withFake(FOR_EVER, {
      turns: [[{ say: 'here' }, { answer: { stopReason: 'end_turn' } }]],
    })
    await json(await server.post('/api/v1/prompt', { backend: 'fake', prompt: 'x' }))
    const agents = async () =>
      (await runningIn(home)).filter(({ command }) => command.includes(FAKE_AGENT)).length
    expect(await agents()).toBe(1)
    const streamed = await ask(server, 'demo: say=here; wait=3s; say=end', { stream: true })
    const { events, code } = await readAndStop(server, streamed, () =>
      waitUntil(async () => (await agents()) === 0),
    )
    expect(answerOf(events)).toBe('hereend')
    expect(code).toBe(0)
  }, 180_000)
})
