import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import OpenAI from 'openai'
import type { TurnEvent } from '../../../../src/agents/types.ts'
import { createRuns } from '../../../../src/engine/runs.ts'
import { ClinvkError } from '../../../../src/errors.ts'
import { ResponseObject } from '../../../../src/server/openai/responses/answer-schema.ts'
import { Run } from '../../../../src/server/rest/runs/schema.ts'
import { openRunStore } from '../../../../src/sessions/run-store.ts'
import { answer, CALLING, fakeEngine, type Script, testApp, thenHang } from '../../support.ts'
import { type Sent, sentIn } from './support.ts'

const AT = '/openai/v1/responses'
const BODY = { model: 'fake', input: 'x', background: true }

describe('a response in the background', () => {
  test('is accepted at once, made, and read again by its id', async () => {
    const { begin, find, engine, go, until } = paused()
    const begun = await begin()
    expect([...Value.Errors(ResponseObject, begun)]).toEqual([])
    expect(begun).toMatchObject({ status: 'in_progress', background: true, output: [] })
    expect(await until(begun.id, ({ output }) => output.length > 0)).toMatchObject({
      status: 'in_progress',
      output: [{ status: 'in_progress', content: [{ text: 'half' }] }],
    })
    go()
    const made = await over(find, begun.id)
    expect([...Value.Errors(ResponseObject, made)]).toEqual([])
    expect(made).toMatchObject({
      id: begun.id,
      status: 'completed',
      background: true,
      output: [{ status: 'completed', content: [{ text: 'half done' }] }],
    })
    expect(engine.ends).toEqual(['complete'])
  })

  test('is followed live, and again after each of its events: none missing, none twice', async () => {
    const { begin, follow, go } = paused()
    const { id } = await begin()
    const live = follow(id)
    go()
    const events = await live
    expect(events.map(({ event }) => event)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(events.map(({ data }) => data.sequence_number)).toEqual(events.map((_, index) => index))
    for (const { data } of events)
      expect(await follow(id, `&starting_after=${data.sequence_number}`)).toEqual(
        events.slice(data.sequence_number + 1),
      )
  })

  test('is followed live behind an event that the client has', async () => {
    const { begin, follow, go, until } = paused()
    const { id } = await begin()
    await until(id, ({ output }) => output.length > 0)
    const rest = follow(id, '&starting_after=4')
    go()
    expect((await rest).map(({ data }) => data.sequence_number)).toEqual([5, 6, 7, 8, 9])
  })

  test('is streamed at once where that is asked for, and goes on when its client leaves', async () => {
    const { post, find, follow, engine, go } = paused()
    const client = new AbortController()
    const response = await post({ ...BODY, stream: true }, {}, client.signal)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let seen = ''
    while (!seen.includes('output_text.delta')) seen += (await reader?.read())?.value
    client.abort()
    await reader?.cancel()
    await Bun.sleep(20)
    expect(engine.ends).toEqual([])
    go()
    const { id } = responseIn(sentIn(seen)[0])
    expect(await over(find, id)).toMatchObject({ status: 'completed' })
    const events = await follow(id)
    expect(events.slice(0, sentIn(seen).length)).toEqual(sentIn(seen))
    expect(engine.ends).toEqual(['complete'])
  })

  test('does not end with the request that began it', async () => {
    const { post, find, go } = paused()
    const client = new AbortController()
    const { id } = (await (await post(BODY, {}, client.signal)).json()) as ResponseObject
    client.abort()
    await Bun.sleep(20)
    expect(await find(id)).toMatchObject({ status: 'in_progress' })
    go()
    expect(await over(find, id)).toMatchObject({ status: 'completed' })
  })

  test('says nothing new while nothing happens', async () => {
    const { begin, request, until } = paused({ server: { heartbeat_secs: 0.01 } })
    const { id } = await begin()
    await until(id, ({ output }) => output.length > 0)
    const response = await request(`${AT}/${id}?stream=true&starting_after=4`)
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    let seen = ''
    while (!seen.includes('keepalive')) seen += (await reader?.read())?.value
    await reader?.cancel()
    expect(sentIn(seen)[0]?.data).toEqual({ type: 'keepalive', sequence_number: 4 })
  })

  test('is cancelled, once for all, and its stream ends with what there is', async () => {
    const { begin, find, follow, cancel, engine, until } = paused()
    const { id } = await begin()
    await until(id, ({ output }) => output.length > 0)
    const live = follow(id)
    const cancelled = (await (await cancel(id)).json()) as ResponseObject
    expect(cancelled).toMatchObject({ id, status: 'cancelled', output: [{ status: 'incomplete' }] })
    const events = await live
    expect(events.at(-1)).toMatchObject({ event: 'response.incomplete', data: { response: cancelled } })
    expect(events.map(({ data }) => data.sequence_number)).toEqual(events.map((_, index) => index))
    expect(await (await cancel(id)).json()).toEqual(cancelled)
    expect(await find(id)).toEqual(cancelled)
    expect(engine.ends).toEqual(['cancelled'])
  })

  test('of which nothing can be cancelled any more is refused', async () => {
    const { begin, find, cancel } = app()
    const { id } = await begin()
    await over(find, id)
    expect((await cancel(id)).status).toBe(400)
  })

  test('that fails says why, in its stream and afterwards', async () => {
    const { begin, find, follow, logged } = app(() => failing([{ type: 'text', text: 'half' }]))
    const { id } = await begin()
    const failed = await over(find, id)
    expect(failed).toMatchObject({
      status: 'failed',
      error: { message: 'It broke.' },
      output: [{ status: 'incomplete', content: [{ text: 'half' }] }],
    })
    const events = await follow(id)
    expect(events.slice(-2).map(({ event }) => event)).toEqual(['error', 'response.failed'])
    expect(responseIn(events.at(-1))).toEqual(failed)
    expect(logged.join()).toContain('It broke.')
    const last = events.length - 1
    expect(await follow(id, `&starting_after=${last}`)).toEqual([])
  })

  test('that failed is made anew by an equal request', async () => {
    const { begin, find, engine } = app(() => failing([]))
    for (const _ of [1, 2]) await over(find, (await begin()).id)
    expect(engine.requests).toHaveLength(2)
  })

  test('ends with the server, and says so', async () => {
    const shutdown = new AbortController()
    const { begin, engine, follow, until } = paused({ shutdown: shutdown.signal })
    const { id } = await begin()
    const live = follow(id)
    await until(id, ({ output }) => output.length > 0)
    shutdown.abort(new ClinvkError('shutting_down', 'The server stops.'))
    expect(responseIn((await live).at(-1))).toMatchObject({
      status: 'failed',
      error: { message: 'The server stops.' },
    })
    expect(engine.ends).toEqual(['shutting_down'])
  })

  test('is gone on from, once it is complete', async () => {
    const { begin, find, post, engine } = app()
    const { id } = await begin()
    await over(find, id)
    const next = await post({ model: 'fake', input: 'next', previous_response_id: id })
    expect(next.status).toBe(200)
    expect(engine.requests[1]?.history).toMatchObject([{ role: 'user' }, { role: 'assistant', text: 'hi' }])
  })

  test('is deleted with its run, while it is made as well as afterwards', async () => {
    const { begin, find, remove, status, request, go, until } = paused()
    const { id } = await begin()
    await until(id, ({ output }) => output.length > 0)
    const live = await request(`${AT}/${id}?stream=true`)
    expect((await remove(id)).status).toBe(200)
    expect(await status(id)).toBe(404)
    expect((await remove(id)).status).toBe(404)
    go()
    expect(sentIn(await live.text()).at(-1)?.event).toBe('response.completed')
    expect(await status(id)).toBe(404)
    const later = await begin()
    await over(find, later.id)
    expect((await remove(later.id)).status).toBe(200)
    expect([await status(later.id), await status(later.id, '?stream=true')]).toEqual([404, 404])
    expect((await request(`/api/v1/runs/${later.id.replace('resp', 'run')}`)).status).toBe(404)
  })

  test('is seen by nobody else', async () => {
    const { begin, status, cancel, remove } = paused({ apiKeys: ['one', 'two'] })
    const { id } = await begin({ 'x-api-key': 'one' })
    const other = { 'x-api-key': 'two' }
    expect(await status(id, '', { 'x-api-key': 'one' })).toBe(200)
    expect(await status(id, '', other)).toBe(404)
    expect(await status(id, '?stream=true', other)).toBe(404)
    expect((await cancel(id, other)).status).toBe(404)
    expect((await remove(id, other)).status).toBe(404)
  })

  const refused: [string, object, number, string][] = [
    ['that is not to be stored', { ...BODY, store: false }, 400, 'background'],
    ['with an unknown model', { ...BODY, model: 'nobody' }, 404, 'model'],
    ['with a wrong item', { ...BODY, input: [{ role: 'x' }] }, 400, 'input[0].role'],
    ['after an unknown one', { ...BODY, previous_response_id: 'resp_none' }, 400, 'previous_response_id'],
  ]
  for (const [name, body, status, param] of refused)
    test(`${name} is refused before anything runs`, async () => {
      const { post, engine } = app()
      const response = await post(body)
      expect([response.status, await paramOf(response)]).toEqual([status, param])
      expect(engine.requests).toEqual([])
      expect(engine.runs.list({ caller: undefined, limit: 10 }).total).toBe(0)
    })

  test('is not followed after what is no number', async () => {
    const { begin, request } = app()
    const { id } = await begin()
    const response = await request(`${AT}/${id}?stream=true&starting_after=x`)
    expect([response.status, await paramOf(response)]).toEqual([400, 'starting_after'])
  })
})

describe('the run of a response in the background', () => {
  test('is listed, cancelled with it, and says where its events are', async () => {
    const { begin, find, request, until } = paused()
    const { id } = await begin()
    await until(id, ({ output }) => output.length > 0)
    const { runs } = (await (await request('/api/v1/runs')).json()) as { runs: Run[] }
    expect(runs).toHaveLength(1)
    expect([...Value.Errors(Run, runs[0])]).toEqual([])
    expect(runs[0]).toMatchObject({ kind: 'response', response_id: id, status: 'running', model: 'fake' })
    const events = await request(`/api/v1/runs/${runs[0]?.id}/events`)
    expect([events.status, await events.text()]).toEqual([
      404,
      expect.stringContaining(`${AT}/${id}?stream=true`),
    ])
    const cancelled = await request(`/api/v1/runs/${runs[0]?.id}/cancel`, { method: 'POST' })
    expect(await cancelled.json()).toMatchObject({ status: 'cancelled' })
    expect(await find(id)).toMatchObject({ status: 'cancelled' })
  })

  test('tells the response to the next server, whole or cut where the last one ended', async () => {
    await withStoreFile(async (file) => {
      const first = paused({ runs: createRuns(openRunStore(file), 'first', () => {}) })
      const whole = await first.begin()
      first.go()
      const made = await over(first.find, whole.id)
      const told = await first.follow(whole.id)
      const second = paused({ runs: createRuns(openRunStore(file), 'second', () => {}) })
      const cut = await second.begin()
      await second.until(cut.id, ({ output }) => output.length > 0)
      await Bun.sleep(30)

      const store = openRunStore(file)
      const next = app(undefined, { runs: createRuns(store, 'third', () => {}) })
      expect(await next.find(cut.id)).toMatchObject({
        status: 'in_progress',
        output: [{ status: 'in_progress', content: [{ text: 'half' }] }],
      })
      store.markInterrupted((holder) => holder === 'third', Date.now())
      expect(await next.find(whole.id)).toEqual(made)
      expect(await next.follow(whole.id)).toEqual(told)
      expect(await next.follow(whole.id, '&starting_after=7')).toEqual(told.slice(8))
      const failed = await next.find(cut.id)
      expect([...Value.Errors(ResponseObject, failed)]).toEqual([])
      expect(failed).toMatchObject({
        id: cut.id,
        status: 'failed',
        error: { code: 'run_interrupted', message: expect.stringContaining('in the middle') },
        output: [{ status: 'incomplete', content: [{ text: 'half' }] }],
      })
      const events = await next.follow(cut.id)
      expect(events.slice(-2).map(({ event }) => event)).toEqual(['error', 'response.failed'])
      expect(events.map(({ data }) => data.sequence_number)).toEqual(events.map((_, index) => index))
      expect(responseIn(events.at(-1))).toEqual(failed)
      for (const { data } of events)
        expect(await next.follow(cut.id, `&starting_after=${data.sequence_number}`)).toEqual(
          events.slice(data.sequence_number + 1),
        )
      expect((await next.cancel(cut.id)).status).toBe(400)
      const unknown = await next.post({ model: 'fake', input: 'x', previous_response_id: whole.id })
      expect([unknown.status, await paramOf(unknown)]).toEqual([400, 'previous_response_id'])
      expect((await next.remove(whole.id)).status).toBe(200)
      expect(await next.status(whole.id)).toBe(404)
    })
  })

  const begun: [string, TurnEvent[], object][] = [
    [
      'thinking',
      [
        { type: 'thinking', text: 'Hm' },
        { type: 'thinking', text: 'm.' },
      ],
      { type: 'reasoning', summary: [{ text: 'Hmm.' }] },
    ],
    ['a call', CALLING.slice(2, 4), { type: 'function_call', arguments: '{"city":', status: 'in_progress' }],
    [
      'a call of a custom tool',
      [{ type: 'call_start', id: 'call_1', name: 'patch' }],
      { type: 'custom_tool_call', name: 'patch', input: '' },
    ],
  ]
  for (const [what, events, item] of begun)
    test(`tells another server the beginning of ${what} as this one`, async () => {
      await withStoreFile(async (file) => {
        const script: Script = (_, signal) => thenHang([{ type: 'init' }, ...events], signal)
        const one = app(script, { runs: createRuns(openRunStore(file), 'one', () => {}) })
        const other = app(undefined, { runs: createRuns(openRunStore(file), 'other', () => {}) })
        const tools = [
          { type: 'function', name: 'get_weather' },
          { type: 'custom', name: 'patch' },
        ]
        const response = await one.post({ ...BODY, tools, reasoning: { summary: 'auto' } })
        const { id } = (await response.json()) as ResponseObject
        await one.until(id, ({ output }) => output.length > 0)
        await Bun.sleep(30)
        const here = await one.find(id)
        expect(here.output).toMatchObject([item])
        expect(await other.find(id)).toEqual(here)
        await one.cancel(id)
      })
    })

  test('has what the model calls, as any response', async () => {
    const { post, find, follow } = app(() => CALLING)
    const tools = ['get_weather', 'get_time'].map((name) => ({ type: 'function', name }))
    const { id } = (await (await post({ ...BODY, tools })).json()) as ResponseObject
    const made = await over(find, id)
    expect(made).toMatchObject({
      status: 'completed',
      output: [{ type: 'message' }, { name: 'get_weather' }, { name: 'get_time' }],
    })
    expect(responseIn((await follow(id)).at(-1))).toEqual(made)
  })

  test('can be cancelled from another server that shares the store', async () => {
    await withStoreFile(async (file) => {
      const one = paused({ runs: createRuns(openRunStore(file), 'one', () => {}) })
      const other = app(undefined, { runs: createRuns(openRunStore(file), 'other', () => {}) })
      const { id } = await one.begin()
      await one.until(id, ({ output }) => output.length > 0)
      expect((await other.remove(id)).status).toBe(400)
      expect(await (await other.cancel(id)).json()).toMatchObject({ id, status: 'cancelled' })
      expect(await one.find(id)).toMatchObject({ status: 'cancelled' })
      expect(one.engine.ends).toEqual(['cancelled'])
    })
  })
})

test("OpenAI's SDK polls one, follows one, and comes back to it", async () => {
  const { app: server } = app(() => answer('Hel', 'lo'))
  const client = new OpenAI({
    baseURL: 'http://localhost:8080/openai/v1',
    apiKey: 'not-needed',
    fetch: async (url, init) => await server.handle(new Request(String(url), init)),
  })
  let polled = await client.responses.create(BODY)
  while (polled.status === 'in_progress') polled = await client.responses.retrieve(polled.id)
  expect([polled.status, polled.output_text]).toEqual(['completed', 'Hello'])

  const live: OpenAI.Responses.ResponseStreamEvent[] = []
  for await (const event of await client.responses.create({ ...BODY, stream: true })) live.push(event)
  const begun = live[0]
  if (begun?.type !== 'response.created') throw new Error('The stream does not begin with the response.')
  const again: typeof live = []
  const rest = await client.responses.retrieve(begun.response.id, { stream: true, starting_after: 3 })
  for await (const event of rest) again.push(event)
  expect(again).toEqual(live.slice(4))
  expect(again.at(-1)?.type).toBe('response.completed')
})

async function withStoreFile(work: (file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'clinvk-responses-'))
  await work(join(folder, 'runs.db')).finally(() => rmSync(folder, { recursive: true, force: true }))
}

type Options = Omit<NonNullable<Parameters<typeof testApp>[0]>, 'engine'> & {
  runs?: ReturnType<typeof createRuns>
}

function app(script?: Script, { runs, ...options }: Options = {}) {
  const fake = fakeEngine(script)
  const engine = runs ? { ...fake, runs } : fake
  const made = testApp({ engine, ...options })
  const send = (method: string, path: string, headers: Record<string, string> = {}) =>
    made.request(`${AT}/${path}`, { method, headers })
  const post = (body: object, headers: Record<string, string> = {}, signal?: AbortSignal) =>
    made.request(AT, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      ...(signal ? { signal } : {}),
    })
  const find = async (id: string) => (await (await send('GET', id)).json()) as ResponseObject
  return {
    ...made,
    post,
    find,
    async begin(headers?: Record<string, string>) {
      const response = await post(BODY, headers)
      expect(response.status).toBe(200)
      return (await response.json()) as ResponseObject
    },
    async until(id: string, fits: (response: ResponseObject) => boolean) {
      for (;;) {
        const response = await find(id)
        if (fits(response)) return response
        await Bun.sleep(1)
      }
    },
    async follow(id: string, more = ''): Promise<Sent[]> {
      const response = await send('GET', `${id}?stream=true${more}`)
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
      return sentIn(await response.text())
    },
    status: async (id: string, query = '', headers?: Record<string, string>) =>
      (await send('GET', `${id}${query}`, headers)).status,
    cancel: (id: string, headers?: Record<string, string>) => send('POST', `${id}/cancel`, headers),
    remove: (id: string, headers?: Record<string, string>) => send('DELETE', id, headers),
  }
}

/** Agents that say "half" and wait until they are let go on. */
function paused(options: Options = {}) {
  const { promise, resolve } = Promise.withResolvers<void>()
  const script: Script = async function* (_, signal) {
    yield* [{ type: 'init' }, { type: 'text', text: 'half' }] as const
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => abort(), { once: true })
    await Promise.race([promise, aborted])
    if (signal.aborted) throw signal.reason
    yield { type: 'text', text: ' done' }
    yield { type: 'done', stopReason: 'end_turn' }
  }
  return { ...app(script, options), go: resolve }
}

async function* failing(events: readonly TurnEvent[]): AsyncGenerator<TurnEvent, void> {
  yield* events
  throw new ClinvkError('agent_crashed', 'It broke.')
}

async function over(find: (id: string) => Promise<ResponseObject>, id: string): Promise<ResponseObject> {
  for (;;) {
    const response = await find(id)
    if (response.status !== 'in_progress') return response
    await Bun.sleep(1)
  }
}

function responseIn(sent: Sent | undefined): ResponseObject {
  if (!sent) throw new Error('There is no such event.')
  return sent.data['response'] as ResponseObject
}

async function paramOf(response: Response): Promise<unknown> {
  return ((await response.json()) as { error: Record<string, unknown> }).error['param']
}
