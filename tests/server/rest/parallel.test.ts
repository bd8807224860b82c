import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { ClinvkError } from '../../../src/errors.ts'
import { ParallelEvent, ParallelResponse } from '../../../src/server/rest/parallel/schema.ts'
import { json } from '../../support/events.ts'
import { createFakeDriver } from '../../support/fake-driver.ts'
import { createTestEngine } from '../../support/test-engine.ts'
import { answer, eventsOf, fakeEngine, postTo, type Script, testApp, thenHang } from '../support.ts'

const promptOf = ({ parts }: Parameters<Script>[0]) =>
  parts.map((part) => (part.type === 'text' ? part.text : '')).join('')

/** Answers with the prompt; `fail` fails, `hang` never ends. */
const scripted = (request: Parameters<Script>[0], signal: AbortSignal) => {
  const text = promptOf(request)
  if (text === 'hang') return thenHang([{ type: 'init' }], signal)
  if (text === 'fail')
    return (async function* () {
      yield { type: 'text', text: 'half' } as const
      throw new ClinvkError('upstream_overloaded', 'fake: Overloaded', { retryAfterMs: 5 })
    })()
  return answer(text)
}

const stage = (script: Script = scripted, more: Parameters<typeof testApp>[0] = {}) => {
  const app = testApp({ engine: fakeEngine(script), ...more })
  return { ...app, send: (body: unknown, headers = {}) => app.post('/api/v1/parallel', body, headers) }
}

describe('tasks in parallel', () => {
  test('are answered with all that a prompt has, in the order of the request', async () => {
    const response = await stage().send({
      tasks: [
        { backend: 'claude', prompt: 'one', id: 'a', name: 'first', metadata: { n: 1 } },
        { backend: 'codex', prompt: 'two' },
      ],
    })
    expect(response.status).toBe(200)
    const body = await json(response)
    expect([...Value.Errors(ParallelResponse, body)]).toEqual([])
    const same = {
      status: 'completed',
      run_id: expect.stringMatching(/^run_/),
      session_id: 'ses_1',
      model: 'model-1',
      agent_session_id: 'agent-1',
      exit_code: 0,
      duration_ms: expect.any(Number),
      stop_reason: 'end_turn',
      token_usage: { input_tokens: 10, output_tokens: 2 },
      cost_usd: 0.25,
    }
    expect(body).toEqual({
      total_tasks: 2,
      completed: 2,
      failed: 0,
      cancelled: 0,
      total_duration_ms: expect.any(Number),
      results: [
        {
          ...same,
          index: 0,
          id: 'a',
          name: 'first',
          backend: 'claude',
          response: 'one',
          output: 'one',
          metadata: { n: 1 },
        },
        { ...same, index: 1, backend: 'codex', response: 'two', output: 'two' },
      ],
    })
  })

  test('are a 200 whatever became of them, and every count adds up', async () => {
    const { send, logged } = stage()
    const response = await send({
      tasks: ['one', 'fail', 'two', 'three'].map((prompt) => ({ prompt })),
      max_parallel: 1,
      fail_fast: true,
    })
    expect(response.status).toBe(200)
    const body = await json(response)
    expect([...Value.Errors(ParallelResponse, body)]).toEqual([])
    expect(body).toMatchObject({ total_tasks: 4, completed: 1, failed: 1, cancelled: 2 })
    expect(body.results.map(({ status }: { status: string }) => status)).toEqual([
      'completed',
      'failed',
      'cancelled',
      'cancelled',
    ])
    expect(body.results[1]).toEqual({
      index: 1,
      status: 'failed',
      run_id: expect.stringMatching(/^run_/),
      session_id: 'ses_1',
      backend: 'fake',
      duration_ms: expect.any(Number),
      error: {
        type: 'urn:clinvk:error:upstream_overloaded',
        title: 'The provider is overloaded',
        status: 529,
        detail: 'fake: Overloaded',
        code: 'upstream_overloaded',
        retryable: true,
        retry_after_ms: 5,
      },
    })
    expect(body.results[3]).toMatchObject({ backend: 'fake', error: { code: 'cancelled' } })
    expect(body.results[3]).not.toHaveProperty('run_id')
    expect(logged).toEqual(['The provider is overloaded: fake: Overloaded'])
  })

  test('without fail_fast all have their turn', async () => {
    const { send } = stage()
    const body = await json(
      await send({ tasks: ['fail', 'one'].map((prompt) => ({ prompt })), max_parallel: 1 }),
    )
    expect(body).toMatchObject({ total_tasks: 2, completed: 1, failed: 1, cancelled: 0 })
  })

  test('tell with verbose what happened on the way, each for itself', async () => {
    const script: Script = (request) => [
      { type: 'init' },
      { type: 'thinking', text: `of ${promptOf(request)}` },
      { type: 'done', stopReason: 'end_turn' },
    ]
    const tasks = [{ prompt: 'a', verbose: true }, { prompt: 'b' }, { prompt: 'c', verbose: true }]
    const { results } = await json(await stage(script).send({ tasks }))
    expect(results.map(({ events }: { events?: unknown[] }) => events)).toEqual([
      [expect.objectContaining({ type: 'thinking', content: 'of a', sequence: 1 })],
      undefined,
      [expect.objectContaining({ type: 'thinking', content: 'of c', sequence: 1 })],
    ])
  })

  test('only say what would be run with dry_run, of all or of one', async () => {
    const one = await json(
      await stage().send({ tasks: [{ prompt: 'a', dry_run: true, id: 'x' }, { prompt: 'b' }] }),
    )
    expect([...Value.Errors(ParallelResponse, one)]).toEqual([])
    expect(one.results[0]).toEqual({
      index: 0,
      id: 'x',
      status: 'completed',
      dry_run: true,
      backend: 'fake',
      command: ['fake', '--run'],
    })
    expect(one.results[1]).toMatchObject({ response: 'b' })
    expect(one).not.toHaveProperty('dry_run')
    for (const more of [{}, { stream: true }]) {
      const { send, engine } = stage()
      const all = await json(
        await send({ tasks: [{ prompt: 'a' }, { prompt: 'b' }], dry_run: true, ...more }),
      )
      expect(all).toMatchObject({
        dry_run: true,
        total_tasks: 2,
        results: [{ dry_run: true }, { dry_run: true }],
      })
      expect(engine.taken()).toBe(0)
    }
  })

  test('may take longer than clients wait for headers', async () => {
    const speak = Promise.withResolvers<void>()
    const script: Script = async function* () {
      await speak.promise
      yield* answer('late')
    }
    const { send } = stage(script, { chatTimes: { slowJson: { afterMs: 1, everyMs: 1 } } })
    const response = await send({ tasks: [{ prompt: 'a' }] })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    speak.resolve()
    const text = await response.text()
    expect(text).toStartWith(' ')
    expect(JSON.parse(text)).toMatchObject({ completed: 1 })
  })
})

describe('how many tasks run at a time', () => {
  const most = async (config: number | undefined, body: object) => {
    let now = 0
    let found = 0
    const script: Script = async function* () {
      now += 1
      found = Math.max(found, now)
      yield { type: 'init' }
      await Bun.sleep(2)
      now -= 1
      yield* answer('x').slice(1)
    }
    const { send } = stage(script, config === undefined ? {} : { parallel: { max_workers: config } })
    await send({ tasks: Array.from({ length: 40 }, () => ({ prompt: 'x' })), ...body })
    return found
  }
  const cases: [config: number | undefined, body: object, most: number][] = [
    [undefined, {}, 3],
    [5, {}, 5],
    [5, { max_parallel: 2 }, 2],
    [50, {}, 32],
    [1, { max_parallel: 32 }, 32],
  ]
  test.each(cases)('configured %p, asked for %o', async (config, body, expected) => {
    expect(await most(config, body)).toBe(expected)
  })

  test('and fail_fast has the configuration as its default', async () => {
    const { send } = stage(scripted, { parallel: { max_workers: 1, fail_fast: true } })
    const tasks = [{ prompt: 'fail' }, { prompt: 'a' }]
    expect(await json(await send({ tasks }))).toMatchObject({ failed: 1, cancelled: 1 })
    expect(await json(await send({ tasks, fail_fast: false }))).toMatchObject({ failed: 1, completed: 1 })
  })
})

describe('tasks are refused as a whole, before any has begun', () => {
  const good = { prompt: 'a' }
  const mistakes: [body: object, status: number, paths: string[]][] = [
    [{}, 400, ['tasks']],
    [{ tasks: [] }, 400, ['tasks']],
    [{ tasks: Array.from({ length: 101 }, () => good) }, 400, ['tasks']],
    [{ tasks: [good, { prompt: '' }] }, 400, ['tasks[1].prompt']],
    [{ tasks: [good, { prompt: 'b', stream: true }] }, 400, ['tasks[1].stream']],
    [{ tasks: [good, { prompt: 'b', output_format: 'stream-json' }] }, 400, ['tasks[1].output_format']],
    [{ tasks: [good], max_parallel: 33 }, 400, ['max_parallel']],
    [{ tasks: [good], max_parallel: 0 }, 400, ['max_parallel']],
    [{ tasks: [good], fail_fasst: true }, 400, ['fail_fasst']],
    [
      { tasks: [good, { prompt: 'b', images: [{ media_type: 'image/png', data: '!' }] }] },
      400,
      ['tasks[1].images[0].data'],
    ],
    [
      { tasks: [{ prompt: 'a', session_id: 'ses_1', title: 'T' }, good, { prompt: 'c', model: 'a\0b' }] },
      400,
      ['tasks[0].title', 'tasks[2].model'],
    ],
    [{ tasks: [good, { prompt: 'b', backend: 'x' }] }, 404, ['tasks[1].backend']],
    [{ tasks: [good, { prompt: 'b', session_id: 'ses_x' }] }, 404, ['tasks[1].session_id']],
    [{ tasks: [good, { prompt: 'b', workdir: '/usr' }] }, 403, ['tasks[1].workdir']],
    [{ tasks: [good, { prompt: 'b', max_turns: 3 }] }, 400, ['tasks[1].max_turns']],
  ]
  test.each(mistakes)('%j', async (body, status, paths) => {
    const driver = createFakeDriver('fake', { maxTurns: 'none' })
    const engine = createTestEngine([driver], { blocked: ['/usr'] })
    for (const stream of [false, true]) {
      const response = await postTo(engine, '/api/v1/parallel', { ...body, stream })
      const problem = await json(response)
      expect([response.status, problem.errors?.map(({ path }: { path: string }) => path)]).toEqual([
        status,
        paths,
      ])
      expect(problem.detail).toContain(paths[0] ?? '')
    }
    expect(driver.opened).toEqual([])
    await engine.close()
  })
})

describe('tasks as a stream', () => {
  test('are events that name their task, numbered as a whole, and the answer at the end', async () => {
    for (const form of [{ stream: true }, { output_format: 'stream-json' }]) {
      const { send } = stage()
      const response = await send({
        tasks: [{ prompt: 'one', name: 'n' }, { prompt: 'fail' }, { prompt: 'dry', dry_run: true }],
        max_parallel: 1,
        ...form,
      })
      const events = eventsOf(await response.text()) as (ReturnType<typeof eventsOf>[number] & {
        task?: number
        name?: string
      })[]
      for (const event of events) expect([...Value.Errors(ParallelEvent, event)]).toEqual([])
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
      expect(events.map(({ type, task, name }) => [type, task, name])).toEqual([
        ['init', 0, 'n'],
        ['message', 0, 'n'],
        ['done', 0, 'n'],
        ['message', 1, undefined],
        ['error', 1, undefined],
        ['done', 2, undefined],
        ['done', undefined, undefined],
      ])
      expect(events[4]?.content).toMatchObject({ status: 529, code: 'upstream_overloaded' })
      expect(events[4]?.content).not.toHaveProperty('instance')
      expect(events[5]?.content).toMatchObject({ dry_run: true, command: ['fake', '--run'] })
      const last = events.at(-1)?.content
      expect([...Value.Errors(ParallelResponse, last)]).toEqual([])
      expect(last).toMatchObject({
        total_tasks: 3,
        completed: 2,
        failed: 1,
        results: [
          { response: 'one', name: 'n' },
          { error: { code: 'upstream_overloaded' } },
          { dry_run: true },
        ],
      })
    }
  })

  test('are asked for by Accept as well', async () => {
    const response = await stage().send({ tasks: [{ prompt: 'a' }] }, { accept: 'text/event-stream' })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    expect(await response.text()).toMatch(/^: clinvk\n\nid: 1\nevent: init\n/)
  })

  test('are taken from the agents only as fast as they are read', async () => {
    const { send, engine } = stage(() => answer(...Array.from({ length: 1000 }, () => 'x'.repeat(20_000))))
    const response = await send({ tasks: [{ prompt: 'a' }, { prompt: 'b' }], stream: true })
    const reader = response.body?.getReader()
    for (let count = 0; count < 6; count++) await reader?.read()
    await Bun.sleep(20)
    // Five that were read, two short ones that came with the first of them, and one of the other task that waits.
    expect(engine.taken()).toBe(8)
    await reader?.cancel()
    while (engine.ends.length < 2) await Bun.sleep(1)
  })

  for (const [form, beat] of [
    [{ stream: true }, /^: keep-alive$/m],
    [{ output_format: 'stream-json' }, /"type":"progress",.*"kind":"heartbeat"/],
  ] as const)
    test(`bridge silence with ${JSON.stringify(form)} without a gap in the numbers`, async () => {
      const speak = Promise.withResolvers<void>()
      const script: Script = async function* () {
        yield { type: 'init' }
        await speak.promise
        yield* answer('late').slice(1)
      }
      const { send } = stage(script, { server: { heartbeat_secs: 0.001 } })
      const response = await send({ tasks: [{ prompt: 'a' }], ...form })
      let text = ''
      const decoder = new TextDecoder()
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk, { stream: true })
        if (beat.test(text)) speak.resolve()
      }
      const all = eventsOf(text)
      const events = all.filter(({ content }) => (content as { kind?: string }).kind !== 'heartbeat')
      expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
      for (const event of all) expect([...Value.Errors(ParallelEvent, event)]).toEqual([])
      expect(events.at(-1)).toMatchObject({ type: 'done', content: { completed: 1 } })
    })
})

describe('all tasks are cancelled', () => {
  const tasks = [{ prompt: 'hang' }, { prompt: 'hang' }, { prompt: 'a' }]

  for (const stream of [false, true])
    test(`when the client leaves ${stream ? 'a stream' : 'a JSON answer'}`, async () => {
      const client = new AbortController()
      const { app, engine } = stage()
      const answering = app.handle(
        new Request('http://localhost/api/v1/parallel', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ tasks, max_parallel: 2, stream }),
          signal: client.signal,
        }),
      )
      if (stream) {
        const reader = (await answering).body?.getReader()
        for (let count = 0; count < 2; count++) await reader?.read()
      }
      while (engine.taken() < 2) await Bun.sleep(1)
      client.abort()
      while (engine.ends.length < 2) await Bun.sleep(1)
      expect(engine.ends).toEqual(['cancelled', 'cancelled'])
      expect(engine.requests.filter((request) => promptOf(request) === 'a')).toHaveLength(1)
    })

  for (const waits of [false, true])
    test(`when the reader of a stream leaves${waits ? ' while it waits for an event' : ''}`, async () => {
      const { send, engine } = stage()
      const response = await send({ tasks, max_parallel: 2, stream: true })
      const reader = response.body?.getReader()
      for (let count = 0; count < 2; count++) await reader?.read()
      const pending = waits ? reader?.read() : undefined
      await Bun.sleep(1)
      await reader?.cancel()
      await pending
      while (engine.ends.length < 2) await Bun.sleep(1)
      expect(engine.ends).toEqual(['cancelled', 'cancelled'])
    })

  test('and none is begun, when the client leaves before it has read anything', async () => {
    const { send, engine } = stage()
    const response = await send({ tasks, stream: true })
    await response.body?.cancel()
    await Bun.sleep(5)
    expect(engine.taken()).toBe(0)
  })

  for (const stream of [false, true])
    test(`when the server stops, and the client of ${stream ? 'a stream' : 'a JSON answer'} is told why`, async () => {
      const stopping = new AbortController()
      const { send, engine } = stage(scripted, { shutdown: stopping.signal })
      const answering = (async () => {
        const response = await send({ tasks, max_parallel: 2, stream })
        return { status: response.status, text: await response.text() }
      })()
      while (engine.taken() < 2) await Bun.sleep(1)
      stopping.abort(new ClinvkError('shutting_down', 'The server is shutting down.'))
      const { status, text } = await answering
      expect(engine.ends).toEqual(['shutting_down', 'shutting_down'])
      if (!stream) {
        expect([status, JSON.parse(text)]).toMatchObject([503, { code: 'shutting_down' }])
        return
      }
      const events = eventsOf(text)
      for (const event of events) expect([...Value.Errors(ParallelEvent, event)]).toEqual([])
      expect(events.filter(({ type }) => type === 'error')).toHaveLength(4)
      expect(events.at(-1)).toMatchObject({
        content: { code: 'shutting_down', instance: expect.any(String) },
      })
      expect(events.at(-1)).not.toHaveProperty('task')
    })
})
