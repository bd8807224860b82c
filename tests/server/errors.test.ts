import { describe, expect, test } from 'bun:test'
import { ClinvkError } from '../../src/errors.ts'
import { fakeEngine, testApp } from './support.ts'

describe('a mistake in the request', () => {
  const mistakes: [name: string, body: unknown, status: number, code: string, detail: RegExp][] = [
    ['malformed JSON', '{"prompt": "x",}', 400, 'invalid_json', /^Line 1, column 16: found "}" where a key/],
    ['JSON that ends early', '{"prompt": "x"', 400, 'invalid_json', /^Line 1, column 15: the text ends/],
    ['an empty body', '', 400, 'invalid_json', /empty/],
    [
      'a list instead of an object',
      '[]',
      400,
      'invalid_request',
      /^The body is an empty list, expected an object/,
    ],
    ['a missing prompt', {}, 400, 'invalid_request', /^prompt is missing: expected a text/],
    [
      'an empty prompt',
      { prompt: '' },
      400,
      'invalid_request',
      /^prompt is "", expected a text that is not empty/,
    ],
    ['a wrong type', { prompt: 5 }, 400, 'invalid_request', /^prompt is 5, expected a text/],
    ['a null', { prompt: 'x', model: null }, 400, 'invalid_request', /^model is null, expected a text/],
    [
      'an unknown field',
      { prompt: 'x', modell: 'y' },
      400,
      'invalid_request',
      /^modell is not known here\. Did you mean model\?/,
    ],
    [
      'an unknown field like none',
      { prompt: 'x', zzzzzzzz: 1 },
      400,
      'invalid_request',
      /^zzzzzzzz is not known here\. Known: prompt, images, backend/,
    ],
    [
      'a word that is not on the list',
      { prompt: 'x', approval_mode: 'nonne' },
      400,
      'invalid_request',
      /^approval_mode is "nonne", expected one of "default", "auto", "none", "always"\. Did you mean "none"\?/,
    ],
    [
      'a number below its range',
      { prompt: 'x', max_turns: -1 },
      400,
      'invalid_request',
      /^max_turns is -1, expected a whole number from 0 to 1000000000/,
    ],
    [
      'a wrong item of a list',
      { prompt: 'x', allowed_tools: ['a', 1] },
      400,
      'invalid_request',
      /^allowed_tools\[1\] is 1, expected a text/,
    ],
    [
      'a wrong field of an item',
      { prompt: 'x', images: [{ media_type: 'image/bmp', data: 'AAAA' }] },
      400,
      'invalid_request',
      /^images\[0\]\.media_type is "image\/bmp", expected one of "image\/png"/,
    ],
    [
      'an image that is not base64',
      { prompt: 'x', images: [{ media_type: 'image/png', data: 'a b' }] },
      400,
      'invalid_request',
      /^images\[0\]\.data is not base64/,
    ],
    [
      'a NUL in an option',
      { prompt: 'x', system_prompt: 'a\0b' },
      400,
      'invalid_request',
      /^system_prompt holds a NUL/,
    ],
    ['a NUL in a list', { prompt: 'x', extra: ['a\0b'] }, 400, 'invalid_request', /^extra holds a NUL/],
  ]
  for (const [name, body, status, code, detail] of mistakes)
    test(`${name} is a problem that says what to do`, async () => {
      const { prompt, engine } = testApp()
      const response = await prompt(body)
      expect(response.status).toBe(status)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      const problem = (await response.json()) as { detail: string; instance: string }
      expect(problem).toMatchObject({ status, code, type: `urn:clinvk:error:${code}` })
      expect(problem.detail).toMatch(detail)
      expect(problem.instance).toBe(`urn:uuid:${response.headers.get('x-request-id')}`)
      expect(engine.requests).toEqual([])
    })

  test('every wrong field is named, not only the first', async () => {
    const response = await testApp().prompt({ stream: 'yes', verbose: 1 })
    expect(await response.json()).toHaveProperty('errors', [
      { path: 'prompt', message: 'is missing: expected a text that is not empty.' },
      { path: 'stream', message: 'is "yes", expected true or false.' },
      { path: 'verbose', message: 'is 1, expected true or false.' },
    ])
  })

  test('a huge number of wrong fields makes no huge answer', async () => {
    const body = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field_${index}`, 1]))
    const response = await testApp().prompt({ prompt: 'x', ...body })
    expect(await response.json()).toHaveProperty('errors.length', 20)
  })

  test('bytes that are no UTF-8 are refused', async () => {
    const { request } = testApp()
    const response = await request('/api/v1/prompt', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Uint8Array([0x22, 0xff, 0x22]),
    })
    expect(await response.json()).toMatchObject({ status: 400, detail: 'The body is not valid UTF-8.' })
  })

  test('metadata of a depth that could not be sent back is refused before anything runs', async () => {
    const { prompt, engine } = testApp()
    const response = await prompt(
      `{"prompt":"x","metadata":{"a":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`,
    )
    expect(response.status).toBe(400)
    expect(engine.requests).toEqual([])
  })

  test('JSON of a depth that no parser bears is refused, not a crash', async () => {
    const response = await testApp().prompt('['.repeat(1_000_000))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'invalid_json' })
  })
})

describe('an address', () => {
  test('that leads nowhere is a 404 that names nothing internal', async () => {
    const response = await testApp().request('/api/v1/nothing')
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ code: 'route_not_found', status: 404 })
  })

  const wrongMethods = [
    ['GET', '/api/v1/prompt', 'POST'],
    ['DELETE', '/api/v1/prompt', 'POST'],
    ['POST', '/health', 'GET, HEAD'],
    ['PUT', '/api/v1/backends', 'GET, HEAD'],
  ] as const
  for (const [method, path, allow] of wrongMethods)
    test(`${method} ${path} is a 405 that says what is possible`, async () => {
      const response = await testApp().request(path, { method })
      expect(response.status).toBe(405)
      expect(response.headers.get('allow')).toBe(allow)
      expect(await response.json()).toMatchObject({ code: 'method_not_allowed' })
    })

  test('answers HEAD where it answers GET', async () => {
    const response = await testApp().request('/health', { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('')
  })

  test('answers OPTIONS with its methods', async () => {
    const response = await testApp().request('/api/v1/prompt', { method: 'OPTIONS' })
    expect([response.status, response.headers.get('allow')]).toEqual([204, 'POST'])
  })
})

describe('a failure before the answer has begun', () => {
  const failures: [ClinvkError, number, Record<string, unknown>][] = [
    [new ClinvkError('backend_not_found', 'No backend x.'), 404, { code: 'backend_not_found' }],
    [new ClinvkError('workdir_refused', 'Not there.'), 403, { code: 'workdir_refused' }],
    [new ClinvkError('session_busy', 'Busy.'), 409, { code: 'session_busy' }],
    [new ClinvkError('upstream_overloaded', 'Busy.'), 529, { retryable: true }],
    [
      new ClinvkError('upstream_auth', 'claude: bad key', {
        upstreamStatus: 401,
        details: { backend: 'claude' },
      }),
      401,
      { upstream_status: 401, backend: 'claude', detail: 'claude: bad key' },
    ],
  ]
  for (const [error, status, members] of failures)
    for (const stream of [false, true])
      test(`${error.code} keeps its status ${status} ${stream ? 'for a stream' : 'for JSON'}`, async () => {
        const engine = fakeEngine(() => {
          throw error
        })
        const response = await testApp({ engine }).prompt({ prompt: 'x', stream })
        expect(response.status).toBe(status)
        expect(await response.json()).toMatchObject({ status, ...members })
      })

  test('tells in Retry-After how many seconds to wait, rounded up', async () => {
    const engine = fakeEngine(() => {
      throw new ClinvkError('upstream_rate_limited', 'Slow down.', { retryAfterMs: 1200 })
    })
    const response = await testApp({ engine }).prompt({ prompt: 'x' })
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '2'])
    expect(await response.json()).toMatchObject({ retry_after_ms: 1200 })
  })

  test('a bug is a 500 that leaks nothing and is logged', async () => {
    const engine = fakeEngine(() => {
      throw new Error('secret path /srv/x')
    })
    const { prompt, logged } = testApp({ engine })
    const response = await prompt({ prompt: 'x' })
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
    expect(logged).toEqual(['Internal error: Something went wrong inside clinvk. Its log says more.'])
  })

  test('details cannot take the name of a member', async () => {
    const engine = fakeEngine(() => {
      throw new ClinvkError('invalid_workdir', 'No.', { details: { status: 200, code: 'ok', more: 1 } })
    })
    const response = await testApp({ engine }).prompt({ prompt: 'x' })
    expect(await response.json()).toMatchObject({ status: 400, code: 'invalid_workdir', more: 1 })
  })
})
