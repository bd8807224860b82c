import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import type { TurnEvent } from '../../../src/agents/types.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { PromptResponse, StreamEvent } from '../../../src/server/rest/schema.ts'
import { answer, eventsOf, fakeEngine, testApp, thenHang } from '../support.ts'

describe('a prompt answered in JSON', () => {
  test('has the answer twice, the numbers and the ids', async () => {
    const engine = fakeEngine(() => answer('Hel', 'lo €'))
    const response = await testApp({ engine }).prompt({ prompt: 'hi', metadata: { ticket: 7 } })
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      'application/json;charset=utf-8',
    ])
    const body = (await response.json()) as PromptResponse
    expect([...Value.Errors(PromptResponse, body)]).toEqual([])
    expect(body).toEqual({
      id: 'run_1',
      session_id: 'ses_1',
      backend: 'fake',
      model: 'model-1',
      agent_session_id: 'agent-1',
      exit_code: 0,
      duration_ms: body.duration_ms,
      response: 'Hello €',
      output: 'Hello €',
      stop_reason: 'end_turn',
      token_usage: { input_tokens: 10, output_tokens: 2 },
      cost_usd: 0.25,
      metadata: { ticket: 7 },
    })
  })

  test('repeats metadata of any shape as it came', async () => {
    const metadata = '{"__proto__":{"a":[1,{"b":null}]},"constructor":"x","n":1.5}'
    const response = await testApp().prompt(`{"prompt":"x","metadata":${metadata}}`)
    expect(await response.text()).toContain(`"metadata":${metadata}`)
  })

  test('tells with verbose what happened on the way', async () => {
    const engine = fakeEngine(() => [
      { type: 'init' },
      { type: 'thinking', text: 'hm' },
      { type: 'thinking', text: 'm' },
      { type: 'text', text: 'a' },
      { type: 'tool_use', id: 't', name: 'run', input: {} },
      { type: 'tool_result', id: 't', output: 'o', isError: false },
      { type: 'done', stopReason: 'end_turn' },
    ])
    const body = (await (
      await testApp({ engine }).prompt({ prompt: 'x', verbose: true })
    ).json()) as PromptResponse
    expect(body.events?.map(({ type, content }) => [type, content])).toEqual([
      ['thinking', 'hmm'],
      ['tool_use', { id: 't', name: 'run', input: {} }],
      ['tool_result', { id: 't', output: 'o', is_error: false }],
    ])
    expect(body.response).toBe('a')
  })

  test('is an error, not a 200, where the turn fails midway', async () => {
    const engine = fakeEngine(async function* () {
      yield { type: 'text', text: 'half' } as const
      throw new ClinvkError('upstream_rate_limited', 'Slow down.', { retryAfterMs: 3000 })
    })
    const response = await testApp({ engine }).prompt({ prompt: 'x' })
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '3'])
    expect(await response.json()).toMatchObject({ code: 'upstream_rate_limited' })
  })

  test('is an error where the agent ends without finishing', async () => {
    const engine = fakeEngine(() => [{ type: 'text', text: 'half' }])
    expect((await testApp({ engine }).prompt({ prompt: 'x' })).status).toBe(502)
  })

  test('is the text alone for who accepts no more', async () => {
    const response = await testApp().prompt({ prompt: 'x' }, { accept: 'text/plain' })
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(await response.text()).toBe('hi')
  })

  test('only says what would be run with dry_run, whatever form was asked for', async () => {
    for (const more of [{}, { stream: true }, { output_format: 'stream-json' }]) {
      const { prompt, engine } = testApp()
      const response = await prompt({ prompt: 'x', dry_run: true, metadata: { a: 1 }, ...more })
      expect(await response.json()).toEqual({
        backend: 'fake',
        command: ['fake', '--run'],
        dry_run: true,
        metadata: { a: 1 },
      })
      expect(engine.taken()).toBe(0)
    }
  })
})

describe('a prompt answered as a stream', () => {
  test('is server-sent events, byte for byte', async () => {
    const engine = fakeEngine(() => [{ type: 'init' }, { type: 'text', text: 'a\nb' }])
    const response = await testApp({ engine }).prompt({ prompt: 'x' }, { accept: 'text/event-stream' })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform')
    const text = (await response.text()).replace(/"timestamp":"[^"]+"/g, '"timestamp":"T"')
    const head = '"backend":"fake","session_id":"ses_1","timestamp":"T"'
    const id = response.headers.get('x-request-id')
    expect(text).toBe(
      [
        ': clinvk\n\n',
        `id: 1\nevent: init\ndata: {"type":"init",${head},"sequence":1,"content":{"id":"run_1"}}\n\n`,
        `id: 2\nevent: message\ndata: {"type":"message",${head},"sequence":2,"content":"a\\nb"}\n\n`,
        `id: 3\nevent: error\ndata: {"type":"error",${head},"sequence":3,"content":{"type":"urn:clinvk:error:agent_protocol","title":"The agent broke its protocol","status":502,"detail":"fake: the agent stopped without finishing its turn.","code":"agent_protocol","instance":"urn:uuid:${id}","retryable":true,"backend":"fake"}}\n\n`,
      ].join(''),
    )
  })

  test('is one JSON object a line with stream-json', async () => {
    const engine = fakeEngine(() => answer('Hel', 'lo'))
    const response = await testApp({ engine }).prompt({ prompt: 'x', output_format: 'stream-json' })
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    const lines = (await response.text()).split('\n')
    expect(lines[0]).toStartWith(' {')
    expect(lines.pop()).toBe('')
    const events = lines.map((line) => JSON.parse(line))
    expect(events.map(({ type, sequence }) => [type, sequence])).toEqual([
      ['init', 1],
      ['message', 2],
      ['message', 3],
      ['done', 4],
    ])
    for (const event of events) expect([...Value.Errors(StreamEvent, event)]).toEqual([])
  })

  test('never breaks a character in two', async () => {
    const text = '€🙂é'.repeat(500)
    const engine = fakeEngine(() => answer(...text))
    const response = await testApp({ engine }).prompt({ prompt: 'x', stream: true })
    const messages = eventsOf(await response.text()).filter(({ type }) => type === 'message')
    expect(messages.map(({ content }) => content).join('')).toBe(text)
  })

  test('ends with the error of a turn that fails midway, and nothing after it', async () => {
    const engine = fakeEngine(async function* () {
      yield { type: 'text', text: 'half' } as const
      throw new ClinvkError('upstream_overloaded', 'claude: Overloaded')
    })
    const { prompt, logged } = testApp({ engine })
    const response = await prompt({ prompt: 'x', stream: true })
    expect(response.status).toBe(200)
    const events = eventsOf(await response.text())
    expect(events.map(({ type }) => type)).toEqual(['message', 'error'])
    expect(events[1]?.content).toMatchObject({ status: 529, detail: 'claude: Overloaded' })
    expect(logged).toEqual(['The provider is overloaded: claude: Overloaded'])
  })

  test('leaks nothing of a bug', async () => {
    const engine = fakeEngine(async function* (): AsyncGenerator<TurnEvent> {
      yield { type: 'init' }
      throw new Error('secret')
    })
    const response = await testApp({ engine }).prompt({ prompt: 'x', stream: true })
    const text = await response.text()
    expect(text).not.toContain('secret')
    expect(eventsOf(text).at(-1)?.content).toMatchObject({ code: 'internal' })
  })

  for (const [form, body, beat] of [
    ['SSE', { stream: true }, /^: keep-alive$/m],
    ['NDJSON', { output_format: 'stream-json' }, /"type":"progress",.*"kind":"heartbeat"/],
  ] as const)
    test(`bridges silence in ${form} without a gap in the numbers`, async () => {
      const speak = Promise.withResolvers<void>()
      const engine = fakeEngine(async function* () {
        yield { type: 'init' } as const
        await speak.promise
        yield* answer('late').slice(1)
      })
      const response = await testApp({ engine, server: { heartbeat_secs: 0.001 } }).prompt({
        prompt: 'x',
        ...body,
      })
      let text = ''
      const decoder = new TextDecoder()
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk, { stream: true })
        if (beat.test(text)) speak.resolve()
      }
      expect(text).toMatch(beat)
      const events = eventsOf(text).filter(
        ({ content }) => (content as { kind?: string }).kind !== 'heartbeat',
      )
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
      expect(events.at(-1)?.type).toBe('done')
    })

  test('gives its connection back when it ends, and not before', async () => {
    const released: string[] = []
    const connections = { address: () => undefined, release: ({ url }: Request) => void released.push(url) }
    const response = await testApp({ connections }).prompt({ prompt: 'x', stream: true })
    const reader = response.body?.getReader()
    await reader?.read()
    expect(released).toEqual([])
    while (!(await reader?.read())?.done);
    expect(released).toEqual(['http://localhost:8080/api/v1/prompt'])
  })

  test('is taken from the agent only as fast as it is read', async () => {
    // Each is too long to be gathered with the next one.
    const engine = fakeEngine(() => answer(...Array.from({ length: 1000 }, () => 'x'.repeat(20_000))))
    const response = await testApp({ engine }).prompt({ prompt: 'x', stream: true })
    const reader = response.body?.getReader()
    // The first read takes the opening, which no event was needed for.
    for (let count = 0; count < 6; count++) await reader?.read()
    await Bun.sleep(20)
    // The first of all is short, and came with the first text.
    expect(engine.taken()).toBe(6)
    await reader?.cancel()
  })
})

describe('a turn is cancelled', () => {
  for (const stream of [false, true])
    test(`when the client leaves ${stream ? 'a stream' : 'a JSON answer'}`, async () => {
      const client = new AbortController()
      const engine = fakeEngine((_, signal) => thenHang([{ type: 'init' }], signal))
      const { app } = testApp({ engine })
      const answering = app.handle(
        new Request('http://localhost/api/v1/prompt', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ prompt: 'x', stream }),
          signal: client.signal,
        }),
      )
      if (stream) {
        const reader = (await answering).body?.getReader()
        await reader?.read()
        await reader?.read()
      }
      while (engine.taken() === 0) await Bun.sleep(1)
      client.abort()
      while (engine.ends.length === 0) await Bun.sleep(1)
      expect(engine.ends).toEqual(['cancelled'])
    })

  test('when the client leaves before it has read anything of its stream', async () => {
    const engine = fakeEngine((_, signal) => thenHang([{ type: 'init' }], signal))
    const response = await testApp({ engine }).prompt({ prompt: 'hi', stream: true })
    await response.body?.cancel()
    await Bun.sleep(20)
    expect(engine.ends).toEqual(['cancelled'])
  })

  test('when the reader of its stream leaves', async () => {
    const engine = fakeEngine((_, signal) => thenHang([{ type: 'init' }], signal))
    const response = await testApp({ engine }).prompt({ prompt: 'x', stream: true })
    const reader = response.body?.getReader()
    await reader?.read()
    await reader?.read()
    await reader?.cancel()
    while (engine.ends.length === 0) await Bun.sleep(1)
    expect(engine.ends).toEqual(['cancelled'])
  })

  test('when the server stops, and its client is told why', async () => {
    const stopping = new AbortController()
    const engine = fakeEngine((_, signal) => thenHang([{ type: 'init' }], signal))
    const { prompt } = testApp({ engine, shutdown: stopping.signal })
    const response = await prompt({ prompt: 'x', stream: true })
    const text = response.text()
    while (engine.taken() === 0) await Bun.sleep(1)
    stopping.abort(new ClinvkError('shutting_down', 'The server is shutting down.'))
    expect(eventsOf(await text).at(-1)).toMatchObject({ type: 'error', content: { code: 'shutting_down' } })
    expect(engine.ends).toEqual(['shutting_down'])
  })
})
