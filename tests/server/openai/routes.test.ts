import { describe, expect, test } from 'bun:test'
import { ClinvkError } from '../../../src/errors.ts'
import { answer, fakeEngine } from '../support.ts'
import { chatApp } from './support.ts'

const PREFIXES = ['/openai/v1', '/openai', '/openai/v1/v1']
const body = { model: 'fake', messages: [{ role: 'user', content: 'hi' }] }

describe('POST /chat/completions', () => {
  for (const prefix of PREFIXES)
    for (const path of ['/chat/completions', '/chat/completions/', '/chat/completions?a=b'])
      test(`answers at ${prefix}${path}`, async () => {
        const response = await chatApp().post(`${prefix}${path}`, body)
        expect(response.status).toBe(200)
        expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'hi' } }] })
      })

  test('answers in JSON with the headers that clients read', async () => {
    const { headers } = await chatApp().chat({ temperature: 0 })
    expect(headers.get('content-type')).toBe('application/json')
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(headers.get('openai-version')).toBe('2020-10-01')
    expect(headers.get('openai-processing-ms')).toMatch(/^\d+$/)
    expect(headers.get('x-clinvk-backend')).toBe('fake')
    expect(headers.get('x-clinvk-without-effect')).toBe('temperature')
  })

  test('streams server-sent events with the same headers', async () => {
    const response = await chatApp().chat({ stream: true, stream_options: { include_usage: true } })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('x-clinvk-backend')).toBe('fake')
    expect(response.headers.get('openai-version')).toBe('2020-10-01')
    const text = await response.text()
    expect(text).toEndWith('data: [DONE]\n\n')
    expect(text.match(/"total_tokens":12/g)).toHaveLength(1)
  })

  test('never gives a bare backend on as a model', async () => {
    const { chat, engine } = chatApp()
    await chat()
    await chat({ model: 'fake:model-1' })
    expect(engine.requests.map(({ backend, model }) => [backend, model])).toEqual([
      ['fake', undefined],
      ['fake', 'model-1'],
    ])
  })

  test('finds what an alias stands for', async () => {
    const { chat, engine } = chatApp({ chat: { model_aliases: { 'gpt-4o': 'fake/big' } } })
    expect(await (await chat({ model: 'gpt-4o' })).json()).toMatchObject({ model: 'gpt-4o' })
    expect(engine.requests).toMatchObject([{ backend: 'fake', model: 'big' }])
  })
})

describe('a body of the Responses API at /chat/completions', () => {
  const mixed = {
    messages: undefined,
    instructions: 'be brief',
    input: [
      { role: 'user', content: 'a' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'b' }] },
      { role: 'user', content: [{ type: 'input_text', text: 'c' }] },
    ],
    reasoning: { effort: 'low' },
    text: { verbosity: 'low' },
    include: ['reasoning.encrypted_content'],
    store: false,
  }

  test('is answered as a chat', async () => {
    const { chat, engine } = chatApp()
    const response = await chat(mixed)
    expect(await response.json()).toMatchObject({
      object: 'chat.completion',
      choices: [{ message: { content: 'hi' } }],
    })
    expect(engine.requests).toMatchObject([
      {
        systemPrompt: 'be brief',
        history: [
          { role: 'user', parts: [{ text: 'a' }] },
          { role: 'assistant', text: 'b' },
        ],
        parts: [{ text: 'c' }],
      },
    ])
  })

  test('is streamed in chunks of a chat', async () => {
    const text = await (await chatApp().chat({ ...mixed, stream: true })).text()
    expect(text).toContain('"object":"chat.completion.chunk"')
    expect(text).toEndWith('data: [DONE]\n\n')
  })

  test('is checked as the Responses API checks it', async () => {
    const response = await chatApp().chat({ messages: undefined, input: [{ type: 'what' }] })
    expect([response.status, await response.json()]).toMatchObject([
      400,
      { error: { param: 'input[0].type' } },
    ])
  })
})

describe('GET /models', () => {
  for (const prefix of PREFIXES)
    test(`lists what there is at ${prefix}/models`, async () => {
      const response = await chatApp().request(`${prefix}/models/?client_version=1`)
      expect(await response.json()).toEqual({
        object: 'list',
        data: [
          { id: 'fake', object: 'model', created: 0, owned_by: 'fake' },
          { id: 'fake/model-1', object: 'model', created: 0, owned_by: 'fake' },
        ],
      })
    })

  test('answers HEAD as well', async () => {
    for (const path of ['/openai/v1/models', '/openai/models/fake']) {
      const response = await chatApp().request(path, { method: 'HEAD' })
      expect([response.status, await response.text()]).toEqual([200, ''])
    }
  })

  test.each(['fake', 'fake%2Fmodel-1', 'fake/model-1', 'fake/model-1/', 'fake:model-1', 'model-1'])(
    'finds %s',
    async (name) => {
      const response = await chatApp().request(`/openai/v1/models/${name}`)
      const id = decodeURIComponent(name).replace(/\/$/, '')
      expect(await response.json()).toEqual({ id, object: 'model', created: 0, owned_by: 'fake' })
    },
  )

  test('says in its own words what it does not find', async () => {
    const response = await chatApp().request('/openai/models/none')
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      error: {
        message: 'There is no model "none". There are: fake, fake/model-1.',
        type: 'invalid_request_error',
        param: 'model',
        code: 'model_not_found',
      },
    })
  })
})

describe('whatever goes wrong under /openai', () => {
  const { chat, post, request } = chatApp()
  const locked = chatApp({ apiKeys: ['secret'] })
  const small = chatApp({ server: { max_request_body_bytes: 100 } })
  const busy = chatApp({ server: { rate_limit_enabled: true, rate_limit_rps: 0.1, rate_limit_burst: 1 } })
  const mistakes: [
    what: string,
    answer: () => Promise<Response> | Response,
    status: number,
    type: string,
    code: string,
  ][] = [
    ['a wrong field', () => chat({ n: 'x' }), 400, 'invalid_request_error', 'invalid_value'],
    [
      'broken JSON',
      () => post('/openai/chat/completions', '{'),
      400,
      'invalid_request_error',
      'invalid_json',
    ],
    ['an unknown model', () => chat({ model: 'x' }), 404, 'invalid_request_error', 'model_not_found'],
    ['functions', () => chat({ functions: [{}] }), 400, 'invalid_request_error', 'unsupported_parameter'],
    ['no key', () => locked.chat(), 401, 'invalid_request_error', 'invalid_api_key'],
    [
      'no key, at the list',
      () => locked.request('/openai/v1/models'),
      401,
      'invalid_request_error',
      'invalid_api_key',
    ],
    [
      'a wrong host',
      () => request('/openai/v1/models', { headers: { host: 'evil.test' } }),
      403,
      'invalid_request_error',
      'host_refused',
    ],
    [
      'a wrong origin',
      () => chat({}, { origin: 'http://evil.test' }),
      403,
      'invalid_request_error',
      'origin_refused',
    ],
    [
      'an address with nothing',
      () => request('/openai/v1/none'),
      404,
      'invalid_request_error',
      'route_not_found',
    ],
    [
      'an address with a slash too many',
      () => request('//openai/v1/models'),
      404,
      'invalid_request_error',
      'route_not_found',
    ],
    [
      'an address that cannot be decoded',
      () => request('/openai/v1/models/%ZZ'),
      400,
      'invalid_request_error',
      'invalid_value',
    ],
    [
      'pictures as an answer',
      () => chat({ modalities: ['image'] }),
      400,
      'invalid_request_error',
      'unsupported_parameter',
    ],
    [
      'an unknown model, before anything that the request names is looked at',
      () =>
        chat({
          model: 'x',
          messages: [{ role: 'user', content: [{ type: 'image_url', image_url: 'https://x.test/' }] }],
        }),
      404,
      'invalid_request_error',
      'model_not_found',
    ],
    ['the room itself', () => request('/openai'), 404, 'invalid_request_error', 'route_not_found'],
    [
      'a wrong method',
      () => request('/openai/chat/completions'),
      405,
      'invalid_request_error',
      'method_not_allowed',
    ],
    [
      'a body that is too large',
      () => small.chat({ user: 'x'.repeat(100) }),
      413,
      'invalid_request_error',
      'payload_too_large',
    ],
    [
      'another media type',
      () => chat({}, { 'content-type': 'text/plain' }),
      415,
      'invalid_request_error',
      'unsupported_media_type',
    ],
    [
      'a profile above the ceiling',
      () => chat({}, { 'x-clinvk-profile': 'nope' }),
      400,
      'invalid_request_error',
      'invalid_value',
    ],
    [
      'too many requests',
      async () => {
        await busy.chat()
        return await busy.chat()
      },
      429,
      'rate_limit_error',
      'rate_limit_exceeded',
    ],
  ]
  test.each(mistakes)('is told as OpenAI does it: %s', async (_, answered, status, type, code) => {
    const response = await answered()
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    const { error } = (await response.json()) as { error: object }
    expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type'])
    expect(error).toMatchObject({ type, code })
  })

  test('says how long to wait, and which methods there are', async () => {
    expect((await busy.chat()).headers.get('retry-after')).toMatch(/^\d+$/)
    expect((await request('/openai/chat/completions')).headers.get('allow')).toBe('POST')
  })

  test('tells a key that is not valid from none', async () => {
    const messageOf = async (headers: Record<string, string>) =>
      ((await (await locked.chat({}, headers)).json()) as { error: { message: string } }).error.message
    expect(await messageOf({})).toStartWith('This server needs an API key: ')
    expect(await messageOf({ 'api-key': 'wrong' })).toStartWith('This API key is not valid: ')
  })

  test('takes a key in any of the headers that clients use', async () => {
    for (const headers of [
      { authorization: 'Bearer secret' },
      { 'x-api-key': 'secret' },
      { 'api-key': 'secret' },
    ])
      expect((await locked.chat({}, headers)).status).toBe(200)
  })

  test('lets the page of an allowed origin read the headers that its SDK reads', async () => {
    const { chat: allowed } = chatApp({ server: { cors_allowed_origins: ['https://app.test'] } })
    const { headers } = await allowed({}, { origin: 'https://app.test' })
    const exposed = headers.get('access-control-expose-headers')?.toLowerCase().split(', ')
    expect(exposed).toContain('x-request-id')
    expect(exposed).toContain('request-id')
    expect(exposed).toContain('x-should-retry')
    expect(exposed).toContain('x-clinvk-without-effect')
  })

  test('keeps its own words elsewhere', async () => {
    const response = await request('/openair')
    expect(response.headers.get('content-type')).toBe('application/problem+json')
  })

  test('hides what a bug says', async () => {
    const { chat: broken } = chatApp({
      engine: fakeEngine(() => {
        throw new Error('secret detail')
      }),
    })
    const response = await broken()
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret detail')
  })

  test('keeps the status of the provider', async () => {
    const failure = new ClinvkError('upstream_rate_limited', 'Slow down.', { retryAfterMs: 1500 })
    const { chat: limited } = chatApp({ engine: fakeEngine(() => failing(failure)) })
    const response = await limited()
    expect(response.status).toBe(429)
    expect(response.headers.get('retry-after')).toBe('120')
    expect(response.headers.get('x-should-retry')).toBe('false')
  })
})

async function* failing(error: ClinvkError) {
  yield* answer().slice(0, 1)
  throw error
}
