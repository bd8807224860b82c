import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { ClinvkError } from '../../../src/errors.ts'
import { CompareEvent, CompareResponse } from '../../../src/server/rest/compare/schema.ts'
import { json } from '../../support/events.ts'
import { createFakeDriver } from '../../support/fake-driver.ts'
import { createTestEngine } from '../../support/test-engine.ts'
import { answer, eventsOf, fakeEngine, postTo, type Script, testApp } from '../support.ts'

const scripted: Script = ({ backend }) => {
  if (backend !== 'broken') return answer(`by ${backend}`)
  return (async function* () {
    yield { type: 'init' } as const
    throw new ClinvkError('agent_crashed', 'broken: ended')
  })()
}
const stage = (script = scripted) => {
  const app = testApp({ engine: fakeEngine(script) })
  return { ...app, send: (body: unknown) => app.post('/api/v1/compare', body) }
}

describe('a comparison', () => {
  test('has the answer of each backend with its model, tokens, cost and time, or its error', async () => {
    const { send, engine } = stage()
    const response = await send({
      prompt: 'q',
      backends: ['one', 'broken', 'two'],
      model: 'fast',
      max_turns: 2,
    })
    expect(response.status).toBe(200)
    const body = await json(response)
    expect([...Value.Errors(CompareResponse, body)]).toEqual([])
    const numbers = {
      model: 'model-1',
      token_usage: { input_tokens: 10, output_tokens: 2 },
      cost_usd: 0.25,
      duration_ms: expect.any(Number),
    }
    expect(body).toMatchObject({
      prompt: 'q',
      backends: ['one', 'broken', 'two'],
      total_duration_ms: expect.any(Number),
      results: [
        { backend: 'one', status: 'completed', response: 'by one', output: 'by one', ...numbers },
        { backend: 'broken', status: 'failed', error: { code: 'agent_crashed' } },
        { backend: 'two', status: 'completed', response: 'by two', output: 'by two', ...numbers },
      ],
    })
    expect(engine.requests.every(({ model, maxTurns }) => model === 'fast' && maxTurns === 2)).toBe(true)
  })

  const ways: [sequential: boolean, most: number][] = [
    [true, 1],
    [false, 4],
  ]
  test.each(ways)('with sequential %p runs so many at a time: %i', async (sequential, expected) => {
    let now = 0
    let most = 0
    const { send } = stage(async function* () {
      now += 1
      most = Math.max(most, now)
      yield { type: 'init' }
      await Bun.sleep(2)
      now -= 1
      yield* answer('x').slice(1)
    })
    await send({ prompt: 'q', backends: ['a', 'b', 'c', 'd'], sequential })
    expect(most).toBe(expected)
  })

  test('only says what would be run with dry_run', async () => {
    const { send, engine } = stage()
    const body = await json(await send({ prompt: 'q', backends: ['a', 'b'], dry_run: true }))
    expect(body).toMatchObject({
      dry_run: true,
      results: [{ backend: 'a', dry_run: true }, { backend: 'b' }],
    })
    expect(engine.taken()).toBe(0)
  })

  test('streams events that name their backend, and the answer at the end', async () => {
    for (const form of [{ stream: true }, { output_format: 'stream-json' }]) {
      const response = await stage().send({
        prompt: 'q',
        backends: ['one', 'broken'],
        sequential: true,
        ...form,
      })
      const events = eventsOf(await response.text()) as (ReturnType<typeof eventsOf>[number] & {
        backend?: string
      })[]
      for (const event of events) expect([...Value.Errors(CompareEvent, event)]).toEqual([])
      expect(events.map(({ type, backend, sequence }) => [sequence, type, backend])).toEqual([
        [1, 'init', 'one'],
        [2, 'message', 'one'],
        [3, 'done', 'one'],
        [4, 'init', 'broken'],
        [5, 'error', 'broken'],
        [6, 'done', undefined],
      ])
      expect(events.at(-1)?.content).toMatchObject({
        results: [{ response: 'by one' }, { status: 'failed' }],
      })
    }
  })

  const mistakes: [body: object, status: number, paths: string[]][] = [
    [{ backends: ['one'] }, 400, ['prompt']],
    [{ prompt: 'q' }, 400, ['backends']],
    [{ prompt: 'q', backends: [] }, 400, ['backends']],
    [{ prompt: 'q', backends: Array.from({ length: 21 }, (_, n) => `b${n}`) }, 400, ['backends']],
    [{ prompt: 'q', backends: ['one', 'two', 'one'] }, 400, ['backends[2]']],
    [{ prompt: 'q', backends: ['one', 'tow'] }, 404, ['backends[1]']],
    [{ prompt: 'q', backends: ['one', 'two'], max_turns: 2 }, 400, ['max_turns']],
    [{ prompt: 'q', backends: ['one'], session_id: 'ses_1' }, 400, ['session_id']],
    [{ prompt: 'q', backends: ['one'], workdir: 'relative' }, 400, ['workdir']],
  ]
  test.each(mistakes)('is refused before anything runs: %j', async (body, status, paths) => {
    const drivers = [createFakeDriver('one'), createFakeDriver('two', { maxTurns: 'none' })]
    const engine = createTestEngine(drivers)
    const response = await postTo(engine, '/api/v1/compare', body)
    const problem = await json(response)
    expect([response.status, problem.errors?.map(({ path }: { path: string }) => path)]).toEqual([
      status,
      paths,
    ])
    expect(drivers.flatMap(({ opened }) => opened)).toEqual([])
    await engine.close()
  })
})
