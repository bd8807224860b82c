import { afterEach, describe, expect, test } from 'bun:test'
import type { HistoryMessage } from '../../src/agents/messages.ts'
import type { TurnEvent } from '../../src/agents/types.ts'
import type { QueueLimits } from '../../src/engine/queue.ts'
import type { TurnRequest } from '../../src/engine/types.ts'
import { ask, failure, initOf, never, run, stage, strike } from './queue-stage.ts'

afterEach(strike)

describe('a turn that waits for results', () => {
  const tools = [{ name: 'f', inputSchema: { type: 'object' } }]
  const first: Partial<TurnRequest> = { clientTools: tools, scratch: true, ephemeral: true, caller: 'me' }
  const history: HistoryMessage[] = [
    { role: 'user', parts: [{ type: 'text', text: 'go' }] },
    { role: 'assistant', text: '', toolCalls: [{ id: 'a', name: 'f', input: {} }] },
    { role: 'tool', callId: 'a', parts: [{ type: 'text', text: 'r' }], isError: false },
  ]
  const goOn: TurnRequest = { ...first, parts: [], history }
  const calling: TurnEvent[] = [
    { type: 'init' },
    { type: 'call_start', id: 'a', name: 'f' },
    { type: 'call_end', id: 'a', name: 'f', input: {} },
    { type: 'done', stopReason: 'tool_calls' },
  ]
  /** One turn has called a tool, and another one has the only place since. */
  async function called(queue: Partial<QueueLimits> = {}) {
    const staged = stage({ queue })
    const { fake, engine } = staged
    const usual = fake.steps
    fake.steps = (input) => (fake.prompts.length === 1 ? calling : usual(input))
    await run(engine, ask('go', first)).events
    const busy = await staged.begin('busy', { ephemeral: true })
    return { ...staged, busy }
  }

  test('has no place, and takes one again when it goes on', async () => {
    const { engine, fake, busy, release, waits } = await called()
    expect(engine.pool().queue).toMatchObject({ running: { fake: 1 }, waiting: { fake: 0 } })
    const next = run(engine, goOn)
    await waits(1)
    expect(fake.answers).toEqual([])
    release('busy')
    await busy.events
    const events = await next.events
    expect(events.slice(0, 2)).toMatchObject([
      { type: 'progress' },
      { type: 'init', start: 'warm', waitedMs: expect.any(Number) },
    ])
    expect(fake.answers).toHaveLength(1)
    expect(engine.pool().queue).toMatchObject({ running: { fake: 0 }, waiting: { fake: 0 } })
  })

  test('gives its place back with its call, whatever its reader does then', async () => {
    const { engine, fake } = stage()
    fake.steps = () => calling
    const { events } = await engine.start(ask('go', first), never)
    for (let last = await events.next(); !last.done && last.value.type !== 'done'; )
      last = await events.next()
    expect(engine.pool().queue.running).toEqual({ fake: 0 })
    await events.return()
  })

  test('waits on where its results were refused, or their client left the queue', async () => {
    const { engine, fake, busy, release, waits } = await called({ waiting: 1 })
    const own = new AbortController()
    const left = run(engine, goOn, own.signal)
    await waits(1)
    expect(await failure(engine.start(goOn, never))).toMatchObject({ code: 'queue_full' })
    own.abort()
    expect(await failure(left.events)).toMatchObject({ code: 'cancelled' })
    const again = run(engine, goOn)
    await waits(1)
    release('busy')
    await busy.events
    expect(initOf(await again.events)).toMatchObject({ start: 'warm' })
    expect(fake.answers).toHaveLength(1)
  })

  test('is begun anew where its agent ended while its results waited', async () => {
    const { engine, fake, busy, release, waits } = await called()
    const next = run(engine, goOn)
    await waits(1)
    fake.kill()
    release('busy')
    await busy.events
    release('')
    expect(initOf(await next.events)).toMatchObject({ start: 'cold' })
    expect(fake.answers).toEqual([])
    expect(fake.opened.at(-1)).toMatchObject({ history: { length: 3 } })
  })

  test('is ended with the server, also while its results wait', async () => {
    const { engine, fake, busy, waits } = await called()
    busy.catch(() => {})
    const next = run(engine, goOn)
    await waits(1)
    const ended = failure(next.events)
    await engine.close()
    expect(await ended).toMatchObject({ code: 'shutting_down' })
    expect(fake.log).toContain('close agent-1')
  })
})

test('counting tokens takes a place, too', async () => {
  const { engine, fake, begin, release, waits } = stage({ queue: { waiting: 1 } })
  const counted: string[] = []
  fake.countTokens = async () => {
    counted.push('count')
    return 3
  }
  const busy = await begin('busy')
  const count = engine.countTokens(ask('x'), never)
  await waits(1)
  expect(await failure(engine.countTokens(ask('y'), never))).toMatchObject({ code: 'queue_full' })
  expect(counted).toEqual([])
  release('busy')
  await busy.events
  expect(await count).toBe(3)
  expect(engine.pool().queue).toMatchObject({ running: { fake: 0 }, waiting: { fake: 0 } })
})
