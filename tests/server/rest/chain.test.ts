import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { ClinvkError } from '../../../src/errors.ts'
import { ChainEvent, ChainResponse } from '../../../src/server/rest/chain/schema.ts'
import { json } from '../../support/events.ts'
import { createFakeDriver } from '../../support/fake-driver.ts'
import { createTestEngine } from '../../support/test-engine.ts'
import { answer, eventsOf, fakeEngine, postTo, type Script, testApp } from '../support.ts'

/** Answers `<PROMPT>`; `fail` fails after it has said something. */
const scripted: Script = ({ parts }) => {
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
  if (text !== 'fail') return answer(`<${text}>`)
  return (async function* () {
    yield { type: 'text', text: 'SECRET' } as const
    throw new ClinvkError('agent_failed', 'No.')
  })()
}
const stage = () => {
  const app = testApp({ engine: fakeEngine(scripted) })
  return { ...app, send: (body: unknown) => app.post('/api/v1/chain', body) }
}

describe('a chain', () => {
  test('gives every step what those before answered', async () => {
    const body = await json(
      await stage().send({
        input: 'I',
        steps: [
          { prompt: '{{input}}', name: 'draft', backend: 'claude' },
          { prompt: '{{previous}} {{steps.draft.output}}', backend: 'codex', metadata: { a: 1 } },
        ],
      }),
    )
    expect([...Value.Errors(ChainResponse, body)]).toEqual([])
    expect(body).toMatchObject({
      total_steps: 2,
      completed_steps: 2,
      failed_step: null,
      total_duration_ms: expect.any(Number),
      results: [
        { index: 0, name: 'draft', status: 'completed', backend: 'claude', response: '<I>', output: '<I>' },
        { index: 1, status: 'completed', backend: 'codex', response: '<<I> <I>>', metadata: { a: 1 } },
      ],
    })
  })

  test('stops by default at a step that fails, and is a 200', async () => {
    const response = await stage().send({ steps: [{ prompt: 'a' }, { prompt: 'fail' }, { prompt: 'c' }] })
    expect(response.status).toBe(200)
    const body = await json(response)
    expect([...Value.Errors(ChainResponse, body)]).toEqual([])
    expect(body).toMatchObject({
      total_steps: 3,
      completed_steps: 1,
      failed_step: 1,
      results: [
        { status: 'completed' },
        { status: 'failed', error: { code: 'agent_failed', status: 502 } },
        { status: 'cancelled', error: { code: 'cancelled' } },
      ],
    })
  })

  test('goes on without stop_on_failure, but never with what a failed step said', async () => {
    const { send, engine } = stage()
    const steps = [{ prompt: 'fail', name: 'f' }, { prompt: '{{previous}}' }, { prompt: 'c' }]
    const body = await json(await send({ steps, stop_on_failure: false }))
    expect(body).toMatchObject({ completed_steps: 1, failed_step: 0 })
    expect(body.results[1]).toMatchObject({
      status: 'cancelled',
      error: { detail: 'Skipped: it refers to step 0, which was not completed.' },
    })
    expect(JSON.stringify([body, engine.requests])).not.toContain('SECRET')
  })

  test('passes its session and folder on where that is asked for', async () => {
    const driver = createFakeDriver('fake')
    const engine = createTestEngine([driver])
    const steps = [{ prompt: 'a', workdir: '/var' }, { prompt: 'b' }]
    const send = async (more: object) =>
      (await json(await postTo(engine, '/api/v1/chain', { steps, ...more }))).results
    const [a, b] = await send({ pass_session: true, pass_working_dir: true })
    expect(b.session_id).toBe(a.session_id)
    const [c, d] = await send({ pass_session: true })
    expect(d.session_id).not.toBe(c.session_id)
    await engine.close()
  })

  test('only says what would be run with dry_run', async () => {
    const { send, engine } = stage()
    const body = await json(
      await send({ steps: [{ prompt: 'a' }, { prompt: '{{previous}}' }], dry_run: true }),
    )
    expect(body).toMatchObject({
      dry_run: true,
      total_steps: 2,
      failed_step: null,
      results: [{ dry_run: true }, {}],
    })
    expect(engine.taken()).toBe(0)
  })

  test('streams events that name their step, and the answer at the end', async () => {
    for (const form of [{ stream: true }, { output_format: 'stream-json' }]) {
      const response = await stage().send({
        steps: [{ prompt: 'a', name: 'n' }, { prompt: 'fail' }, { prompt: 'c' }],
        ...form,
      })
      const events = eventsOf(await response.text()) as (ReturnType<typeof eventsOf>[number] & {
        step?: number
        name?: string
      })[]
      for (const event of events) expect([...Value.Errors(ChainEvent, event)]).toEqual([])
      expect(events.map(({ type, step, name, sequence }) => [sequence, type, step, name])).toEqual([
        [1, 'init', 0, 'n'],
        [2, 'message', 0, 'n'],
        [3, 'done', 0, 'n'],
        [4, 'message', 1, undefined],
        [5, 'error', 1, undefined],
        [6, 'error', 2, undefined],
        [7, 'done', undefined, undefined],
      ])
      expect(events.at(-1)?.content).toMatchObject({ completed_steps: 1, failed_step: 1 })
    }
  })
})

describe('a chain is refused before anything runs', () => {
  const good = { prompt: 'a' }
  const mistakes: [body: object, paths: string[]][] = [
    [{ steps: [] }, ['steps']],
    [{ steps: Array.from({ length: 51 }, () => good) }, ['steps']],
    [{ steps: [good, { prompt: 'b', nam: 'x' }] }, ['steps[1].nam']],
    [{ steps: [good, { prompt: '{{nothing}}' }] }, ['steps[1].prompt']],
    [{ steps: [{ prompt: '{{steps.x.output}}' }, { prompt: 'b', name: 'x' }] }, ['steps[0].prompt']],
    [
      {
        steps: [
          { prompt: 'a', name: 'x' },
          { prompt: 'b', name: 'x' },
        ],
      },
      ['steps[1].name'],
    ],
    [{ steps: [good], input: 'unused' }, ['input']],
    [
      { steps: [good, { prompt: 'b', images: [{ media_type: 'image/png', data: '!' }] }] },
      ['steps[1].images[0].data'],
    ],
    [{ steps: [good, { prompt: 'b', workdir: '/nowhere' }] }, ['steps[1].workdir']],
  ]
  test.each(mistakes)('%j', async (body, paths) => {
    const driver = createFakeDriver()
    const engine = createTestEngine([driver])
    const response = await postTo(engine, '/api/v1/chain', body)
    const problem = await json(response)
    expect([response.status, problem.errors?.map(({ path }: { path: string }) => path)]).toEqual([400, paths])
    expect(driver.opened).toEqual([])
    await engine.close()
  })
})
