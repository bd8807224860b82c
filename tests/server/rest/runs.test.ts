import { afterEach, describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { ClinvkError } from '../../../src/errors.ts'
import { Run, RunList } from '../../../src/server/rest/runs/schema.ts'
import { eventsOf } from '../support.ts'
import { stage as open } from './stage.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

/** Its agent says two words and waits between them, so that there is a middle to come into. */
function stage() {
  const made = open()
  cleanUps.push(made.close)
  const { fake, send } = made
  fake.steps = ({ parts: [part] }) => [
    { type: 'init', agentSessionId: 'a' },
    { type: 'text', text: 'one ' },
    ...(part?.type === 'text' && part.text === 'hang' ? (['hang'] as const) : [{ waitMs: 30 }]),
    { type: 'text', text: 'two' },
    { type: 'done', stopReason: 'end_turn', usage: { inputTokens: 3, outputTokens: 2 } },
  ]
  const events = async (id: string, query = '', headers: Record<string, string> = {}) =>
    eventsOf((await send('GET', `/api/v1/runs/${id}/events${query}`, undefined, headers)).text)
  return { ...made, events }
}
type Stage = ReturnType<typeof stage>

const background = async ({ send }: Stage, more: object = {}, headers: Record<string, string> = {}) =>
  await send('POST', '/api/v1/prompt', { prompt: 'go', background: true, ...more }, headers)

describe('a prompt in the background', () => {
  test('is accepted at once, and its run tells its end and its result', async () => {
    const made = stage()
    const { status, body } = await background(made, { metadata: { mine: 1 } })
    expect(status).toBe(202)
    expect(body).toMatchObject({ kind: 'prompt', status: 'running', backend: 'fake', prompt: 'go' })
    expect((await made.events(body.id)).map(({ type }) => type)).toEqual([
      'init',
      'message',
      'message',
      'done',
    ])
    const { body: run } = await made.send('GET', `/api/v1/runs/${body.id}`)
    expect([...Value.Errors(Run, run)]).toEqual([])
    expect(run).toMatchObject({
      status: 'completed',
      metadata: { mine: 1 },
      event_count: 4,
      result: {
        output: 'one two',
        token_usage: { input_tokens: 3, output_tokens: 2 },
        metadata: { mine: 1 },
      },
    })
    expect((await made.send('GET', `/api/v1/sessions/${run.session_id}`)).body.turns).toHaveLength(1)
  })

  test('gives a reader that comes back after each event all of them, none twice', async () => {
    const made = stage()
    const { body } = await background(made)
    const whole = await made.events(body.id)
    for (const [index, { sequence }] of whole.entries()) {
      const rest = whole
        .slice(index + 1)
        .map(({ sequence: number, type, content }) => [number, type, content])
      const told = (events: typeof whole) =>
        events.map(({ sequence: number, type, content }) => [number, type, content])
      expect(told(await made.events(body.id, `?after=${sequence}`))).toEqual(rest)
      expect(told(await made.events(body.id, '', { 'last-event-id': String(sequence) }))).toEqual(rest)
    }
    const lines = await made.send('GET', `/api/v1/runs/${body.id}/events`, undefined, {
      accept: 'application/x-ndjson',
    })
    expect(lines.text.trim().split('\n')).toHaveLength(whole.length)
  })

  test('is followed live', async () => {
    const made = stage()
    const { body } = await background(made, { prompt: 'hang' })
    const response = await made.app.handle(new Request(`http://localhost/api/v1/runs/${body.id}/events`))
    const reader = response.body?.getReader()
    let text = ''
    while (!text.includes('one')) text += new TextDecoder().decode((await reader?.read())?.value)
    expect(text).not.toContain('event: done')
    await reader?.cancel()
    expect((await made.send('GET', `/api/v1/runs/${body.id}`)).body.status).toBe('running')
  })

  test('fails as a run that says why, also to those who follow it', async () => {
    const made = stage()
    made.fake.steps = () => [{ type: 'init' }, { type: 'text', text: 'half' }]
    const { body } = await background(made)
    const told = await made.events(body.id)
    expect(told.at(-1)).toMatchObject({ type: 'error', content: { code: expect.any(String) } })
    const { body: run } = await made.send('GET', `/api/v1/runs/${body.id}`)
    expect(run).toMatchObject({ status: 'failed', error: { message: expect.any(String) } })
    expect(run.result).toBeUndefined()
  })

  test('is refused at once where it cannot be run', async () => {
    const made = stage()
    expect((await background(made, { backend: 'nope' })).status).toBe(404)
    expect((await background(made, { session_id: 'nope' })).status).toBe(404)
    expect((await made.send('GET', '/api/v1/runs')).body.total).toBe(0)
  })
})

describe('a run', () => {
  test('is cancelled, once, and what it had said is kept', async () => {
    const made = stage()
    const { body } = await background(made, { prompt: 'hang' })
    for (const _ of [1, 2]) {
      const { status, body: run } = await made.send('POST', `/api/v1/runs/${body.id}/cancel`)
      expect([status, run.status]).toEqual([200, 'cancelled'])
    }
    expect(made.fake.log).toEqual([expect.stringMatching(/^interrupt/)])
    const told = await made.events(body.id)
    expect(told.map(({ type }) => type)).toEqual(['init', 'message', 'error'])
    expect(told.at(-1)).toMatchObject({ content: { code: 'cancelled' } })
  })

  test('is every prompt, in every form', async () => {
    const made = stage()
    await made.send('POST', '/api/v1/prompt', { prompt: 'go' })
    await made.send('POST', '/api/v1/prompt', { prompt: 'go', stream: true })
    await made.send('POST', '/api/v1/prompt', { prompt: 'go', output_format: 'stream-json' })
    const { body } = await made.send('GET', '/api/v1/runs?status=completed&kind=prompt&limit=2')
    expect([...Value.Errors(RunList, body)]).toEqual([])
    expect(body).toMatchObject({ total: 3, limit: 2, offset: 0 })
    expect(body.runs).toHaveLength(2)
    const [{ id, session_id: session }] = body.runs
    expect((await made.send('GET', `/api/v1/runs?session_id=${session}`)).body.runs).toHaveLength(1)
    expect((await made.events(id)).at(-1)?.type).toBe('done')
  })

  test('is named by its answer', async () => {
    const made = stage()
    const response = await made.app.handle(
      new Request('http://localhost/api/v1/prompt', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"prompt":"go"}',
      }),
    )
    const id = response.headers.get('x-clinvk-run')
    expect((await made.send('GET', `/api/v1/runs/${id}`)).body.status).toBe('completed')
  })

  test('goes on without its client where that asked for it', async () => {
    const made = stage()
    const leave = async (more: object) => {
      const client = new AbortController()
      const response = await made.app.handle(
        new Request('http://localhost/api/v1/prompt', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ prompt: 'go', stream: true, ...more }),
          signal: client.signal,
        }),
      )
      const id = response.headers.get('x-clinvk-run') ?? ''
      const reader = response.body?.getReader()
      await reader?.read()
      await reader?.read()
      client.abort()
      await reader?.cancel().catch(() => {})
      return (await made.events(id)).at(-1)
    }
    expect(await leave({ on_disconnect: 'continue' })).toMatchObject({ type: 'done' })
    expect(await leave({})).toMatchObject({ type: 'error', content: { code: 'cancelled' } })
    expect(await leave({ on_disconnect: 'cancel' })).toMatchObject({ content: { code: 'cancelled' } })
  })

  test.each([
    ['GET', '/api/v1/runs/run_nope', 404],
    ['GET', '/api/v1/runs/run_nope/events', 404],
    ['POST', '/api/v1/runs/run_nope/cancel', 404],
    ['GET', '/api/v1/runs?limit=0', 400],
    ['GET', '/api/v1/runs?colour=red', 400],
  ])('that is asked for wrongly: %s %s', async (method, path, status) => {
    expect((await stage().send(method, path)).status).toBe(status)
  })

  test('is not followed from a place that is none', async () => {
    const made = stage()
    const { body } = await background(made)
    for (const query of ['?after=-1', '?after=x', '?after=1.5'])
      expect((await made.send('GET', `/api/v1/runs/${body.id}/events${query}`)).status).toBe(400)
  })
})

describe('a request with an idempotency key', () => {
  const key = { 'idempotency-key': 'abc' }

  test('is run once, whatever form asks for it again', async () => {
    const made = stage()
    const ask = async (more: object = {}) =>
      await made.send('POST', '/api/v1/prompt', { prompt: 'go', ...more }, key)
    const both = await Promise.all([ask(), ask()])
    both.push(await ask())
    for (const { status, body } of both) {
      expect(status).toBe(200)
      expect(body).toMatchObject({ id: both[0]?.body.id, output: 'one two' })
    }
    expect(made.fake.prompts).toHaveLength(1)
  })

  test('tells the same events again, byte for byte', async () => {
    const made = stage()
    const ask = () => made.send('POST', '/api/v1/prompt', { prompt: 'go', stream: true }, key)
    const first = await ask()
    expect((await ask()).text).toBe(first.text)
    expect(made.fake.prompts).toHaveLength(1)
  })

  test('is a conflict with another body, and another caller’s is its own', async () => {
    const made = stage()
    await made.send('POST', '/api/v1/prompt', { prompt: 'go' }, key)
    const { status, body } = await made.send('POST', '/api/v1/prompt', { prompt: 'else' }, key)
    expect([status, body]).toMatchObject([409, { code: 'idempotency_conflict' }])
    expect(
      (await made.send('POST', '/api/v1/prompt', { prompt: 'else' }, { ...key, 'x-api-key': 'other' }))
        .status,
    ).toBe(200)
  })

  test('is answered from the run that failed, and not from one whose session was deleted', async () => {
    const made = stage()
    const { body } = await made.send(
      'POST',
      '/api/v1/prompt',
      { prompt: 'go' },
      { 'idempotency-key': 'gone' },
    )
    const next = { prompt: 'go', session_id: body.session_id }
    const { body: second } = await made.send('POST', '/api/v1/prompt', next, key)
    made.fake.kill()
    expect((await made.send('POST', '/api/v1/prompt', next, key)).body).toMatchObject({ id: second.id })
    await made.send('DELETE', `/api/v1/sessions/${body.session_id}`)
    expect((await made.send('POST', '/api/v1/prompt', next, key)).status).toBe(404)
    made.fake.steps = () => [{ type: 'init' }, new Error('broken')]
    const fail = () => made.send('POST', '/api/v1/prompt', { prompt: 'x' }, { 'idempotency-key': 'bad' })
    const { status, body: told } = await fail()
    expect(status).toBeGreaterThanOrEqual(500)
    expect(await fail()).toMatchObject({ status, body: { code: told.code } })
    expect(made.fake.prompts).toHaveLength(3)
  })

  test.each(['', 'with space', 'x'.repeat(256)])('is refused where the key is none: %j', async (bad) => {
    const { send } = stage()
    expect((await send('POST', '/api/v1/prompt', { prompt: 'x' }, { 'idempotency-key': bad })).status).toBe(
      400,
    )
  })
})

describe('what is told of a run that failed', () => {
  test('names it, and its session', async () => {
    const made = stage()
    made.fake.steps = () => [new Error('broken')]
    for (const more of [{}, { stream: true }]) {
      const response = await made.app.handle(
        new Request('http://localhost/api/v1/prompt', {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'idempotency-key': JSON.stringify(more) },
          body: JSON.stringify({ prompt: 'go', ...more }),
        }),
      )
      const body = (await response.json()) as Record<string, unknown>
      expect(response.headers.get('x-clinvk-run')).toBe(String(body['run_id']))
      expect((await made.send('GET', `/api/v1/runs/${body['run_id']}`)).body).toMatchObject({
        status: 'failed',
        session_id: body['session_id'],
      })
    }
  })

  test('says with an idempotency key that it was told before, and that it is in vain to try again', async () => {
    const made = stage()
    const key = { 'idempotency-key': 'bad' }
    made.fake.steps = () => [
      { type: 'init' },
      new ClinvkError('upstream_overloaded', 'Busy.', { retryAfterMs: 5 }),
    ]
    const ask = () => made.send('POST', '/api/v1/prompt', { prompt: 'go' }, key)
    expect((await ask()).body).toMatchObject({ retryable: true })
    const { body } = await ask()
    expect(body).toMatchObject({ code: 'upstream_overloaded', retryable: false, idempotency_replayed: true })
    expect(body).not.toHaveProperty('retry_after_ms')
    expect(made.fake.prompts).toHaveLength(1)
  })
})

describe('the events of a run that is over', () => {
  test('are no more for an EventSource that has them all', async () => {
    const made = stage()
    for (const text of ['go', 'hang']) {
      const { body } = await background(made, { prompt: text })
      if (text === 'hang') await made.send('POST', `/api/v1/runs/${body.id}/cancel`)
      const last = (await made.events(body.id)).at(-1)?.sequence ?? 0
      const ask = (after: number) => made.send('GET', `/api/v1/runs/${body.id}/events?after=${after}`)
      expect((await ask(last - 1)).status).toBe(200)
      expect(await ask(last)).toMatchObject({ status: 204, text: '' })
    }
  })
})

describe('the runs of a session that is deleted', () => {
  test('are gone with it, those that are over and those that go on', async () => {
    const made = stage()
    const { body: first } = await made.send('POST', '/api/v1/prompt', { prompt: 'go' })
    const { session_id: session, id } = first
    const { body: hanging } = await background(made, { prompt: 'hang', session_id: session })
    while (made.fake.prompts.length < 2) await Bun.sleep(1)
    await made.send('DELETE', `/api/v1/sessions/${session}`)
    while ((await made.send('GET', `/api/v1/runs/${hanging.id}`)).status !== 404) await Bun.sleep(5)
    expect((await made.send('GET', `/api/v1/runs/${id}`)).status).toBe(404)
    expect((await made.send('GET', '/api/v1/runs')).body.total).toBe(0)
    expect(made.fake.log.filter((line) => line.startsWith('interrupt'))).toHaveLength(1)
  })
})

describe('several prompts as a run', () => {
  const bodies = {
    parallel: { tasks: [{ prompt: 'go' }, { prompt: 'go', name: 'b' }] },
    chain: { steps: [{ prompt: 'go' }, { prompt: 'again: {{previous}}' }] },
    compare: { prompt: 'go', backends: ['fake'] },
  }
  const hanging = {
    parallel: { tasks: [{ prompt: 'hang' }, { prompt: 'hang' }] },
    chain: { steps: [{ prompt: 'hang' }, { prompt: 'again: {{previous}}' }] },
    compare: { prompt: 'hang', backends: ['fake'] },
  }

  for (const kind of ['parallel', 'chain', 'compare'] as const) {
    test(`${kind} goes on in the background, and tells the same as in one answer`, async () => {
      const made = stage()
      const { body: answer } = await made.send('POST', `/api/v1/${kind}`, bodies[kind])
      const { status, body } = await made.send('POST', `/api/v1/${kind}`, {
        ...bodies[kind],
        background: true,
      })
      expect([status, body.kind, body.status]).toEqual([202, kind, 'running'])
      const told = await made.events(body.id)
      expect(told.map(({ sequence }) => sequence)).toEqual(told.map((_, index) => index + 1))
      const rest = await made.events(body.id, `?after=${told.length - 2}`)
      expect(rest).toEqual(told.slice(-2))
      const { body: run } = await made.send('GET', `/api/v1/runs/${body.id}`)
      expect([...Value.Errors(Run, run)]).toEqual([])
      expect(run.result).toEqual(told.at(-1)?.content)
      const texts = (whole: { results: { response: string }[] }) =>
        whole.results.map(({ response }) => response)
      expect(texts(run.result)).toEqual(texts(answer))
      const [{ run_id: task }] = run.result.results
      expect((await made.send('GET', `/api/v1/runs/${task}`)).body).toMatchObject({
        kind: 'task',
        run_id: body.id,
        status: 'completed',
      })
      expect((await made.send('GET', `/api/v1/runs/${task}/events`)).body.detail).toContain(body.id)
    })

    test(`${kind} is cancelled as a whole`, async () => {
      const made = stage()
      const { body } = await made.send('POST', `/api/v1/${kind}`, { ...hanging[kind], background: true })
      while (made.fake.prompts.length === 0) await Bun.sleep(1)
      const { body: run } = await made.send('POST', `/api/v1/runs/${body.id}/cancel`)
      expect(run.status).toBe('cancelled')
      expect((await made.events(body.id)).at(-1)).toMatchObject({
        type: 'error',
        content: { code: 'cancelled' },
      })
      const { body: tasks } = await made.send('GET', '/api/v1/runs?kind=task')
      for (const task of tasks.runs) expect(task.status).toBe('cancelled')
      expect(made.fake.log.filter((line) => line.startsWith('interrupt'))).toHaveLength(
        made.fake.prompts.length,
      )
    })

    test(`${kind} is run once for an idempotency key`, async () => {
      const made = stage()
      const key = { 'idempotency-key': 'k' }
      const { body: first } = await made.send('POST', `/api/v1/${kind}`, bodies[kind], key)
      const prompts = made.fake.prompts.length
      expect((await made.send('POST', `/api/v1/${kind}`, bodies[kind], key)).body).toEqual(first)
      expect(made.fake.prompts).toHaveLength(prompts)
      expect((await made.send('POST', `/api/v1/${kind}`, hanging[kind], key)).status).toBe(409)
    })
  }

  test('goes on where one task is cancelled alone', async () => {
    const made = stage()
    const { body } = await made.send('POST', '/api/v1/parallel', { ...hanging.parallel, background: true })
    while (made.fake.prompts.length < 2) await Bun.sleep(1)
    const { body: tasks } = await made.send('GET', '/api/v1/runs?kind=task')
    const [one, other] = tasks.runs
    expect((await made.send('POST', `/api/v1/runs/${one.id}/cancel`)).body.status).toBe('cancelled')
    for (const { id } of [body, other])
      expect((await made.send('GET', `/api/v1/runs/${id}`)).body.status).toBe('running')
    await made.send('POST', `/api/v1/runs/${other.id}/cancel`)
    expect((await made.events(body.id)).at(-1)).toMatchObject({ type: 'done', content: { cancelled: 2 } })
  })

  test('is refused in the background as it would be else', async () => {
    const { send } = stage()
    const tasks = [{ prompt: 'go' }, { prompt: 'go', backend: 'nope' }]
    expect((await send('POST', '/api/v1/parallel', { tasks, background: true })).status).toBe(404)
    expect((await send('GET', '/api/v1/runs')).body.total).toBe(0)
    const alone = [{ prompt: 'go', background: true }]
    expect((await send('POST', '/api/v1/parallel', { tasks: alone })).status).toBe(400)
  })
})

describe('a chat', () => {
  const chat = { model: 'fake', messages: [{ role: 'user', content: 'go' }] }

  test('is noted as a run, without what was said', async () => {
    const made = stage()
    expect((await made.send('POST', '/openai/v1/chat/completions', chat)).status).toBe(200)
    const { body } = await made.send('GET', '/api/v1/runs')
    expect(body.runs).toMatchObject([{ kind: 'chat', status: 'completed', backend: 'fake', event_count: 0 }])
    expect(JSON.stringify(body)).not.toContain('go')
    const { status } = await made.send('GET', `/api/v1/runs/${body.runs[0].id}/events`)
    expect(status).toBe(404)
  })

  test('can be cancelled', async () => {
    const made = stage()
    const asking = made.send('POST', '/openai/v1/chat/completions', {
      ...chat,
      messages: [{ role: 'user', content: 'hang' }],
    })
    while (made.fake.prompts.length === 0) await Bun.sleep(1)
    const { body } = await made.send('GET', '/api/v1/runs?status=running')
    await made.send('POST', `/api/v1/runs/${body.runs[0].id}/cancel`)
    expect((await asking).status).toBeGreaterThanOrEqual(400)
    expect((await made.send('GET', `/api/v1/runs/${body.runs[0].id}`)).body.status).toBe('cancelled')
  })
})

describe('a chat with an idempotency key', () => {
  const key = { 'idempotency-key': 'k' }
  const ask = (text: string) => ({ model: 'fake', messages: [{ role: 'user', content: text }] })
  const messages = (text: string) => ({ ...ask(text), max_tokens: 100 })

  for (const [path, body] of [
    ['/openai/v1/chat/completions', ask],
    ['/openai/v1/responses', (text: string) => ({ model: 'fake', input: text })],
    ['/anthropic/v1/messages', messages],
  ] as const) {
    test(`is run once at ${path}, and a conflict with another body`, async () => {
      const made = stage()
      const both = await Promise.all([1, 2].map(() => made.send('POST', path, body('go'), key)))
      both.push(await made.send('POST', path, body('go'), key))
      for (const { status, text } of both)
        expect([status, text]).toEqual([200, expect.stringContaining('one two')])
      const streamed = await made.send('POST', path, { ...body('go'), stream: true }, key)
      expect(streamed.text).toContain('two')
      expect(made.fake.prompts).toHaveLength(1)
      expect((await made.send('POST', path, body('other'), key)).status).toBe(409)
      expect((await made.send('GET', '/api/v1/runs')).body.total).toBe(1)
    })
  }

  test('is run once in the background as well', async () => {
    const made = stage()
    const body = { model: 'fake', input: 'go', background: true }
    const ask = () => made.send('POST', '/openai/v1/responses', body, key)
    const [one, other] = await Promise.all([ask(), ask()])
    const follow = `/openai/v1/responses/${one?.body.id}?stream=true`
    expect((await made.send('GET', follow)).text).toContain('one two')
    for (const { status, body: answer } of [one, other, await ask()])
      expect([status, answer.id]).toEqual([200, one?.body.id])
    expect((await ask()).body.status).toBe('completed')
    expect((await made.send('POST', '/openai/v1/responses', { ...body, stream: true }, key)).text).toContain(
      'two',
    )
    expect(made.fake.prompts).toHaveLength(1)
    expect((await made.send('POST', '/openai/v1/responses', { ...body, input: 'x' }, key)).status).toBe(409)
  })

  test('goes on when its client leaves, which then finds it', async () => {
    const made = stage()
    const client = new AbortController()
    const leaving = made.app.handle(
      new Request('http://localhost/openai/v1/chat/completions', {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...key },
        body: JSON.stringify(ask('go')),
        signal: client.signal,
      }),
    )
    while (made.fake.prompts.length === 0) await Bun.sleep(1)
    client.abort()
    await leaving.catch(() => {})
    const { status, body } = await made.send('POST', '/openai/v1/chat/completions', ask('go'), key)
    expect([status, body.choices?.[0].message.content]).toEqual([200, 'one two'])
    expect(made.fake.prompts).toHaveLength(1)
  })
})

describe('an ephemeral prompt', () => {
  test('keeps no text', async () => {
    const made = stage()
    const { body } = await made.send('POST', '/api/v1/prompt', { prompt: 'go', ephemeral: true })
    const { body: run } = await made.send('GET', `/api/v1/runs/${body.id}`)
    expect(run).toMatchObject({ status: 'completed', event_count: 0 })
    expect(JSON.stringify(run)).not.toMatch(/go|one two/)
    expect((await made.send('GET', `/api/v1/runs/${body.id}/events`)).status).toBe(404)
  })

  test('is told all the same to who asks for it in the background', async () => {
    const made = stage()
    const { body } = await background(made, { ephemeral: true })
    expect((await made.events(body.id)).at(-1)?.type).toBe('done')
    expect((await made.send('GET', `/api/v1/runs/${body.id}`)).body.result.output).toBe('one two')
  })
})

test.each([{ stream: true }, { output_format: 'stream-json' }, { on_disconnect: 'cancel' }])(
  'the background does not go together with %j',
  async (more) => {
    const { status, body } = await background(stage(), more)
    expect(status).toBe(400)
    expect(body.detail).toContain(Object.keys(more)[0])
  },
)

describe('a client that leaves before it has read anything', () => {
  for (const [path, body] of [
    ['/api/v1/prompt', { prompt: 'hang' }],
    ['/api/v1/parallel', { tasks: [{ prompt: 'hang' }] }],
    ['/api/v1/chain', { steps: [{ prompt: 'hang' }] }],
    ['/api/v1/compare', { prompt: 'hang', backends: ['fake'] }],
  ] as const)
    for (const form of [{}, { stream: true }, { output_format: 'stream-json' }])
      test(`leaves no run of ${path} with ${JSON.stringify(form)} behind`, async () => {
        const made = stage()
        const leave = async (after: number) => {
          const client = new AbortController()
          const asking = made.app.handle(
            new Request(`http://localhost${path}`, {
              method: 'POST',
              headers: { 'content-type': 'application/json' },
              body: JSON.stringify({ ...body, ...form }),
              signal: client.signal,
            }),
          )
          for (let turn = 0; turn < after; turn += 1) await Promise.resolve()
          client.abort()
          await asking.then(
            (response) => response.body?.cancel(),
            () => {},
          )
        }
        for (let after = 0; after < 60; after += 4) await leave(after)
        const running = async () => (await made.send('GET', '/api/v1/runs?status=running')).body.total
        while ((await running()) > 0) await Bun.sleep(5)
        expect(await running()).toBe(0)
      })
})
