import { describe, expect, test } from 'bun:test'
import { hostname, networkInterfaces } from 'node:os'
import { testApp } from './support.ts'

const POST = { method: 'POST', body: '{"prompt":"x"}' }
const JSON_TYPE = { 'content-type': 'application/json' }

describe('Host', () => {
  const ownAddress = Object.values(networkInterfaces()).flatMap((list) => list ?? [])[0]
  const bracketed =
    ownAddress?.family === 'IPv6' ? `[${ownAddress.address}]` : (ownAddress?.address ?? '127.0.0.1')
  const hosts: [host: string, allowed: boolean][] = [
    ['localhost', true],
    ['localhost:8080', true],
    ['LOCALHOST.', true],
    ['app.localhost:3000', true],
    ['127.0.0.1:1', true],
    ['127.8.9.10', true],
    ['[::1]:8080', true],
    ['0.0.0.0:8080', true],
    [`${hostname()}:8080`, true],
    [`${bracketed}:8080`, true],
    ['allowed.example:8080', true],
    ['evil.example', false],
    ['evil.example:8080', false],
    ['localhost.evil.example', false],
    ['127.0.0.1.evil.example', false],
    ['notlocalhost', false],
    ['198.51.100.7', false],
    ['[2001:db8::7]', false],
    ['localhost, evil.example', false],
    ['evil.example@localhost', false],
    ['localhost/evil.example', false],
    ['', false],
  ]
  for (const [host, allowed] of hosts)
    test(`${JSON.stringify(host)} is ${allowed ? 'let in' : 'refused'}`, async () => {
      const { request } = testApp({ server: { allowed_hosts: ['allowed.example'] } })
      const response = await request('/health', { headers: { host } })
      expect(response.status).toBe(allowed ? 200 : 403)
      if (!allowed) expect(await response.json()).toMatchObject({ code: 'host_refused' })
    })

  test('is not looked at where * is allowed', async () => {
    const { request } = testApp({ server: { allowed_hosts: ['*'] } })
    expect((await request('/health', { headers: { host: 'evil.example' } })).status).toBe(200)
  })

  test('is judged before the route, the key and the body', async () => {
    const { request } = testApp({ apiKeys: ['k'] })
    const response = await request('/nothing', { ...POST, headers: { host: 'evil.example' } })
    expect(await response.json()).toMatchObject({ code: 'host_refused' })
  })
})

describe('Origin', () => {
  const origins: [name: string, headers: Record<string, string>, allowed: boolean][] = [
    ['none', {}, true],
    ['the own one', { origin: 'http://localhost:8080' }, true],
    ['the own one behind TLS', { origin: 'https://localhost:8080' }, true],
    ['the own name on another port', { origin: 'http://localhost:3000' }, false],
    ['another site', { origin: 'https://evil.example' }, false],
    ['null', { origin: 'null' }, false],
    ['no URL', { origin: 'localhost:8080' }, false],
    ['an extension', { origin: 'chrome-extension://abc' }, false],
    ['a configured one', { origin: 'https://app.example' }, true],
    ['a configured name without TLS', { origin: 'http://app.example' }, false],
    ['none, fetched by another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, false],
    ['none, opened by a link', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, true],
    ['none, typed by a person', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, true],
  ]
  for (const [name, headers, allowed] of origins)
    test(`${name} is ${allowed ? 'let in' : 'refused'}`, async () => {
      const { request } = testApp({ server: { cors_allowed_origins: ['https://app.example/'] } })
      const response = await request('/health', { headers: { host: 'localhost:8080', ...headers } })
      expect(response.status).toBe(allowed ? 200 : 403)
      if (!allowed) expect(await response.json()).toMatchObject({ code: 'origin_refused' })
    })

  test('refuses a form that another site posts, and runs nothing', async () => {
    const { request, engine } = testApp()
    const response = await request('/api/v1/prompt', {
      ...POST,
      headers: { origin: 'https://evil.example', 'content-type': 'text/plain' },
    })
    expect(response.status).toBe(403)
    expect(engine.requests).toEqual([])
  })

  test('refuses a form that another site opens in a window', async () => {
    const { request } = testApp()
    const headers = { ...JSON_TYPE, 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    expect((await request('/api/v1/prompt', { ...POST, headers })).status).toBe(403)
  })
})

describe('CORS', () => {
  const server = { cors_allowed_origins: ['https://app.example'], cors_max_age: 60 }
  const preflight = {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type, x-api-key',
    },
  }

  test('answers a preflight of a configured origin without a key', async () => {
    const { request } = testApp({ apiKeys: ['k'], server })
    const { status, headers } = await request('/api/v1/prompt', preflight)
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(headers.get('access-control-allow-methods')).toBe('POST')
    expect(headers.get('access-control-allow-headers')).toBe('content-type, x-api-key')
    expect(headers.get('access-control-max-age')).toBe('60')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  })

  test('refuses a preflight of any other origin', async () => {
    expect((await testApp().request('/api/v1/prompt', preflight)).status).toBe(403)
  })

  test('lets a configured page read answers, errors and streams alike', async () => {
    const { prompt } = testApp({ server: { ...server, cors_allow_credentials: true } })
    const headers = { origin: 'https://app.example' }
    for (const body of [{ prompt: 'x' }, { prompt: 1 }, { prompt: 'x', stream: true }]) {
      const response = await prompt(body, headers)
      expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
      expect(response.headers.get('access-control-allow-credentials')).toBe('true')
      expect(response.headers.get('vary')).toBe('Origin')
    }
  })

  test('never offers login to every page there is', async () => {
    const { request } = testApp({ server: { cors_allowed_origins: ['*'], cors_allow_credentials: true } })
    const { headers } = await request('/health', { headers: { origin: 'https://any.example' } })
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-allow-credentials')).toBeNull()
  })
})

describe('API keys', () => {
  const paths = ['/api/v1/backends', '/openapi.json', '/docs', '/docs/assets/start.js', '/nothing']
  for (const path of paths)
    test(`guard ${path}`, async () => {
      const response = await testApp({ apiKeys: ['right'] }).request(path)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toMatch(/^(Bearer|Basic) realm=/)
      expect(await response.json()).toMatchObject({ code: 'unauthorized' })
    })

  test('do not guard /health', async () => {
    expect((await testApp({ apiKeys: ['right'] }).request('/health')).status).toBe(200)
  })

  test('come before the body is judged', async () => {
    expect((await testApp({ apiKeys: ['right'] }).prompt('{')).status).toBe(401)
  })

  const keys: [headers: Record<string, string>, allowed: boolean][] = [
    [{ 'x-api-key': 'right' }, true],
    [{ 'api-key': 'right' }, true],
    [{ authorization: 'Bearer right' }, true],
    [{ authorization: 'bearer right' }, true],
    [{ authorization: 'Bearer second' }, true],
    [{ 'x-api-key': 'wrong', authorization: 'Bearer right' }, true],
    [{ authorization: 'Basic right' }, false],
    [{ 'x-api-key': 'righ' }, false],
    [{ 'x-api-key': 'right2' }, false],
    [{ 'x-api-key': '' }, false],
  ]
  for (const [headers, allowed] of keys)
    test(`${JSON.stringify(headers)} is ${allowed ? 'let in' : 'refused'}`, async () => {
      const { request } = testApp({ apiKeys: ['right', 'second'] })
      expect((await request('/api/v1/backends', { headers })).status).toBe(allowed ? 200 : 401)
    })

  const login = (words: string) => ({ authorization: `Basic ${Buffer.from(words).toString('base64')}` })
  test.each(['/docs', '/docs/assets/start.js', '/openapi.json'])(
    'a browser is asked for one as the password of %s',
    async (path) => {
      const { request } = testApp({ apiKeys: ['right', 'se:cond'] })
      const asked = await request(path)
      expect([asked.status, asked.headers.get('www-authenticate')]).toEqual([
        401,
        expect.stringContaining('Basic realm='),
      ])
      expect((await request(path, { headers: login('me:right') })).status).toBe(200)
      expect((await request(path, { headers: login(':se:cond') })).status).toBe(200)
      expect((await request(path, { headers: login('right:') })).status).toBe(401)
      expect((await request(path, { headers: login('right') })).status).toBe(401)
    },
  )

  test('a password that the browser sends by itself does nothing else', async () => {
    const { request } = testApp({ apiKeys: ['right'] })
    const headers = { ...login('me:right'), 'content-type': 'application/json' }
    const [list, prompt] = [
      await request('/api/v1/backends', { headers }),
      await request('/api/v1/prompt', { method: 'POST', headers, body: '{"prompt": "hi"}' }),
    ]
    expect([list.status, prompt.status]).toEqual([401, 401])
    expect(list.headers.get('www-authenticate')).toBe('Bearer realm="clinvk"')
  })
})

describe('Content-Type', () => {
  const types: [type: string | undefined, allowed: boolean][] = [
    ['application/json', true],
    ['Application/JSON; charset=UTF-8', true],
    ['application/json; charset="utf-8"', true],
    ['application/json; charset=latin1', false],
    ['text/plain', false],
    ['application/x-www-form-urlencoded', false],
    ['application/jsonp', false],
    [undefined, false],
  ]
  for (const [type, allowed] of types)
    test(`${type ?? 'none'} is ${allowed ? 'let in' : 'refused'}`, async () => {
      const { request, engine } = testApp()
      // A body of bytes gets no type by itself.
      const body = new TextEncoder().encode(POST.body)
      const headers: Record<string, string> = type === undefined ? {} : { 'content-type': type }
      const response = await request('/api/v1/prompt', { method: 'POST', body, headers })
      expect(response.status).toBe(allowed ? 200 : 415)
      expect(engine.requests).toHaveLength(allowed ? 1 : 0)
    })
})

describe('the rate limit', () => {
  const server = { rate_limit_enabled: true, rate_limit_rps: 0.001, rate_limit_burst: 2 }

  test('refuses what is too much and says how long to wait', async () => {
    const { request } = testApp({ server })
    const statuses = []
    for (let count = 0; count < 3; count++) statuses.push((await request('/api/v1/backends')).status)
    expect(statuses).toEqual([200, 200, 429])
    const response = await request('/api/v1/backends')
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await response.json()).toMatchObject({ code: 'rate_limited', retryable: true })
  })

  test('counts each key by itself, and wrong keys by their address', async () => {
    const { request } = testApp({ server, apiKeys: ['a', 'b'] })
    const status = async (key: string) =>
      (await request('/api/v1/backends', { headers: { 'x-api-key': key } })).status
    expect([await status('a'), await status('a'), await status('a')]).toEqual([200, 200, 429])
    expect(await status('b')).toBe(200)
    expect([await status('x'), await status('y'), await status('z')]).toEqual([401, 401, 429])
  })

  test('does not count /health', async () => {
    const { request } = testApp({ server })
    for (let count = 0; count < 5; count++) expect((await request('/health')).status).toBe(200)
  })

  test('counts by the address that a trusted proxy tells, and by no other', async () => {
    const connections = { address: () => '10.0.0.1', release() {} }
    const from = async (app: ReturnType<typeof testApp>, forwarded: string) =>
      (await app.request('/api/v1/backends', { headers: { 'x-forwarded-for': forwarded } })).status
    const trusting = testApp({
      connections,
      server: { ...server, rate_limit_burst: 1, trusted_proxies: ['10.0.0.0/8'] },
    })
    expect([
      await from(trusting, '1.1.1.1'),
      await from(trusting, '2.2.2.2'),
      await from(trusting, '2.2.2.2'),
    ]).toEqual([200, 200, 429])
    const plain = testApp({ connections, server: { ...server, rate_limit_burst: 1 } })
    expect([await from(plain, '1.1.1.1'), await from(plain, '2.2.2.2')]).toEqual([200, 429])
  })
})

describe('every answer', () => {
  test('has an id of its own and forbids guessing and keeping', async () => {
    const { request } = testApp()
    const ids = new Set<string | null>()
    for (const path of ['/health', '/nothing', '/docs', '/api/v1/prompt']) {
      const { headers } = await request(path)
      ids.add(headers.get('x-request-id'))
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('cache-control')).toBe('no-store')
    }
    expect(ids.has(null)).toBe(false)
    expect(ids.size).toBe(4)
  })

  test('is 503 once the server stops', async () => {
    const stopping = new AbortController()
    const { request } = testApp({ shutdown: stopping.signal })
    stopping.abort()
    expect((await request('/health')).status).toBe(503)
  })
})
