import { describe, expect, test } from 'bun:test'
import type { TurnEvent } from '../../../src/agents/types.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { answer, backend, type FakeEngine, fakeEngine, testApp, thenHang } from '../support.ts'

const PREFIXES = ['/anthropic', '/anthropic/v1', '/anthropic/v1/v1']
const body = { model: 'fake', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] }

type App = ReturnType<typeof testApp>
const send = (app: App, more: object = {}, headers: Record<string, string> = {}) =>
  app.post('/anthropic/v1/messages', { ...body, ...more }, headers)

function withBackends(...names: string[]): FakeEngine {
  const models = ['opus', 'haiku']
  return { ...fakeEngine(), backends: async () => names.map((name) => backend({ name, models })) }
}

interface Page {
  readonly data: readonly { readonly id: string }[]
  readonly has_more: boolean
  readonly last_id: string
}

async function read<T>(response: Response): Promise<T> {
  return (await response.json()) as T
}

/** The names of a stream's events. */
const eventNames = (sse: string) => [...sse.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name)

async function expectError(response: Response, status: number, type: string, message = '') {
  expect(response.status).toBe(status)
  expect(response.headers.get('content-type')).toBe('application/json')
  const json = await read<{ error: { message: string }; request_id: string }>(response)
  expect(json).toMatchObject({ type: 'error', error: { type } })
  expect(json.error.message).toContain(message)
  expect(response.headers.get('request-id')).toBe(json.request_id)
  expect(response.headers.get('x-request-id')).toBe(json.request_id)
}

describe('POST /messages', () => {
  for (const prefix of PREFIXES)
    for (const end of ['', '/', '?beta=true'])
      test(`answers at ${prefix}/messages${end}`, async () => {
        const response = await testApp().post(`${prefix}/messages${end}`, body)
        expect(response.status).toBe(200)
        expect(await response.json()).toMatchObject({
          id: expect.stringMatching(/^msg_\w{20,}$/),
          type: 'message',
          role: 'assistant',
          model: 'fake',
          content: [{ type: 'text', text: 'hi' }],
          stop_reason: 'end_turn',
          stop_sequence: null,
          usage: { input_tokens: 10, output_tokens: 2 },
        })
      })

  test('gives every answer an id of its own, and tells the id of the request', async () => {
    const app = testApp()
    const responses = [await send(app), await send(app)]
    const ids = await Promise.all(
      responses.map(async (response) => (await read<{ id: string }>(response)).id),
    )
    expect(new Set(ids).size).toBe(2)
    const requestId = responses[0]?.headers.get('request-id')
    expect(requestId).toBe(responses[0]?.headers.get('x-request-id') ?? '')
    expect(requestId).toMatch(/^\S{20,}$/)
  })

  test('asks the engine for a model call with the whole conversation', async () => {
    const app = testApp()
    const response = await send(app, {
      model: 'fake/model-1',
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      messages: [
        { role: 'user', content: 'one' },
        { role: 'assistant', content: 'two' },
        { role: 'user', content: [{ type: 'text', text: 'three' }] },
      ],
      stop_sequences: ['END'],
      temperature: 0,
      metadata: { user_id: 'u' },
    })
    expect(app.engine.requests).toEqual([
      expect.objectContaining({
        backend: 'fake',
        model: 'model-1',
        parts: [{ type: 'text', text: 'three' }],
        history: [
          { role: 'user', parts: [{ type: 'text', text: 'one' }] },
          { role: 'assistant', text: 'two', toolCalls: [] },
        ],
        systemPrompt: 'Be brief.',
        stop: ['END'],
        scratch: true,
        ephemeral: true,
        metadata: { user_id: 'u' },
      }),
    ])
    expect(response.headers.get('x-clinvk-backend')).toBe('fake')
    expect(response.headers.get('x-clinvk-without-effect')).toContain('temperature')
  })

  test('streams the events in their order', async () => {
    const response = await send(testApp({ engine: fakeEngine(() => answer('a', 'b')) }), { stream: true })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('request-id')).toMatch(/^\S{20,}$/)
    expect(eventNames(await response.text())).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
  })

  test('shows thinking only where the request asks for it', async () => {
    const script = (): TurnEvent[] => [{ type: 'thinking', text: 'Hm.' }, ...answer('hi').slice(1)]
    const types = async (more: object) => {
      const response = await send(testApp({ engine: fakeEngine(script) }), more)
      return (await read<{ content: { type: string }[] }>(response)).content.map(({ type }) => type)
    }
    expect(await types({})).toEqual(['text'])
    expect(await types({ thinking: { type: 'adaptive' } })).toEqual(['thinking', 'text'])
  })

  test('ends a stream that fails with an error event, without message_stop', async () => {
    const engine = fakeEngine(async function* () {
      yield { type: 'text', text: 'half' }
      throw new ClinvkError('upstream_overloaded', 'Too much.')
    })
    const response = await send(testApp({ engine }), { stream: true })
    const sse = await response.text()
    expect(eventNames(sse).slice(-2)).toEqual(['content_block_delta', 'error'])
    expect(JSON.parse(sse.trimEnd().split('\ndata: ').at(-1) ?? '')).toMatchObject({
      type: 'error',
      error: { type: 'overloaded_error', message: 'Too much.' },
      request_id: response.headers.get('request-id'),
    })
  })

  test('answers a run that fails at once with a status, streamed or not, and keeps SDKs from running it again', async () => {
    for (const stream of [false, true]) {
      const engine = fakeEngine(async function* () {
        yield* [] as TurnEvent[]
        throw new ClinvkError('agent_crashed', 'It ended.')
      })
      const response = await send(testApp({ engine }), { stream })
      expect(response.headers.get('x-should-retry')).toBe('false')
      await expectError(response, 502, 'api_error', 'It ended.')
    }
  })

  test('does not run a request again that has just failed, though it comes with other features', async () => {
    const engine = fakeEngine(async function* () {
      yield* [] as TurnEvent[]
      throw new ClinvkError('agent_crashed', 'It ended.')
    })
    const app = testApp({ engine })
    await send(app, { stream: true, thinking: { type: 'adaptive' } }, { 'anthropic-beta': 'a' })
    await expectError(await send(app), 502, 'api_error', 'It ended.')
    expect(engine.requests).toHaveLength(1)
    await send(app, {}, { 'x-clinvk-replay': 'off' })
    expect(engine.requests).toHaveLength(2)
  })

  test('cancels the turn when the client of a stream leaves', async () => {
    const engine = fakeEngine((_, signal) => thenHang([{ type: 'text', text: 'a' }], signal))
    const response = await send(testApp({ engine }), { stream: true })
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.read()
    await reader?.cancel()
    while (engine.ends.length === 0) await Bun.sleep(1)
    expect(engine.ends).toEqual(['cancelled'])
  })

  for (const headers of [
    { 'anthropic-version': '2026-10-21', authorization: 'Bearer secret' },
    { 'anthropic-version': '2023-06-01', 'x-api-key': 'secret', 'anthropic-beta': 'a,b' },
  ])
    test(`accepts ${Object.keys(headers).join(' and ')} ${headers['anthropic-version']}`, async () => {
      const app = testApp({ apiKeys: ['secret'] })
      expect((await send(app, {}, headers)).status).toBe(200)
    })

  test('refuses in the form of Anthropic', async () => {
    const keyed = testApp({ apiKeys: ['secret'] })
    const small = testApp({ server: { max_request_body_bytes: 10 } })
    const app = testApp()
    await expectError(await send(keyed), 401, 'authentication_error', 'API key')
    await expectError(await send(small), 413, 'request_too_large', '10 bytes')
    await expectError(await send(app, { model: 'nope' }), 404, 'not_found_error', 'fake')
    await expectError(await send(app, { max_tokens: 'x' }), 400, 'invalid_request_error', 'max_tokens')
    await expectError(await send(app, { messages: [] }), 400, 'invalid_request_error', 'messages')
    await expectError(await send(app, { tools: [{}] }), 400, 'invalid_request_error', 'tools')
    await expectError(await app.post('/anthropic/v1/messages', '{'), 400, 'invalid_request_error', 'Line 1')
    await expectError(await app.request('/anthropic/v1/nothing'), 404, 'not_found_error')
    const wrongMethod = await app.request('/anthropic/v1/messages')
    expect(wrongMethod.headers.get('allow')).toBe('POST')
    await expectError(wrongMethod, 405, 'invalid_request_error', 'POST')
    expect(app.engine.requests).toEqual([])
  })

  test('refuses an answer of the assistant at the end: no agent goes on with it', async () => {
    const messages = [...body.messages, { role: 'assistant', content: 'Well,' }]
    await expectError(await send(testApp(), { messages }), 400, 'invalid_request_error', 'messages')
  })
})

describe('POST /messages/count_tokens', () => {
  for (const prefix of PREFIXES)
    test(`tells at ${prefix} what the agent counts, and runs nothing`, async () => {
      const app = testApp({ engine: fakeEngine(undefined, 42) })
      const { max_tokens: _, ...prompt } = body
      const response = await app.post(`${prefix}/messages/count_tokens?beta=true`, prompt)
      expect([response.status, await response.json()]).toEqual([200, { input_tokens: 42 }])
      expect(response.headers.get('request-id')).toMatch(/^\S{20,}$/)
      expect(app.engine.requests).toMatchObject([{ parts: [{ text: 'hi' }], profile: 'full' }])
      expect(app.engine.requests[0]).not.toHaveProperty('maxTokens')
      expect(app.engine.taken()).toBe(0)
    })

  for (const prefix of PREFIXES)
    test(`says at ${prefix} where an agent cannot count`, async () => {
      const app = testApp()
      const { max_tokens: _, ...prompt } = body
      const response = await app.post(`${prefix}/messages/count_tokens?beta=true`, prompt)
      expect(response.headers.get('x-should-retry')).toBe('false')
      await expectError(response, 404, 'not_found_error', 'fake cannot count tokens')
      expect(app.engine.taken()).toBe(0)
    })

  test('checks the request all the same', async () => {
    const path = '/anthropic/v1/messages/count_tokens'
    await expectError(await testApp().post(path, { model: 'fake' }), 400, 'invalid_request_error', 'messages')
    await expectError(
      await testApp().post(path, { ...body, model: 'nope' }),
      404,
      'not_found_error',
      'no model',
    )
  })
})

describe('GET /models', () => {
  for (const prefix of PREFIXES)
    test(`lists backends and their models at ${prefix}, in pages`, async () => {
      const { request } = testApp({ engine: withBackends('claude', 'codex') })
      const response = await request(`${prefix}/models?limit=4&beta=true`)
      expect(response.headers.get('request-id')).toMatch(/^\S{20,}$/)
      const first = await read<Page>(response)
      const next = await read<Page>(await request(`${prefix}/models?limit=4&after_id=${first.last_id}`))
      const ids = [...first.data, ...next.data].map(({ id }) => id)
      expect([first.has_more, next.has_more]).toEqual([true, false])
      expect(ids).toEqual(['claude', 'claude/opus', 'claude/haiku', 'codex', 'codex/opus', 'codex/haiku'])
    })

  test('refuses a limit that makes no sense', async () => {
    const response = await testApp().request('/anthropic/v1/models?limit=0')
    await expectError(response, 400, 'invalid_request_error', 'limit')
  })

  for (const name of ['claude', 'claude/opus', 'claude%2Fopus', 'claude%2fopus/'])
    test(`finds ${name}`, async () => {
      const { request } = testApp({ engine: withBackends('claude') })
      const response = await request(`/anthropic/v1/models/${name}`)
      expect(await response.json()).toMatchObject({
        type: 'model',
        id: decodeURIComponent(name).replace(/\/$/, ''),
      })
    })

  test('finds no model that is not there', async () => {
    const { request } = testApp({ engine: withBackends('claude') })
    await expectError(await request('/anthropic/v1/models/nope'), 404, 'not_found_error', 'claude/opus')
  })
})

describe('looking whether anybody is there', () => {
  for (const path of ['', '/', '/api/hello', '/models'])
    for (const prefix of PREFIXES)
      test(`HEAD ${prefix}${path} is well`, async () => {
        const response = await testApp().request(`${prefix}${path}`, { method: 'HEAD' })
        expect(response.status).toBe(200)
        expect(await response.text()).toBe('')
      })
})
