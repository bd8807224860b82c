import { afterEach, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { wasNotRun } from '../../src/engine/not-run.ts'
import { ClinvkError } from '../../src/errors.ts'
import { waitUntil } from '../support/processes.ts'
import { ask, failure, initOf, never, positions, run, stage, strike, told } from './queue-stage.ts'

afterEach(strike)

describe('turns', () => {
  test('wait for a backend that has no place, in their order, and tell how many are ahead before they begin', async () => {
    const { engine, prompts, begin, release } = stage()
    const one = await begin('one')
    const two = await begin('two')
    const three = await begin('three')
    expect(prompts).toEqual(['one'])
    for (const text of ['one', 'two', 'three']) release(text)
    const [first, second, third] = await Promise.all([one.events, two.events, three.events])
    expect(prompts).toEqual(['one', 'two', 'three'])
    expect(positions(first)).toEqual([])
    expect(second.slice(0, 2)).toMatchObject([
      { type: 'progress', message: 'Waiting for fake: this prompt is the next.' },
      { type: 'init', start: 'cold', waitedMs: expect.any(Number) },
    ])
    expect(third[0]).toMatchObject({ message: 'Waiting for fake: 1 prompt is ahead.' })
    expect(positions(third)).toEqual(told(1, 0))
    expect(engine.pool().queue).toMatchObject({ running: { fake: 0 }, waiting: { fake: 0 } })
  })

  test('of different callers take turns', async () => {
    const { prompts, begin, release } = stage()
    const all = [await begin('x', { caller: 'many' })]
    for (const text of ['m1', 'm2', 'm3']) all.push(await begin(text, { caller: 'many' }))
    all.push(await begin('few', { caller: 'few' }))
    for (const text of ['x', 'm1', 'm2', 'm3', 'few']) release(text)
    await Promise.all(all.map(({ events }) => events))
    expect(prompts).toEqual(['x', 'm1', 'few', 'm2', 'm3'])
  })

  test('wait for no other backend', async () => {
    const { prompts, begin, release } = stage({ drivers: ['fake', 'other'] })
    await begin('one')
    await begin('two')
    const other = await begin('three', { backend: 'other' })
    release('three')
    expect(positions(await other.events)).toEqual([])
    expect(prompts).toEqual(['one', 'three'])
  })

  test('wait for the session first, and have no place meanwhile', async () => {
    const { engine, begin, release, prompts } = stage({ capacity: 2 })
    const turn = await engine.start(ask('one'), never)
    const one = Array.fromAsync(turn.events)
    await waitUntil(() => prompts.length === 1)
    const again = run(engine, ask('again', { sessionId: turn.sessionId }))
    const other = await begin('other')
    release('other')
    expect(positions(await other.events)).toEqual([])
    release('one')
    release('again')
    await one
    expect(positions(await again.events)).toEqual([])
    expect(prompts).toEqual(['one', 'other', 'again'])
  })

  test('are not held up by a reader that does not look at its position', async () => {
    const { engine, begin, release, waits } = stage()
    const one = await begin('one')
    const slow = await engine.start(ask('slow'), never)
    await slow.events.next()
    const three = await begin('three', { caller: 'other' })
    release('one')
    await one.events
    await waits(1)
    await slow.events.return()
    release('three')
    expect(positions(await three.events)).toEqual(told(1, 0))
  })

  test('have no time limit while they wait', async () => {
    const { fake, begin } = stage({ limits: { silenceMs: 100, totalMs: 200 } })
    const usual = fake.steps
    // A tool that runs is no silence, so this one waits for the limit of all.
    fake.steps = (input) =>
      fake.prompts.length === 1
        ? [...usual(input).slice(0, 1), { type: 'tool_use', id: 't', name: 't', input: {} }, 'hang']
        : usual(input).filter((step) => typeof step !== 'object' || !('after' in step))
    const long = await begin('long')
    const waiting = await begin('waiting')
    expect(await failure(long.events)).toMatchObject({ code: 'timeout' })
    expect((await waiting.events).at(-1)).toMatchObject({ type: 'done' })
  })
})

describe('too many turns', () => {
  test('are refused before there is anything of them', async () => {
    const { engine, begin, release, store } = stage({ queue: { waiting: 1 } })
    const one = await begin('one')
    const two = await begin('two')
    const refused = await failure(engine.start(ask('three'), never))
    expect(refused).toMatchObject({ code: 'queue_full', status: 429, details: { backend: 'fake' } })
    expect(store.list({ limit: 9 }).sessions).toHaveLength(2)
    release('one')
    release('two')
    await Promise.all([one.events, two.events])
  })

  test('are refused and leave nothing where they came together', async () => {
    const { engine, fake, release, store } = stage({ queue: { waiting: 0 } })
    release('one')
    const turns = await Promise.all([ask('one'), ask('one')].map((request) => engine.start(request, never)))
    const ends = await Promise.allSettled(turns.map(({ events }) => Array.fromAsync(events)))
    const [refused] = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []))
    expect(refused).toMatchObject({ code: 'queue_full' })
    expect(wasNotRun(refused)).toBe(true)
    expect(fake.prompts).toHaveLength(1)
    expect(store.list({ limit: 9 }).sessions).toHaveLength(1)
  })

  test('are told the end of the server where they wait', async () => {
    const { engine, begin, prompts, store } = stage()
    await begin('one')
    const two = await begin('two')
    const kept = () => store.list({ limit: 9 }).sessions.length
    expect(kept()).toBe(2)
    const ended = failure(two.events)
    void engine.close()
    const error = await ended
    expect(error).toMatchObject({ code: 'shutting_down', status: 503, retryable: true })
    expect(wasNotRun(error)).toBe(true)
    expect(prompts).toEqual(['one'])
    expect(await failure(engine.start(ask('three'), never))).toMatchObject({ code: 'shutting_down' })
  })
})

describe('a turn that leaves the queue', () => {
  test('was not run: its session keeps its agent, and no turn is kept of it', async () => {
    const { engine, fake, begin, release, store } = stage()
    release('one')
    const one = await engine.start(ask('one'), never)
    await Array.fromAsync(one.events)
    const busy = await begin('busy')
    const own = new AbortController()
    const turn = await engine.start(
      ask('two', { sessionId: one.sessionId, model: 'other', ephemeral: false }),
      own.signal,
    )
    expect(await turn.events.next()).toMatchObject({ value: { type: 'progress' } })
    own.abort(new ClinvkError('cancelled', 'The client left.'))
    const error = await failure(turn.events.next())
    expect(error).toMatchObject({ code: 'cancelled', message: 'The client left.' })
    expect(wasNotRun(error)).toBe(true)
    release('busy')
    await busy.events
    expect(store.turns(one.sessionId).map(({ prompt }) => prompt)).toEqual(['one'])
    release('three')
    const three = await run(engine, ask('three', { sessionId: one.sessionId })).events
    expect(initOf(three)).toMatchObject({ start: 'warm', waitedMs: expect.any(Number) })
    expect(fake.opened).toHaveLength(2)
  })

  test('leaves no session and no folder behind where it was to begin one', async () => {
    const { engine, begin, release, store } = stage()
    const busy = await begin('busy')
    const turn = await engine.start(ask('two', { scratch: true }), never)
    await turn.events.next()
    const workdir = store.get(turn.sessionId)?.workdir ?? ''
    expect(existsSync(workdir)).toBe(true)
    await turn.events.return()
    expect(store.get(turn.sessionId)).toBeUndefined()
    expect(existsSync(workdir)).toBe(false)
    release('busy')
    await busy.events
  })

  test('may be one whose session is deleted', async () => {
    const { engine, begin, release } = stage()
    const busy = await begin('busy')
    const turn = await engine.start(ask('two'), never)
    await turn.events.next()
    await engine.sessions.remove(turn.sessionId)
    expect(await failure(turn.events.next())).toMatchObject({ code: 'cancelled' })
    release('busy')
    await busy.events
  })

  test('counts as one that was run once it has its place', async () => {
    const { fake, engine } = stage()
    fake.steps = () => [{ type: 'init' }, new ClinvkError('agent_failed', 'No.')]
    expect(wasNotRun(await failure(run(engine, ask('one')).events))).toBe(false)
  })
})

describe('what a turn began on', () => {
  test.each([
    [undefined, 'cold'],
    ['cold', 'cold'],
    ['spare', 'spare'],
  ] as const)('is what its session tells of its process (%p), and warm from then on', async (start, told) => {
    const { engine, fake, release } = stage()
    fake.processStart = start
    release('one')
    release('two')
    const turn = await engine.start(ask('one'), never)
    expect(initOf(await Array.fromAsync(turn.events))).toMatchObject({
      start: told,
      waitedMs: expect.any(Number),
    })
    const { sessionId } = turn
    expect(initOf(await run(engine, ask('two', { sessionId })).events)).toMatchObject({ start: 'warm' })
  })
})
