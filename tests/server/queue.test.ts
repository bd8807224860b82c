import { afterEach, describe, expect, test } from 'bun:test'
import { UNBOUNDED } from '../../src/engine/queue.ts'
import { createApp } from '../../src/server/app.ts'
import { createFakeDriver } from '../support/fake-driver.ts'
import { waitUntil } from '../support/processes.ts'
import { createTestEngine } from '../support/test-engine.ts'
import { configWith, eventsOf, testApp } from './support.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()))
})

const message = [{ role: 'user', content: 'hi' }]
/** Every endpoint that runs a turn, with a request for one. */
const ENDPOINTS = {
  rest: ['/api/v1/prompt', { prompt: 'hi', backend: 'fake' }],
  completions: ['/openai/v1/chat/completions', { model: 'fake', messages: message }],
  responses: ['/openai/v1/responses', { model: 'fake', input: 'hi' }],
  messages: ['/anthropic/v1/messages', { model: 'fake', messages: message, max_tokens: 9 }],
} as const
type Endpoint = keyof typeof ENDPOINTS
const names = Object.keys(ENDPOINTS) as Endpoint[]
const cases = names.flatMap((name) => [false, true].map((stream) => [name, stream] as const))

/** The whole app over an agent that has one place, which a prompt takes until it is let go. */
async function stage({ waiting = 9, busy = true } = {}) {
  const fake = createFakeDriver('fake', { history: 'native', profiles: ['pure', 'full'] }, 1)
  const usual = fake.steps
  const gate = Promise.withResolvers<void>()
  fake.steps = (input) => {
    const [first, ...rest] = usual(input)
    const isBusy = JSON.stringify(input).includes('busy')
    return first === undefined ? [] : [first, ...(isBusy ? [{ after: gate.promise }] : []), ...rest]
  }
  const engine = createTestEngine([fake], { queue: { ...UNBOUNDED, waiting } })
  const app = createApp({ engine, config: configWith(), apiKeys: [], version: '1', log() {} })
  closing.push(() => engine.close())
  const post = (path: string, body: object, init: RequestInit = {}): Promise<Response> =>
    app.handle(
      new Request(`http://localhost${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        ...init,
        headers: { 'content-type': 'application/json', ...init.headers },
      }),
    )
  const ask = (name: Endpoint, more: object = {}, init: RequestInit = {}) =>
    post(ENDPOINTS[name][0], { ...ENDPOINTS[name][1], ...more }, init)
  const waits = (count: number) => waitUntil(() => engine.pool().queue.waiting['fake'] === count)
  const first = busy ? post('/api/v1/prompt', { prompt: 'busy', backend: 'fake' }) : undefined
  if (first) await waitUntil(() => fake.prompts.length === 1)
  const release = async () => {
    gate.resolve()
    await (await first)?.text()
  }
  return { engine, fake, post, ask, waits, release }
}

describe('where as many wait as may', () => {
  const shapes: Record<Endpoint, object> = {
    rest: { code: 'queue_full', title: 'Too many prompts', status: 429, retryable: true, backend: 'fake' },
    completions: { error: { type: 'rate_limit_error', code: 'rate_limit_exceeded', param: null } },
    responses: { error: { type: 'rate_limit_error', code: 'rate_limit_exceeded', param: null } },
    messages: { type: 'error', error: { type: 'rate_limit_error', details: { error_code: 'queue_full' } } },
  }
  test.each(cases)(
    '%s (stream: %p) is a 429 that is to be tried again, and then runs',
    async (name, stream) => {
      const { ask, release, fake } = await stage({ waiting: 0 })
      const refused = await ask(name, { stream })
      expect(refused.status).toBe(429)
      expect(refused.headers.get('retry-after')).toMatch(/^[1-9]\d?$/)
      expect(refused.headers.get('x-should-retry')).toBeNull()
      const body = await refused.json()
      expect(body).toMatchObject(shapes[name])
      expect(JSON.stringify(body)).toContain('pool.queue is 0')
      await release()
      const again = await ask(name, { stream })
      expect([again.status, again.headers.get('x-clinvk-replay')]).toEqual([200, null])
      await again.text()
      expect(fake.prompts).toHaveLength(2)
    },
  )

  test('a task fails alone', async () => {
    const { post, ask, release, waits } = await stage({ waiting: 1 })
    const waiting = ask('rest')
    await waits(1)
    const body = {
      tasks: [
        { prompt: 'hi', backend: 'fake' },
        { prompt: 'ho', backend: 'fake' },
      ],
    }
    expect(await (await post('/api/v1/parallel', body)).json()).toMatchObject({
      results: [
        { status: 'failed', error: { code: 'queue_full', status: 429, retry_after_ms: expect.any(Number) } },
        { status: 'failed', error: { code: 'queue_full' } },
      ],
    })
    await release()
    await (await waiting).text()
  })

  test('an idempotency key is not used up', async () => {
    const { ask, release } = await stage({ waiting: 0 })
    const key = { headers: { 'idempotency-key': 'k' } }
    expect((await ask('rest', {}, key)).status).toBe(429)
    await release()
    const again = await ask('rest', {}, key)
    expect(again.status).toBe(200)
    expect(await again.json()).toMatchObject({ response: 'hi' })
  })

  test.each(names)('%s tells the answer to an earlier request of the same idempotency key', async (name) => {
    const { ask, post, fake, release } = await stage({ waiting: 0, busy: false })
    const key = { headers: { 'idempotency-key': 'k' } }
    expect(await (await ask(name, {}, key)).text()).toContain('"hi"')
    const busy = post('/api/v1/prompt', { prompt: 'busy', backend: 'fake' })
    await waitUntil(() => fake.prompts.length === 2)
    const again = await ask(name, {}, key)
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([200, 'true'])
    expect(await again.text()).toContain('"hi"')
    await release()
    await (await busy).text()
  })
})

describe('while it waits', () => {
  test.each(names)('a stream of %s begins, and tells that it lives', async (name) => {
    const { ask, release, waits } = await stage()
    const response = await ask(name, { stream: true })
    expect([response.status, response.headers.get('x-clinvk-start')]).toEqual([200, null])
    await waits(1)
    const reader = response.body?.getReader()
    const first = new TextDecoder().decode((await reader?.read())?.value)
    expect(first).not.toBe('')
    const alive = new TextDecoder().decode((await reader?.read())?.value)
    expect(alive).toContain(
      {
        rest: '"kind":"queue","message":"Waiting for fake: this prompt is the next."',
        completions: '"delta":{}',
        responses: '"type":"keepalive"',
        messages: '"type":"ping"',
      }[name],
    )
    await release()
    let rest = ''
    for (let next = await reader?.read(); next && !next.done; next = await reader?.read())
      rest += new TextDecoder().decode(next.value)
    expect(rest).toContain('hi')
    expect(rest).toContain(
      { rest: '"done"', completions: '[DONE]', responses: 'response.completed', messages: 'message_stop' }[
        name
      ],
    )
  })

  test('a client that leaves has run nothing, and comes back as if it had never been there', async () => {
    const { ask, waits, release, fake } = await stage()
    const own = new AbortController()
    const left = ask('completions', {}, { signal: own.signal }).catch(() => undefined)
    await waits(1)
    own.abort()
    await left
    await waits(0)
    const again = ask('completions', {}, { headers: { 'x-stainless-retry-count': '1' } })
    await waits(1)
    await release()
    expect((await again).status).toBe(200)
    expect(fake.prompts).toHaveLength(2)
  })

  test.each(cases)('%s (stream: %p) is told when the server ends', async (name, stream) => {
    const { ask, waits, engine } = await stage()
    const answer = ask(name, { stream })
    await waits(1)
    const told = answer.then(async (response) => ({ status: response.status, body: await response.text() }))
    await engine.close(0)
    const { status, body } = await told
    expect(status).toBe(stream ? 200 : 503)
    expect(body).toContain('The server is shutting down.')
    const late = await ask(name, { stream })
    expect([late.status, late.headers.get('x-should-retry')]).toEqual([503, null])
  })

  test('the events of a prompt have its position before all others', async () => {
    const { ask, waits, release } = await stage()
    const answer = ask('rest', { output_format: 'stream-json' })
    await waits(1)
    const text = (await answer).text()
    await release()
    expect(eventsOf(await text).slice(0, 2)).toMatchObject([
      {
        type: 'progress',
        sequence: 1,
        content: { kind: 'queue', data: { queue: { position: 0, backend: 'fake' } } },
      },
      { type: 'init', sequence: 2, content: { start: 'cold', waited_ms: expect.any(Number) } },
    ])
  })
})

describe('how a turn began', () => {
  test.each(cases)('is in the headers of %s (stream: %p)', async (name, stream) => {
    const { ask, fake } = await stage({ busy: false })
    fake.processStart = 'spare'
    const response = await ask(name, { stream })
    expect(response.headers.get('x-clinvk-start')).toBe('spare')
    expect(response.headers.get('x-clinvk-wait')).toBe('0')
    await response.text()
  })

  test('is in the answer to a prompt, and warm for the next one', async () => {
    const { ask } = await stage({ busy: false })
    const answer = (await (await ask('rest')).json()) as { session_id: string }
    expect(answer).toMatchObject({ start: 'cold', waited_ms: 0 })
    const next = await ask('rest', { session_id: answer.session_id })
    expect(next.headers.get('x-clinvk-start')).toBe('warm')
    expect(await next.json()).toMatchObject({ start: 'warm', waited_ms: 0 })
    const text = await ask('rest', {}, { headers: { accept: 'text/plain' } })
    expect(text.headers.get('x-clinvk-start')).toBe('cold')
  })
})

test('prompts and tasks name who asks, so that callers take turns', async () => {
  const { engine, prompt, post } = testApp()
  for (const key of ['a', 'b']) await prompt({ prompt: 'x' }, { authorization: `Bearer ${key}` })
  await post('/api/v1/compare', { prompt: 'x', backends: ['fake'] }, { authorization: 'Bearer a' })
  const [a, b, compared] = engine.requests.flatMap(({ caller }) => caller ?? [])
  expect(a).toBeString()
  expect(b).not.toBe(a)
  expect(compared).toBe(a)
})
