import { describe, expect, test } from 'bun:test'
import type { TurnObserver } from '../../src/engine/observed.ts'
import type { PoolView } from '../../src/engine/pool-view.ts'
import type { Engine } from '../../src/engine/types.ts'
import { ClinvkError } from '../../src/errors.ts'
import { createApp } from '../../src/server/app.ts'
import { METRICS, PREFIX } from '../../src/server/metrics/definitions.ts'
import { createHttpWatch } from '../../src/server/metrics/http.ts'
import { methodLabel } from '../../src/server/metrics/labels.ts'
import { createRegistry } from '../../src/server/metrics/registry.ts'
import { createFakeDriver } from '../support/fake-driver.ts'
import { FAKE_STATS, withPool } from '../support/fake-pool.ts'
import { createTestEngine } from '../support/test-engine.ts'
import { readMetrics } from './read-metrics.ts'
import { answer, configWith, type FakeEngine, fakeEngine, testApp, thenHang } from './support.ts'

/** A fake engine that can be observed, with what its observers are told by the test. */
function observable(engine: FakeEngine = fakeEngine(), view: Partial<PoolView> = {}) {
  const observers: TurnObserver[] = []
  return {
    engine: {
      ...engine,
      pool: () => ({ ...engine.pool(), ...view }),
      observe: (observer: TurnObserver) => void observers.push(observer),
    },
    /** The one that the app brought. */
    told: (): TurnObserver => observers[0] ?? {},
    observers,
  }
}

function measured(engine: FakeEngine = fakeEngine(), view: Partial<PoolView> = {}) {
  const { told, observers, engine: watched } = observable(engine, view)
  const app = testApp({ engine: watched, server: { metrics_enabled: true } })
  const scrape = async () => readMetrics(await (await app.request('/metrics')).text())
  return { ...app, told, observers, scrape }
}

describe('GET /metrics', () => {
  test('is not there unless it is configured, and then nobody measures', async () => {
    const { engine, observers } = observable()
    const response = await testApp({ engine }).request('/metrics')
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ code: 'route_not_found' })
    expect(observers).toEqual([])
  })

  test('answers in the text format of Prometheus, with every metric and no other', async () => {
    const response = await measured().request('/metrics')
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const { families } = readMetrics(await response.text())
    expect(families).toEqual(
      Object.fromEntries(
        Object.entries(METRICS).map(([name, { type, help }]) => [PREFIX + name, { type, help }]),
      ),
    )
  })

  test('has names and units as Prometheus wants them', () => {
    for (const [name, { type, labels }] of Object.entries(METRICS)) {
      expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/)
      expect([name, name.endsWith('_total')]).toEqual([name, type === 'counter'])
      if (type === 'histogram') expect(name).toEndWith('_seconds')
      expect(labels).not.toContainAnyValues(['le', 'path', 'model', 'session'])
    }
  })

  test('needs a key where there are keys, and takes the one that Prometheus sends', async () => {
    const { request } = testApp({ apiKeys: ['k1'], server: { metrics_enabled: true } })
    expect((await request('/metrics')).status).toBe(401)
    expect((await request('/metrics', { headers: { authorization: 'Bearer k1' } })).status).toBe(200)
  })

  test('is refused under a strange name', async () => {
    const { app } = testApp({ server: { metrics_enabled: true } })
    expect((await app.handle(new Request('http://evil.example/metrics'))).status).toBe(403)
  })

  test('is part of the description of a server that has it', async () => {
    expect(await (await measured().request('/openapi.json')).json()).toMatchObject({
      paths: { '/metrics': { get: { operationId: 'metrics', tags: ['Server'] } } },
    })
  })

  test('tells which version runs, and shares nothing with another server of the process', async () => {
    const one = measured()
    await one.request('/health')
    expect((await one.scrape()).value('build_info', { version: '9.9.9' })).toBe(1)
    const health = { route: '/health', method: 'GET', status: '200' }
    expect((await one.scrape()).value('http_requests_total', health)).toBe(1)
    expect((await measured().scrape()).value('http_requests_total', health)).toBeUndefined()
  })
})

describe('the pool in the metrics', () => {
  const view: PoolView = {
    backends: [
      {
        name: 'shared',
        turns: { warm: 6, waited: 0, waitedMs: 0 },
        pool: { ...FAKE_STATS, capacity: 1, exclusive: true },
      },
      { name: 'exec', turns: { warm: 0, waited: 0, waitedMs: 0 } },
    ],
    queue: {
      running: { shared: 1 },
      waiting: { shared: 3 },
      refused: 9,
      limits: { running: 1, waiting: 1, waitingPerBackend: 1 },
    },
    observerFailures: 3,
  }

  test('is what it is at that moment, however often it is looked at', async () => {
    const { scrape } = measured(fakeEngine(), view)
    await scrape()
    const { value } = await scrape()
    const backend = 'shared'
    expect(value('processes', { backend, state: 'busy' })).toBe(1)
    expect(value('processes', { backend, state: 'idle' })).toBe(0)
    expect(value('sessions', { backend })).toBe(3)
    expect(value('process_memory_bytes', { backend })).toBe(1000)
    expect(value('process_starts_total', { backend })).toBe(5)
    expect(value('process_start_failures_total', { backend })).toBe(2)
    expect(value('process_deaths_total', { backend })).toBe(1)
    expect(value('process_recycled_total', { backend, reason: 'shed' })).toBe(7)
    expect(
      ['warm', 'spare', 'cold'].map((start) => value('sessions_opened_total', { backend, start })),
    ).toEqual([6, 8, 4])
    expect(value('processes', { backend: 'exec', state: 'busy' })).toBeUndefined()
    expect(value('observer_failures_total')).toBe(3)
  })

  test('has what the queue tells', async () => {
    const { value } = await measured(fakeEngine(), view).scrape()
    expect(value('queue_running', { backend: 'shared' })).toBe(1)
    expect(value('queue_running', { backend: 'exec' })).toBe(0)
    expect(value('queue_waiting', { backend: 'shared' })).toBe(3)
    expect(value('queue_waiting', { backend: 'exec' })).toBe(0)
    expect(value('queue_refused_total')).toBe(9)
  })

  test('says nothing of memory that is not known', async () => {
    const [shared] = view.backends
    const processes = FAKE_STATS.processes.filter(({ pid }) => pid === 102)
    const backends = [
      {
        name: 'shared',
        turns: view.backends[1]?.turns ?? never(),
        pool: { ...(shared?.pool ?? never()), processes },
      },
    ]
    const { value } = await measured(fakeEngine(), { ...view, backends }).scrape()
    expect(value('process_memory_bytes', { backend: 'shared' })).toBeUndefined()
  })
})

describe('turns in the metrics', () => {
  test('are counted with their outcome, times and tokens', async () => {
    const { told, scrape } = measured()
    const backend = 'fake'
    told().began?.({ backend, start: 'warm', waitedMs: 2000 })
    told().firstText?.({ backend, start: 'warm', afterMs: 700 })
    told().firstText?.({ backend, afterMs: 1 })
    const usage = { inputTokens: 10, outputTokens: 4, cachedTokens: 3, reasoningTokens: 2 }
    told().ended?.({ backend, outcome: 'done', durationMs: 2500, usage, costUsd: 0.25 })
    told().ended?.({
      backend,
      outcome: 'done',
      durationMs: 1,
      usage: { inputTokens: 1, outputTokens: Number.NaN },
    })
    told().ended?.({ backend, outcome: 'timeout', durationMs: 1, costUsd: -1 })
    const { value } = await scrape()
    expect(value('turns_total', { backend, outcome: 'done' })).toBe(2)
    expect(value('turns_total', { backend, outcome: 'timeout' })).toBe(1)
    expect(value('turn_seconds_bucket', { backend, le: '2.5' })).toBe(3)
    expect(value('turn_seconds_sum', { backend })).toBeCloseTo(2.502)
    expect(value('queue_wait_seconds_sum', { backend })).toBe(2)
    expect(value('first_text_seconds_sum', { backend, start: 'warm' })).toBe(0.7)
    expect(value('first_text_seconds_count', { backend, start: 'unknown' })).toBe(1)
    const kinds = ['input', 'output', 'cached', 'reasoning']
    expect(kinds.map((kind) => value('tokens_total', { backend, kind }))).toEqual([11, 4, 3, 2])
    expect(value('cost_usd_total', { backend })).toBe(0.25)
    expect(value('observer_failures_total')).toBe(0)
  })

  test('of a real engine reach them', async () => {
    const driver = withPool(createFakeDriver())
    const { prompt, scrape, close } = overEngine(createTestEngine([driver]))
    await prompt({ prompt: 'hi', ephemeral: true })
    driver.steps = () => [new ClinvkError('upstream_overloaded', 'busy')]
    await prompt({ prompt: 'hi', ephemeral: true })
    const { value } = await scrape()
    expect(value('turns_total', { backend: 'fake', outcome: 'done' })).toBe(1)
    expect(value('turns_total', { backend: 'fake', outcome: 'upstream_overloaded' })).toBe(1)
    expect(value('first_text_seconds_count', { backend: 'fake', start: 'cold' })).toBe(1)
    await close()
  })
})

describe('requests in the metrics', () => {
  test('have the route as it is declared, what was sent, and what went out', async () => {
    const { request, prompt, scrape } = measured()
    await prompt({ prompt: 'hi' })
    await prompt({ prompt: 1 })
    await request('/api/v1/sessions/ses_none')
    await request('/api/v1/prompt', { method: 'DELETE' })
    await request('/api/v1/prompt', { method: 'OPTIONS' })
    const { value } = await scrape()
    const count = (route: string, method: string, status: string) =>
      value('http_requests_total', { route, method, status })
    expect(count('/api/v1/prompt', 'POST', '200')).toBe(1)
    expect(count('/api/v1/prompt', 'POST', '400')).toBe(1)
    expect(count('/api/v1/prompt', 'DELETE', '405')).toBe(1)
    expect(count('/api/v1/prompt', 'OPTIONS', '204')).toBe(1)
    expect(count('/api/v1/sessions/:id', 'GET', '404')).toBe(1)
    expect(value('http_request_seconds_count', { route: '/api/v1/prompt' })).toBe(4)
  })

  test('add no series by what clients make up', async () => {
    const { request, prompt, post, scrape, close } = overEngine(createTestEngine([createFakeDriver()]))
    const make = async (n: number) => {
      await request(`/made/up/${n}`)
      await request(`/api/v1/sessions/made-up-${n}`)
      await request(`/openai/v1/models/made-up-${n}`)
      await request(`/%zz${n}`)
      await prompt({ prompt: 'hi', backend: `made-up-${n}` })
      await prompt({ prompt: 'hi', model: `made-up-${n}`, session_id: `made-up-${n}` })
      await post('/openai/v1/chat/completions', {
        model: `made-up-${n}`,
        messages: [{ role: 'user', content: 'hi' }],
      })
    }
    await make(0)
    await scrape()
    const before = (await scrape()).samples.map(({ series }) => series)
    for (let n = 1; n <= 125; n += 1) await make(n)
    const after = await scrape()
    expect(after.samples.map(({ series }) => series)).toEqual(before)
    expect(before.join()).not.toContain('made')
    expect(after.value('http_requests_total', { route: 'other', method: 'GET', status: '404' })).toBe(126)
    await close()
  }, 180_000)

  test('have one name for all methods that there are not', () => {
    expect(['GET', 'PATCH', 'BREW', 'get', ''].map(methodLabel)).toEqual([
      'GET',
      'PATCH',
      'other',
      'other',
      'other',
    ])
  })

  test("have a provider's odd status as its class", async () => {
    const { prompt, scrape } = measured(
      fakeEngine(() => {
        throw new ClinvkError('upstream_error', 'odd', { status: 418 })
      }),
    )
    expect((await prompt({ prompt: 'hi' })).status).toBe(418)
    const { value } = await scrape()
    expect(value('http_requests_total', { route: '/api/v1/prompt', method: 'POST', status: '4xx' })).toBe(1)
  })

  test('are open as long as their streams are, however those end', async () => {
    const { prompt, scrape } = measured(fakeEngine((_, signal) => thenHang(answer('hi').slice(0, 2), signal)))
    const streams = async () => (await scrape()).value('http_streams')
    const left = await prompt({ stream: true, prompt: 'hi' })
    const other = await prompt({ stream: true, prompt: 'hi' })
    expect(await streams()).toBe(2)
    await left.body?.cancel()
    expect(await streams()).toBe(1)
    await other.body?.cancel()
    expect(await streams()).toBe(0)
  })

  test('of a client that was gone at once leave no stream open', async () => {
    const { app, scrape } = measured()
    const gone = new AbortController()
    gone.abort()
    await app.handle(
      new Request('http://localhost:8080/api/v1/prompt', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ prompt: 'hi', stream: true }),
        signal: gone.signal,
      }),
    )
    expect((await scrape()).value('http_streams')).toBe(0)
  })
})

describe('an answer', () => {
  const bytesOf = async (response: Response) =>
    (await response.text()).replace(/"(timestamp|duration_ms|latency_ms)":[^,}]+/g, '"$1":0')

  for (const [path, body] of [
    ['/api/v1/prompt', { prompt: 'hi', stream: true }],
    ['/api/v1/prompt', { prompt: 'hi' }],
    ['/api/v1/prompt', { prompt: 'hi', output_format: 'stream-json' }],
  ] as const)
    test(`of ${path} to ${JSON.stringify(body)} is the same with and without metrics`, async () => {
      const script = () => answer('one', 'two', 'three')
      const plain = await testApp({ engine: fakeEngine(script) }).post(path, body)
      const watched = await measured(fakeEngine(script)).post(path, body)
      expect(await bytesOf(watched)).toBe(await bytesOf(plain))
      const names = (response: Response) => [...response.headers.keys()]
      expect(names(watched)).toEqual(names(plain))
    })

  test('comes where measuring it fails, which is counted', async () => {
    let failures = 0
    const { watch } = createHttpWatch(
      createRegistry().instruments,
      () => {
        throw new Error('no')
      },
      () => {
        failures += 1
      },
    )
    const request = new Request('http://localhost:8080/')
    const response = new Response('ok')
    expect(watch(request, response)).toBe(response)
    const promise = Promise.resolve(response)
    expect(watch(request, promise)).toBe(promise)
    await promise
    expect(failures).toBe(2)
    const broken = Promise.reject(new Error('not ours'))
    expect(watch(request, broken)).toBe(broken)
    await broken.catch(() => {})
    expect(failures).toBe(2)
  })
})

/** The app with metrics over a real engine. */
function overEngine(engine: Engine) {
  const app = createApp({
    engine,
    config: configWith({ metrics_enabled: true }),
    apiKeys: [],
    version: '9.9.9',
    log() {},
  })
  const request = (path: string, init: RequestInit = {}) =>
    Promise.resolve(app.handle(new Request(`http://localhost:8080${path}`, init)))
  const post = (path: string, body: unknown) =>
    request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return {
    request,
    post,
    prompt: (body: unknown) => post('/api/v1/prompt', body),
    scrape: async () => readMetrics(await (await request('/metrics')).text()),
    close: () => engine.close(),
  }
}

function never(): never {
  throw new Error('The test has no such backend.')
}
