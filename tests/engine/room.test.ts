import { afterEach, expect, test } from 'bun:test'
import type { PoolLimits } from '../../src/agents/pool/types.ts'
import type { TurnEvent } from '../../src/agents/types.ts'
import type { Engine, TurnRequest } from '../../src/engine/types.ts'
import { settle, world } from '../agents/pool/support.ts'
import { createFakeDriver, type FakeDriver } from '../support/fake-driver.ts'
import { createTestEngine } from '../support/test-engine.ts'

const engines: Engine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
})

const never = new AbortController().signal

/** An engine over one agent whose sessions have their processes from a pool, those of each model of a kind of their own. */
function stage(limits: Partial<PoolLimits>, atOnce = 0) {
  const { pool, kind, alive } = world(limits, { atOnce })
  const bare = createFakeDriver('fake', { clientTools: 'native', history: 'native' })
  const fake: FakeDriver = Object.assign(bare, { pool, open: inPool(bare.open) })
  function inPool(open: FakeDriver['open']): FakeDriver['open'] {
    return async (options, signal) => {
      const lease = await pool.take(kind(options.model), signal)
      const session = await open(options, signal)
      return Object.assign(session, {
        close: async () => {
          fake.log.push(`close ${session.id}`)
          lease.release()
        },
      })
    }
  }
  const engine = createTestEngine([fake])
  engines.push(engine)
  const run = async (text: string, more: Partial<TurnRequest> = {}) => {
    const { events } = await engine.start({ parts: [{ type: 'text', text }], ...more }, never)
    return await Array.fromAsync(events)
  }
  return { engine, fake, run, alive, sessions: () => pool.stats().processes.map(({ sessions }) => sessions) }
}

test('the conversation that waits longest for its next turn makes room for a process of its own', async () => {
  const { fake, run, alive } = stage({ maximum: 2 }, 1)
  for (const text of ['one', 'two', 'three']) await run(text)
  expect(fake.log).toEqual(['close agent-1'])
  expect(alive()).toHaveLength(2)
})

test('it makes room before a process is shared beyond its seats', async () => {
  const { fake, run, sessions } = stage({ maximum: 1, sessionsPerProcess: 2 })
  for (const text of ['one', 'two', 'three']) await run(text)
  expect(fake.log).toEqual(['close agent-1'])
  expect(sessions()).toEqual([2])
})

test('it makes room where there may be no process of another kind', async () => {
  const { fake, run, alive } = stage({ maximum: 1, sessionsPerProcess: 4 })
  for (const model of ['a', 'a', 'b']) await run('hi', { model })
  expect(fake.log).toEqual(['close agent-1', 'close agent-2'])
  expect(alive()).toEqual(['b'])
})

test('where none waits for a turn, one that waits for results makes room', async () => {
  const { fake, run, alive } = stage({ maximum: 1 }, 1)
  const calling: TurnEvent[] = [
    { type: 'init' },
    { type: 'call_start', id: 'a', name: 'f' },
    { type: 'call_end', id: 'a', name: 'f', input: {} },
    { type: 'done', stopReason: 'tool_calls' },
  ]
  const answering = fake.steps
  fake.steps = () => calling
  await run('go', { ephemeral: true, clientTools: [{ name: 'f', inputSchema: { type: 'object' } }] })
  expect(fake.log).toEqual([])
  fake.steps = answering
  await run('two')
  expect(fake.log).toEqual(['close agent-1'])
  expect(alive()).toHaveLength(1)
})

test('none is kept for what comes next by an engine that begins nothing more, and none is started ahead', async () => {
  const { engine, fake, run, alive } = stage({ maximum: 2 })
  const asked: unknown[] = []
  Object.assign(fake, { prepare: async (options: unknown) => void asked.push(options) })
  await run('one')
  const request: TurnRequest = { parts: [{ type: 'text', text: 'two' }] }
  await engine.prepare([request])
  expect([alive().length, asked.length]).toEqual([1, 1])
  await engine.drain(60_000)
  await engine.prepare([request])
  await settle()
  expect([alive().length, asked.length]).toEqual([0, 1])
})
