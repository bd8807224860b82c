import { afterEach, describe, expect, test } from 'bun:test'
import type { HistoryMessage } from '../../src/agents/messages.ts'
import type { TurnEvent } from '../../src/agents/types.ts'
import { wasNotRun } from '../../src/engine/not-run.ts'
import { shuttingDown } from '../../src/errors.ts'
import { settle } from '../agents/pool/support.ts'
import { waitUntil } from '../support/processes.ts'
import { ask, failure, never, run, stage, strike } from './queue-stage.ts'

afterEach(strike)

const LONG_MS = 180_000
const leaving = shuttingDown(7000)
const TOLD = { code: 'shutting_down', status: 503, retryable: true, retryAfterMs: 7000 }

/** What has become of a promise by now. */
async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'over'> {
  await Bun.sleep(5)
  return await Promise.race([
    promise.then(() => 'over' as const),
    Bun.sleep(0).then(() => 'pending' as const),
  ])
}

describe('an engine that drains', () => {
  test('lets what runs end by itself, and takes nothing more meanwhile', async () => {
    const { engine, begin, release, fake } = stage({ capacity: 2 })
    const one = await begin('one')
    const drained = engine.drain(LONG_MS, leaving)
    expect(await failure(engine.start(ask('two'), never))).toMatchObject(TOLD)
    expect(await stateOf(drained)).toBe('pending')
    release('one')
    await drained
    expect((await one.events).at(-1)).toMatchObject({ type: 'done', stopReason: 'end_turn' })
    expect(fake.prompts).toHaveLength(1)
  })

  test('is done at once where nothing runs', async () => {
    const { engine } = stage()
    await engine.drain(LONG_MS)
  })

  test('stops waiting after its time, and what still runs is ended by the close', async () => {
    const { engine, begin, fake } = stage()
    const one = await begin('one')
    await engine.drain(20)
    expect(fake.log).toEqual([])
    const ended = failure(one.events)
    await engine.close()
    expect(await ended).toMatchObject({ code: 'shutting_down' })
    expect(fake.log).toEqual(['interrupt agent-1', 'close agent-1', 'close driver'])
  })

  test('tells a turn that waits in the queue at once, and leaves nothing of it', async () => {
    const { engine, begin, release, prompts, store } = stage()
    await begin('one')
    const two = await begin('two')
    const ended = failure(two.events)
    const drained = engine.drain(LONG_MS, leaving)
    const error = await ended
    expect(error).toMatchObject(TOLD)
    expect(wasNotRun(error)).toBe(true)
    expect(await stateOf(drained)).toBe('pending')
    release('one')
    await drained
    expect(prompts).toEqual(['one'])
    expect(store.list({ limit: 9 }).sessions).toHaveLength(1)
  })

  test('tells a turn that waits for its session, while the turn before it goes on', async () => {
    const { engine, begin, release, fake, store } = stage({ capacity: 4 })
    const one = await begin('one')
    const [{ id: sessionId = '' } = {}] = store.list({ limit: 9 }).sessions
    const two = await engine.start(ask('two', { sessionId }), never)
    const next = failure(Array.fromAsync(two.events))
    await settle()
    const drained = engine.drain(LONG_MS, leaving)
    expect(await next).toMatchObject(TOLD)
    release('one')
    await drained
    expect((await one.events).at(-1)).toMatchObject({ type: 'done' })
    expect(fake.prompts).toHaveLength(1)
    expect(store.turns(sessionId)).toMatchObject([{ status: 'completed' }])
  })

  test('does not begin a turn whose first event is asked for too late', async () => {
    const { engine, fake, store } = stage()
    const turn = await engine.start(ask('one'), never)
    await engine.drain(LONG_MS, leaving)
    const error = await failure(Array.fromAsync(turn.events))
    expect(error).toMatchObject(TOLD)
    expect(wasNotRun(error)).toBe(true)
    expect(fake.opened).toEqual([])
    expect(store.list({ limit: 9 }).sessions).toEqual([])
  })

  test('ends the agents of idle conversations at once, and those that become idle', async () => {
    const { engine, begin, release, fake } = stage({ capacity: 2 })
    release('one')
    await (await begin('one')).events
    expect(fake.log).toEqual([])
    const two = await begin('two')
    const drained = engine.drain(LONG_MS)
    await waitUntil(() => fake.log.length > 0)
    expect(fake.log).toEqual(['close agent-1'])
    release('two')
    await two.events
    await drained
    expect(fake.log).toEqual(['close agent-1', 'close agent-2'])
  })

  test('keeps no turn waiting for the client’s tools, before or after', async () => {
    const { engine, fake } = stage({ capacity: 2 })
    const gate = Promise.withResolvers<void>()
    const calling = (id: string): TurnEvent[] => [
      { type: 'call_start', id, name: 'f' },
      { type: 'call_end', id, name: 'f', input: {} },
      { type: 'done', stopReason: 'tool_calls' },
    ]
    fake.steps = () =>
      fake.prompts.length === 1
        ? [{ type: 'init' }, ...calling('a')]
        : [{ type: 'init' }, { after: gate.promise }, ...calling('b')]
    const tools = {
      clientTools: [{ name: 'f', inputSchema: { type: 'object' } }],
      scratch: true,
      ephemeral: true,
    }
    await run(engine, ask('go', tools)).events
    const second = run(engine, ask('go again', tools))
    await waitUntil(() => fake.prompts.length === 2)
    const drained = engine.drain(LONG_MS, leaving)
    await waitUntil(() => fake.log.includes('close agent-1'))
    const history: HistoryMessage[] = [
      { role: 'user', parts: [{ type: 'text', text: 'go' }] },
      { role: 'assistant', text: '', toolCalls: [{ id: 'a', name: 'f', input: {} }] },
      { role: 'tool', callId: 'a', parts: [{ type: 'text', text: 'r' }], isError: false },
    ]
    expect(await failure(engine.start({ ...tools, parts: [], history }, never))).toMatchObject(TOLD)
    gate.resolve()
    expect((await second.events).at(-1)).toMatchObject({ type: 'done', stopReason: 'tool_calls' })
    await drained
    await waitUntil(() => fake.log.includes('close agent-2'))
  })
})

describe('a turn that the end of the server cut', () => {
  test('is kept as interrupted, with what it had said', async () => {
    const { engine, fake, store } = stage()
    fake.steps = () => [{ type: 'init' }, { type: 'text', text: 'half' }, 'hang']
    const turn = await engine.start(ask('one'), never)
    const kept: unknown[] = []
    const { sessionId } = turn
    const keep = store.endTurn
    Object.assign(store, {
      endTurn(id: string, outcome: unknown) {
        kept.push(outcome)
        keep(id, outcome as Parameters<typeof keep>[1])
      },
    })
    const said: string[] = []
    const ended = failure(
      (async () => {
        for await (const event of turn.events) if (event.type === 'text') said.push(event.text)
      })(),
    )
    await waitUntil(() => said.length > 0)
    expect(store.turns(sessionId)).toMatchObject([{ status: 'running' }])
    await engine.drain(0)
    await engine.close()
    expect(await ended).toMatchObject({ code: 'shutting_down' })
    expect(kept).toMatchObject([{ status: 'interrupted', answer: 'half', error: { code: 'shutting_down' } }])
  })
})

test('a run that had not begun when the server left has failed, and its key is free', async () => {
  const { engine, begin } = stage()
  await begin('busy')
  const turn = await engine.start(ask('queued'), never)
  engine.runs.begin({
    id: turn.id,
    kind: 'prompt',
    caller: 'me',
    about: {},
    events: turn.events,
    cancel() {},
    detached: true,
    keepEvents: true,
    idempotency: { key: 'k', hash: 'h' },
  })
  await waitUntil(() => engine.pool().queue.waiting['fake'] === 1)
  await engine.drain(0)
  const kept = () => engine.runs.find(turn.id, 'me')
  await waitUntil(() => kept().status !== 'running')
  expect(kept()).toMatchObject({ status: 'failed', error: { code: 'shutting_down' } })
  expect(engine.runs.again({ key: 'k', hash: 'h' }, 'me')).toBeUndefined()
})
