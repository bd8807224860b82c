import { expect, test } from 'bun:test'
import { shuttingDown } from '../../src/errors.ts'
import { listen } from '../../src/server/listen.ts'
import { answer, configWith, eventsOf, fakeEngine, testApp } from './support.ts'

/** A server that begins nothing more, while what it does already goes on. */
function leavingApp() {
  const leaving = new AbortController()
  const staged = testApp({ leaving: leaving.signal })
  leaving.abort(shuttingDown(7000))
  return staged
}

const ASKING = {
  '/api/v1/prompt': { prompt: 'hi' },
  '/api/v1/parallel': { tasks: [{ prompt: 'hi' }] },
  '/openai/v1/chat/completions': { model: 'fake', messages: [{ role: 'user', content: 'hi' }] },
  '/openai/v1/responses': { model: 'fake', input: 'hi' },
  '/anthropic/v1/messages': { model: 'fake', max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] },
  '/anthropic/v1/messages/count_tokens': { model: 'fake', messages: [{ role: 'user', content: 'hi' }] },
}

test.each(Object.entries(ASKING))(
  'a server that leaves refuses POST %s and says when to come again',
  async (path, body) => {
    const { post, engine, logged } = leavingApp()
    for (const stream of [false, true]) {
      const response = await post(path, { ...body, stream })
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '7'])
      // SDKs send it again by themselves: nothing was run.
      expect(response.headers.get('x-should-retry')).toBeNull()
      expect(await response.json()).toMatchObject(
        path.startsWith('/openai')
          ? { error: { code: 'shutting_down', message: 'The server is shutting down.' } }
          : path.startsWith('/anthropic')
            ? { type: 'error', error: { message: 'The server is shutting down.' } }
            : { code: 'shutting_down', status: 503, retryable: true, retry_after_ms: 7000 },
      )
    }
    expect(engine.requests).toEqual([])
    expect(logged).toEqual([])
  },
)

test('a server that leaves says so to who asks whether it is well, and answers what begins nothing', async () => {
  const { request, post } = leavingApp()
  const health = await request('/health')
  expect([health.status, health.headers.get('retry-after')]).toEqual([503, '7'])
  expect(await health.json()).toMatchObject({ code: 'shutting_down' })
  for (const path of [
    '/api/v1/backends',
    '/api/v1/pool',
    '/api/v1/runs',
    '/openai/v1/models',
    '/openapi.json',
  ])
    expect([path, (await request(path)).status]).toEqual([path, 200])
  expect((await request('/api/v1/sessions/ses_1', { method: 'DELETE' })).status).toBe(404)
  expect((await post('/api/v1/runs/run_1/cancel', {})).status).toBe(404)
  expect((await post('/openai/v1/responses/resp_1/cancel', {})).status).toBe(404)
})

test('a server that leaves tells strangers no more than before', async () => {
  const leaving = new AbortController()
  const { post } = testApp({ apiKeys: ['secret'], leaving: leaving.signal })
  leaving.abort(shuttingDown())
  expect((await post('/api/v1/prompt', { prompt: 'hi' })).status).toBe(401)
})

test('a server that leaves goes on listening, and with what it does', async () => {
  const gate = Promise.withResolvers<void>()
  const engine = fakeEngine(async function* () {
    yield* answer().slice(0, 1)
    await gate.promise
    yield* answer('late').slice(1)
  })
  const server = listen({ engine, config: configWith({ port: 0 }), apiKeys: [], version: '9.9.9', log() {} })
  const headers = { 'content-type': 'application/json' }
  const ask = (prompt: string, stream: boolean) =>
    fetch(`${server.url}/api/v1/prompt`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ prompt, stream }),
    })
  const streamed = ask('one', true).then((response) => response.text())
  const whole = ask('two', false)
  while (engine.taken() < 2) await Bun.sleep(1)
  server.leave(shuttingDown(1000))
  await server.settle(30)
  expect((await fetch(`${server.url}/health`)).status).toBe(503)
  expect((await ask('three', false)).status).toBe(503)
  gate.resolve()
  await server.settle(60_000)
  expect(eventsOf(await streamed).at(-1)).toMatchObject({ type: 'done' })
  expect(await (await whole).json()).toMatchObject({ response: 'late' })
  expect(engine.ends).toEqual(['complete', 'complete'])
  await server.stop()
})
