import { describe, expect, test } from 'bun:test'
import type { TurnEvent } from '../../../src/agents/types.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { chatApp } from '../openai/support.ts'
import { answer, fakeEngine, type Script, thenHang } from '../support.ts'

const crash = () => new ClinvkError('agent_crashed', 'It ended.')

describe('a stream', () => {
  test('of a run that fails at once is an answer with the status of the failure', async () => {
    const { chat } = chatApp({ engine: fakeEngine(() => failing([], crash())) })
    const response = await chat({ stream: true })
    expect(response.status).toBe(502)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('x-should-retry')).toBe('false')
  })

  test('that fails later ends with the error, and neither with a reason nor with [DONE]', async () => {
    const text: TurnEvent[] = [{ type: 'text', text: 'a' }]
    const { chat, logged } = chatApp({ engine: fakeEngine(() => failing(text, crash())) })
    const response = await chat({ stream: true })
    expect(response.status).toBe(200)
    const body = await response.text()
    expect(body).toEndWith(
      'data: {"error":{"message":"It ended.","type":"server_error","param":null,"code":"agent_crashed"}}\n\n',
    )
    expect(body).toContain('"content":"a"')
    expect(body).not.toContain('"finish_reason":"stop"')
    expect(body).not.toContain('[DONE]')
    expect(logged).toEqual(['The agent process ended: It ended.'])
  })

  test('that ends without an end is one that failed', async () => {
    const { chat } = chatApp({ engine: fakeEngine(() => [{ type: 'text', text: 'a' }]) })
    expect(await (await chat({ stream: true })).text()).toContain('"code":"agent_protocol"')
  })

  test('begins before the model speaks, and bridges its silence', async () => {
    const { chat, engine } = chatApp({
      engine: fakeEngine((_, signal) => thenHang(answer().slice(0, 1), signal)),
      server: { heartbeat_secs: 0.001 },
      chatTimes: { streamGraceMs: 1 },
    })
    const response = await chat({ stream: true })
    const reader = readerOf(response)
    expect(decode((await reader.read()).value)).toContain('"role":"assistant"')
    expect(decode((await reader.read()).value)).toContain('"delta":{}')
    expect(engine.ends).toEqual([])
    await reader.cancel()
    await until(() => engine.ends.length > 0)
    expect(engine.ends).toEqual(['cancelled'])
  })

  test('whose client leaves cancels the run', async () => {
    const { chat, engine } = chatApp({
      engine: fakeEngine((_, signal) => thenHang(answer('a').slice(0, 2), signal)),
    })
    const reader = readerOf(await chat({ stream: true }))
    await reader.read()
    await reader.cancel()
    await until(() => engine.ends.length > 0)
    expect(engine.ends).toEqual(['cancelled'])
  })

  test('takes from the agent only what the client reads', async () => {
    // Each is too long to be gathered with the next one.
    const engine = fakeEngine(() => answer(...Array.from({ length: 100 }, () => 'a'.repeat(20_000))))
    const { chat } = chatApp({ engine })
    const reader = readerOf(await chat({ stream: true }))
    await reader.read()
    await reader.read()
    expect(engine.taken()).toBeLessThan(6)
    await reader.cancel()
  })
})

describe('a JSON answer that takes long', () => {
  test('begins with white space', async () => {
    const done = Promise.withResolvers<void>()
    const { chat } = chatApp({
      engine: fakeEngine(() => after(done.promise, answer('a'))),
      chatTimes: { slowJson: { afterMs: 1, everyMs: 1 } },
    })
    const response = await chat()
    expect(response.headers.get('x-accel-buffering')).toBe('no')
    done.resolve()
    const text = await response.text()
    expect(text).toStartWith(' ')
    expect(JSON.parse(text)).toMatchObject({ choices: [{ message: { content: 'a' } }] })
  })

  test('can only tell a failure in its body', async () => {
    const done = Promise.withResolvers<void>()
    const { chat, logged } = chatApp({
      engine: fakeEngine(async function* () {
        await done.promise
        yield* failing([], crash())
      }),
      chatTimes: { slowJson: { afterMs: 1, everyMs: 1 } },
    })
    const response = await chat()
    done.resolve()
    expect(JSON.parse(await response.text())).toMatchObject({ error: { code: 'agent_crashed' } })
    expect(logged).toHaveLength(1)
  })
})

describe('a run that failed', () => {
  const failOnce = (): Script => {
    let runs = 0
    return () => {
      runs += 1
      return runs === 1 ? failing([], crash()) : answer('ok')
    }
  }

  test('is not run again for an equal request, streamed or not', async () => {
    const { chat, engine } = chatApp({ engine: fakeEngine(failOnce()) })
    const first = await chat()
    const again = await chat({
      stream: true,
      stream_options: { include_usage: true },
      client_metadata: { a: 'b' },
    })
    expect([first.status, again.status]).toEqual([502, 502])
    expect(((await first.json()) as { error: object }).error).toEqual(
      ((await again.json()) as { error: object }).error,
    )
    expect([first, again].map(({ headers }) => headers.get('x-clinvk-replay'))).toEqual([null, 'replayed'])
    expect(engine.requests).toHaveLength(1)
  })

  test('is run again where a header says so, and after that for everyone', async () => {
    const { chat } = chatApp({ engine: fakeEngine(failOnce()) })
    const statuses = [await chat(), await chat({}, { 'x-clinvk-replay': 'off' }), await chat()]
    expect(statuses.map(({ status }) => status)).toEqual([502, 200, 200])
  })

  test('says nothing of a request that asks for something else', async () => {
    for (const other of [{ user: 'bob' }, { temperature: 1 }, { stop: 'x' }, { metadata: { chat: '2' } }]) {
      const { chat } = chatApp({ engine: fakeEngine(failOnce()) })
      await chat({ user: 'alice' })
      expect((await chat(other)).status).toBe(200)
    }
  })

  test('is not logged once more when its failure is told once more', async () => {
    const { chat, logged } = chatApp({ engine: fakeEngine(failOnce()) })
    await chat()
    await chat()
    expect(logged).toHaveLength(1)
  })

  test('is run again at once where the operator keeps no failures', async () => {
    const { chat } = chatApp({ engine: fakeEngine(failOnce()), chat: { replay_guard_secs: 0 } })
    expect([(await chat()).status, (await chat()).status]).toEqual([502, 200])
  })

  test('because of an option that the agent lacks is not held against the same request without it', async () => {
    const { chat, engine } = chatApp({
      engine: fakeEngine(() => failing([], new ClinvkError('unsupported_option', 'effort: no.'))),
    })
    expect([(await chat()).status, (await chat()).status]).toEqual([400, 400])
    expect(engine.requests).toHaveLength(2)
  })

  test('says nothing of another request', async () => {
    const { chat } = chatApp({ engine: fakeEngine(failOnce()) })
    await chat()
    expect((await chat({ messages: [{ role: 'user', content: 'other' }] })).status).toBe(200)
  })

  test('in mid-stream is not run again either', async () => {
    const text: TurnEvent[] = [{ type: 'text', text: 'a' }]
    const { chat, engine } = chatApp({ engine: fakeEngine(() => failing(text, crash())) })
    await (await chat({ stream: true })).text()
    expect((await chat({ stream: true })).status).toBe(502)
    expect(engine.requests).toHaveLength(1)
  })

  test('before any agent started may be run again', async () => {
    let starts = 0
    const { chat } = chatApp({
      engine: fakeEngine(() => {
        starts += 1
        throw new ClinvkError('backend_not_installed', 'Not there.')
      }),
    })
    const [first, second] = [await chat(), await chat()]
    expect([first.status, second.status, starts]).toEqual([503, 503, 2])
  })
})

describe('a run that succeeded', () => {
  test('is run again for an equal request', async () => {
    const { chat, engine } = chatApp()
    await chat()
    await chat()
    expect(engine.requests).toHaveLength(2)
  })
})

describe('a client that leaves', () => {
  const hanging = () =>
    chatApp({ engine: fakeEngine((_, signal) => thenHang(answer('a').slice(0, 2), signal)) })
  const body = JSON.stringify({ model: 'fake', messages: [{ role: 'user', content: 'hi' }] })
  const headers = { 'content-type': 'application/json' }
  const path = '/openai/v1/chat/completions'

  test('before it got any answer does not get another run for the same question', async () => {
    const { request, chat, engine } = hanging()
    const client = new AbortController()
    const left = request(path, { method: 'POST', headers, body, signal: client.signal })
    await until(() => engine.taken() === 2)
    client.abort()
    await left
    expect(engine.ends).toEqual(['cancelled'])
    const again = await chat()
    expect(again.status).toBe(409)
    expect(again.headers.get('x-should-retry')).toBe('false')
    expect(await again.text()).toContain('x-clinvk-replay: off')
    expect(engine.requests).toHaveLength(1)
  })

  test('once it got part of a stream may ask again', async () => {
    const { chat, engine } = hanging()
    const reader = readerOf(await chat({ stream: true }))
    await reader.read()
    await reader.cancel()
    await until(() => engine.ends.length > 0)
    expect((await chat({ stream: true })).status).toBe(200)
  })
})

describe('a server that stops', () => {
  test('tells so in its streams', async () => {
    const shutdown = new AbortController()
    const { chat } = chatApp({
      engine: fakeEngine((_, signal) => thenHang(answer('a').slice(0, 2), signal)),
      shutdown: shutdown.signal,
    })
    const response = await chat({ stream: true })
    shutdown.abort(new ClinvkError('shutting_down', 'Bye.', { retryable: true }))
    expect(await response.text()).toContain('"code":"shutting_down"')
  })
})

async function* failing(events: TurnEvent[], error: ClinvkError): AsyncGenerator<TurnEvent, void> {
  yield* [...answer().slice(0, 1), ...events]
  throw error
}

async function* after(ready: Promise<void>, events: TurnEvent[]): AsyncGenerator<TurnEvent, void> {
  await ready
  yield* events
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await Bun.sleep(1)
}

function readerOf(response: Response) {
  if (!response.body) throw new Error('no body')
  return response.body.getReader()
}

function decode(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes)
}
