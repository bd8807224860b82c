import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import type { TurnEvent } from '../../../../src/agents/types.ts'
import { ClinvkError } from '../../../../src/errors.ts'
import {
  DeletedResponse,
  ItemPage,
  ResponseObject,
} from '../../../../src/server/openai/responses/answer-schema.ts'
import { answer, type FakeEngine, fakeEngine, type Script, testApp, thenHang } from '../../support.ts'
import { type Sent, sentIn, text } from './support.ts'

const PREFIXES = ['/openai', '/openai/v1', '/openai/v1/v1']

describe('POST /responses', () => {
  for (const prefix of PREFIXES)
    test(`answers at ${prefix}, whatever the query, with a slash at the end or without`, async () => {
      for (const end of ['', '/', '?api-version=1']) {
        const { post } = testApp({ engine: fakeEngine(() => answer('Hel', 'lo')) })
        const response = await post(`${prefix}/responses${end}`, { model: 'fake', input: 'hi' })
        expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
        const body = await response.json()
        expect([...Value.Errors(ResponseObject, body)]).toEqual([])
        expect(body).toMatchObject({ status: 'completed', output: [{ content: [{ text: 'Hello' }] }] })
      }
    })

  test('has the headers of OpenAI and names what has no effect', async () => {
    const { headers } = await create({ input: 'hi', temperature: 1, service_tier: 'auto' })
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(headers.get('openai-version')).toBe('2020-10-01')
    expect(headers.get('openai-processing-ms')).toMatch(/^\d+$/)
    expect(headers.get('x-clinvk-backend')).toBe('fake')
    expect(headers.get('x-clinvk-without-effect')).toBe('temperature, service_tier')
  })

  test('gives the agent the chain as its history, and the instructions of this request alone', async () => {
    const { engine, post } = app()
    const first = await bodyOf(
      post('/openai/v1/responses', { model: 'fake', input: 'one', instructions: 'old' }),
    )
    const second = await bodyOf(
      post('/openai/v1/responses', { model: 'fake', input: 'two', previous_response_id: first.id }),
    )
    await post('/openai/v1/responses', {
      model: 'fake',
      input: 'three',
      previous_response_id: second.id,
      instructions: 'new',
      store: false,
    })
    expect(second.previous_response_id).toBe(first.id)
    expect(engine.requests.map(({ systemPrompt }) => systemPrompt)).toEqual(['old', undefined, 'new'])
    expect(engine.requests[2]?.parts).toEqual([text('three')])
    expect(engine.requests[2]?.history).toEqual([
      { role: 'user', parts: [text('one')] },
      { role: 'assistant', text: 'hi', toolCalls: [] },
      { role: 'user', parts: [text('two')] },
      { role: 'assistant', text: 'hi', toolCalls: [] },
    ])
  })

  test('refuses an unknown previous response without starting an agent', async () => {
    const { engine, post } = app()
    const response = await post('/openai/v1/responses', {
      model: 'fake',
      input: 'x',
      previous_response_id: 'resp_none',
    })
    expect([response.status, engine.requests.length]).toEqual([400, 0])
    expect(await response.json()).toMatchObject({
      error: { code: 'previous_response_not_found', param: 'previous_response_id' },
    })
  })

  const broken: [string, unknown, number, string | null][] = [
    ['broken JSON', '{', 400, null],
    ['a wrong type', { model: 'fake', input: 7 }, 400, 'input'],
    ['an item that is wrong', { model: 'fake', input: [{ role: 'x' }] }, 400, 'input[0].role'],
    [
      'a tool without a name',
      { model: 'fake', input: 'x', tools: [{ type: 'custom' }] },
      400,
      'tools[0].name',
    ],
    ['an unknown model', { model: 'nobody', input: 'x' }, 404, 'model'],
  ]
  for (const [name, body, status, param] of broken)
    test(`tells ${name} in the words of OpenAI`, async () => {
      const response = await app().post('/openai/v1/responses', body)
      const { error } = (await response.json()) as { error: Record<string, unknown> }
      expect([response.status, error['param']]).toEqual([status, param])
      expect(Object.keys(error).sort()).toEqual(['code', 'message', 'param', 'type'])
    })

  test('is an error where the run fails, and the same once more without another run', async () => {
    const { engine, post } = app(() => failing([]))
    const ask = () => post('/openai/v1/responses', { model: 'fake', input: 'x' })
    for (const response of [await ask(), await ask()]) {
      expect([response.status, response.headers.get('x-should-retry')]).toEqual([502, 'false'])
      expect(await response.json()).toMatchObject({ error: { type: 'server_error' } })
    }
    expect(engine.requests).toHaveLength(1)
  })
})

describe('POST /responses with stream', () => {
  test('has a name and a number on each event, and no [DONE]', async () => {
    const response = await create({ input: 'hi', stream: true })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const stream = await response.text()
    expect(stream).not.toContain('[DONE]')
    const events = sentIn(stream)
    expect(events.map(({ event }) => event)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(events.map(({ data }) => data.type)).toEqual(events.map(({ event }) => event))
    expect(events.map(({ data }) => data.sequence_number)).toEqual(events.map((_, index) => index))
    const objects = events.flatMap(({ data }) => (data['response'] ? [data['response']] : []))
    for (const object of objects) expect([...Value.Errors(ResponseObject, object)]).toEqual([])
    expect(new Set(objects.map((object) => (object as ResponseObject).id)).size).toBe(1)
  })

  test('ends with an error and the failed response where the run fails midway', async () => {
    const { post, request } = app(() => failing([{ type: 'text', text: 'half' }]))
    const response = await post('/openai/v1/responses', { model: 'fake', input: 'x', stream: true })
    const events = sentIn(await response.text())
    expect(events.slice(-2).map(({ event }) => event)).toEqual(['error', 'response.failed'])
    const { id, status } = responseIn(events.at(-1))
    expect(status).toBe('failed')
    expect(await bodyOf(request(`/openai/v1/responses/${id}`))).toMatchObject({
      status: 'failed',
      error: { message: 'It broke.' },
      output: [{ content: [{ text: 'half' }] }],
    })
  })

  test('has a status of its own where the run fails before it says anything', async () => {
    const { post } = app(() => failing([{ type: 'init' }]))
    const response = await post('/openai/v1/responses', { model: 'fake', input: 'x', stream: true })
    expect([response.status, response.headers.get('content-type')]).toEqual([502, 'application/json'])
  })

  test('sends comments while nothing happens', async () => {
    const engine = fakeEngine((_, signal) => thenHang([], signal))
    const { post } = testApp({ engine, server: { heartbeat_secs: 0.01 }, chatTimes: { streamGraceMs: 1 } })
    const response = await post('/openai/v1/responses', { model: 'fake', input: 'x', stream: true })
    const reader = readerOf(response)
    expect(
      await reader.until('event: keepalive\ndata: {"type":"keepalive","sequence_number":2}\n\n'),
    ).toStartWith('event: response.created\ndata: {')
    await reader.leave()
    expect(await endOf(engine)).toBe('cancelled')
  })
})

describe('GET /responses/{id}', () => {
  test('gives what was answered', async () => {
    const { post, request } = app()
    const made = await bodyOf(post('/openai/v1/responses', { model: 'fake', input: 'x' }))
    for (const prefix of PREFIXES)
      expect(await bodyOf(request(`${prefix}/responses/${made.id}`))).toEqual(made)
  })

  test('gives what a stream ended with', async () => {
    const { post, request } = app()
    const stream = await (
      await post('/openai/v1/responses', { model: 'fake', input: 'x', stream: true })
    ).text()
    const last = responseIn(sentIn(stream).at(-1))
    expect(await bodyOf(request(`/openai/v1/responses/${last.id}`))).toEqual(last)
  })

  test('does not know what was not to be stored, and what never was', async () => {
    const { post, request } = app()
    const { id } = await bodyOf(post('/openai/v1/responses', { model: 'fake', input: 'x', store: false }))
    for (const unknown of [id, 'resp_none', '%2e%2e']) {
      const response = await request(`/openai/v1/responses/${unknown}`)
      expect([response.status, (await errorOf(response))['type']]).toEqual([404, 'invalid_request_error'])
    }
  })

  test('gives a key only what was made with it', async () => {
    const { post, request } = testApp({ apiKeys: ['one', 'two'] })
    const made = await bodyOf(
      post('/openai/v1/responses', { model: 'fake', input: 'x' }, { authorization: 'Bearer one' }),
    )
    const path = `/openai/v1/responses/${made.id}`
    const status = async (init: RequestInit, at = path) => (await request(at, init)).status
    const other = { 'x-api-key': 'two' }
    expect(await status({ headers: { 'x-api-key': 'one' } })).toBe(200)
    expect(await status({ headers: other })).toBe(404)
    expect(await status({ headers: other }, `${path}/input_items`)).toBe(404)
    expect(await status({ headers: other, method: 'POST' }, `${path}/cancel`)).toBe(404)
    expect(await status({ headers: other, method: 'DELETE' })).toBe(404)
    const next = { model: 'fake', input: 'x', previous_response_id: made.id }
    expect((await post('/openai/v1/responses', next, other)).status).toBe(400)
    expect((await post('/openai/v1/responses', next, { 'api-key': 'one' })).status).toBe(200)
  })

  test('cannot stream it once more', async () => {
    const { post, request } = app()
    const { id } = await bodyOf(post('/openai/v1/responses', { model: 'fake', input: 'x' }))
    const response = await request(`/openai/v1/responses/${id}?stream=true`)
    expect([response.status, (await errorOf(response))['param']]).toEqual([400, 'stream'])
  })
})

describe('DELETE /responses/{id}', () => {
  test('forgets it', async () => {
    const { post, request } = app()
    const { id } = await bodyOf(post('/openai/v1/responses', { model: 'fake', input: 'x' }))
    const remove = () => request(`/openai/v1/responses/${id}`, { method: 'DELETE' })
    const body = await (await remove()).json()
    expect([...Value.Errors(DeletedResponse, body)]).toEqual([])
    expect(body).toEqual({ id, object: 'response', deleted: true })
    expect((await remove()).status).toBe(404)
    expect((await request(`/openai/v1/responses/${id}`)).status).toBe(404)
  })

  test('of one that is being made keeps it from being stored, and lets it go on', async () => {
    const { post, request, go } = paused()
    const reader = readerOf(await post('/openai/v1/responses', { model: 'fake', input: 'x', stream: true }))
    const id = idIn(await reader.until('output_text.delta'))
    expect((await request(`/openai/v1/responses/${id}`, { method: 'DELETE' })).status).toBe(200)
    go()
    expect(await reader.until('event: response.completed')).toContain(id)
    expect((await request(`/openai/v1/responses/${id}`)).status).toBe(404)
  })
})

describe('POST /responses/input_tokens', () => {
  const ask = (engine: FakeEngine, body: object = { model: 'fake', instructions: 's', input: 'hi' }) =>
    testApp({ engine }).post('/openai/v1/responses/input_tokens', body)

  test('tells what the agent counts, and runs nothing', async () => {
    const engine = fakeEngine(undefined, 42)
    const response = await ask(engine)
    expect(await response.json()).toEqual({ object: 'response.input_tokens', input_tokens: 42 })
    expect(engine.requests).toMatchObject([{ systemPrompt: 's', parts: [{ text: 'hi' }] }])
    expect(engine.taken()).toBe(0)
  })

  test('says where an agent cannot count, and which model there is not', async () => {
    const response = await ask(fakeEngine())
    expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('cannot count')])
    expect((await ask(fakeEngine(), { model: 'nope', input: 'hi' })).status).toBe(404)
  })
})

test('POST /responses/compact says that there is no such thing', async () => {
  const response = await testApp().post('/openai/v1/responses/compact', { model: 'fake' })
  expect([response.status, await response.text()]).toEqual([404, expect.stringContaining('by themselves')])
})

describe('GET /responses/{id}/input_items', () => {
  test('lists what was said up to it, in pages', async () => {
    const { post, request } = app()
    const first = await bodyOf(post('/openai/v1/responses', { model: 'fake', input: 'one' }))
    const { id } = await bodyOf(
      post('/openai/v1/responses', { model: 'fake', input: 'two', previous_response_id: first.id }),
    )
    const page = async (query: string) => {
      const body = await (await request(`/openai/v1/responses/${id}/input_items?${query}`)).json()
      expect([...Value.Errors(ItemPage, body)]).toEqual([])
      return body as ItemPage
    }
    const start = await page('limit=1')
    expect(start).toMatchObject({ has_more: true, data: [{ role: 'user', content: [{ text: 'two' }] }] })
    const rest = await page(`after=${start.last_id}`)
    expect(rest).toMatchObject({
      has_more: false,
      data: [first.output[0], { role: 'user', content: [{ text: 'one' }] }],
    })
    const wrong = await request(`/openai/v1/responses/${id}/input_items?limit=0`)
    expect([wrong.status, (await errorOf(wrong))['param']]).toEqual([400, 'limit'])
  })

  test('lists what is left where an earlier response is gone', async () => {
    const { post, request } = app()
    const first = await bodyOf(post('/openai/v1/responses', { model: 'fake', input: 'one' }))
    const { id } = await bodyOf(
      post('/openai/v1/responses', { model: 'fake', input: 'two', previous_response_id: first.id }),
    )
    await request(`/openai/v1/responses/${first.id}`, { method: 'DELETE' })
    const { data } = (await (await request(`/openai/v1/responses/${id}/input_items`)).json()) as ItemPage
    expect(data).toMatchObject([{ content: [{ text: 'two' }] }])
    expect(data).toHaveLength(1)
  })

  test('does not know an unknown response', async () => {
    expect((await app().request('/openai/v1/responses/resp_x/input_items')).status).toBe(404)
  })
})

describe('POST /responses/{id}/cancel', () => {
  test('stops the agent of a stream, which ends with what there is', async () => {
    const { post, request, engine } = paused()
    const reader = readerOf(await post('/openai/v1/responses', { model: 'fake', input: 'x', stream: true }))
    const id = idIn(await reader.until('output_text.delta'))
    expect(await bodyOf(request(`/openai/v1/responses/${id}`))).toMatchObject({
      status: 'in_progress',
      output: [{ content: [{ text: 'half' }] }],
    })
    const cancel = () => request(`/openai/v1/responses/${id}/cancel`, { method: 'POST' })
    const cancelled = await bodyOf(cancel())
    expect([...Value.Errors(ResponseObject, cancelled)]).toEqual([])
    expect(cancelled).toMatchObject({ id, status: 'cancelled', output: [{ status: 'incomplete' }] })
    const events = sentIn(await reader.rest())
    expect(events.map(({ data }) => data.sequence_number)).toEqual(events.map((_, index) => index))
    expect(events.map(({ event }) => event).slice(-4)).toEqual([
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.incomplete',
    ])
    expect(events.at(-1)?.data['response']).toEqual(cancelled)
    expect(engine.ends).toEqual(['cancelled'])
    expect(await bodyOf(request(`/openai/v1/responses/${id}`))).toEqual(cancelled)
    expect(await bodyOf(cancel())).toEqual(cancelled)
  })

  test('of one that is complete is refused, and of one that is unknown', async () => {
    const { post, request } = app()
    const { id } = await bodyOf(post('/openai/v1/responses', { model: 'fake', input: 'x' }))
    const cancel = (of: string) => request(`/openai/v1/responses/${of}/cancel`, { method: 'POST' })
    expect([(await cancel(id)).status, (await cancel('resp_none')).status]).toEqual([400, 404])
  })

  test('does not keep another request for the same from being run', async () => {
    const { post, request, engine, go } = paused()
    const ask = async () =>
      readerOf(await post('/openai/v1/responses', { model: 'fake', input: 'x', stream: true }))
    const reader = await ask()
    await request(`/openai/v1/responses/${idIn(await reader.until('output_text.delta'))}/cancel`, {
      method: 'POST',
    })
    await reader.rest()
    go()
    expect(await (await ask()).until('event: response.completed')).toBeString()
    expect(engine.requests).toHaveLength(2)
  })
})

test.each([
  ['between two events', false],
  ['while it waits for the next event', true],
] as const)(
  'a client that leaves %s leaves nothing behind that could be read or cancelled',
  async (_, waits) => {
    const { post, request, engine } = paused()
    const reader = readerOf(await post('/openai/v1/responses', { model: 'fake', input: 'x', stream: true }))
    const id = idIn(await reader.until('output_text.delta'))
    const waiting = waits ? reader.rest() : undefined
    await Bun.sleep(1)
    await reader.leave()
    await waiting
    expect(await endOf(engine)).toBe('cancelled')
    expect((await request(`/openai/v1/responses/${id}`)).status).toBe(404)
    expect((await request(`/openai/v1/responses/${id}/cancel`, { method: 'POST' })).status).toBe(404)
  },
)

function app(script?: Script) {
  return testApp({ engine: fakeEngine(script) })
}

/** Agents that say "half" and wait until they are let go on. */
function paused() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const script: Script = async function* (_, signal) {
    yield* [{ type: 'init' }, { type: 'text', text: 'half' }] as const
    const { promise: aborted, resolve: abort } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => abort(), { once: true })
    await Promise.race([promise, aborted])
    if (signal.aborted) throw signal.reason
    yield { type: 'done', stopReason: 'end_turn' }
  }
  return { ...app(script), go: resolve }
}

async function* failing(events: readonly TurnEvent[]): AsyncGenerator<TurnEvent, void> {
  yield* events
  throw new ClinvkError('agent_crashed', 'It broke.')
}

function create(body: object): Promise<Response> {
  return app().post('/openai/v1/responses', { model: 'fake', ...body })
}

async function bodyOf(response: Response | Promise<Response>): Promise<ResponseObject> {
  return (await (await response).json()) as ResponseObject
}

async function errorOf(response: Response): Promise<Record<string, unknown>> {
  return ((await response.json()) as { error: Record<string, unknown> }).error
}

function readerOf(response: Response) {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  if (!reader) throw new Error('There is no stream.')
  let seen = ''
  return {
    /** What came up to this, or all where it never comes. */
    async until(part: string): Promise<string> {
      while (!seen.includes(part)) {
        const { done, value } = await reader.read()
        if (done) throw new Error(`The stream ended without ${part}: ${seen}`)
        seen += value
      }
      return seen
    },
    async rest(): Promise<string> {
      for (let next = await reader.read(); !next.done; next = await reader.read()) seen += next.value
      return seen
    },
    leave: () => reader.cancel(),
  }
}

function idIn(stream: string): string {
  return responseIn(sentIn(stream)[0]).id
}

function responseIn(sent: Sent | undefined): ResponseObject {
  if (!sent) throw new Error('There is no such event.')
  return sent.data['response'] as ResponseObject
}

async function endOf(engine: FakeEngine): Promise<string | undefined> {
  while (engine.ends.length === 0) await Bun.sleep(1)
  return engine.ends[0]
}
