import { expect, test } from 'bun:test'
import type { TurnEvent } from '../../src/agents/types.ts'
import type { Backend } from '../../src/engine/backends.ts'
import { toPoolView } from '../../src/engine/pool-view.ts'
import { createTurnWatch } from '../../src/engine/turn-watch.ts'
import { createFakeDriver } from '../support/fake-driver.ts'
import { FAKE_STATS, withPool } from '../support/fake-pool.ts'
import { createTestEngine } from '../support/test-engine.ts'

const asBackend = (driver: Backend['driver'], enabled = true): Backend => ({
  driver,
  defaults: { modelAliases: {}, approvalMode: 'default', sandboxMode: 'default', allowedExtraFlags: [] },
  command: ['secret'],
  configured: false,
  enabled,
  demo: false,
})

test('shows the pool of every enabled backend, and of one without a pool only its turns', () => {
  const queue = {
    running: { pooled: 2 },
    waiting: {},
    refused: 3,
    limits: { running: 1, waiting: 1, waitingPerBackend: 1 },
  }
  const view = toPoolView({
    backends: [
      asBackend(withPool(createFakeDriver('pooled'))),
      asBackend(createFakeDriver('exec')),
      asBackend(createFakeDriver('off'), false),
    ],
    turns: createTurnWatch(),
    conversations: () => ({ live: 2, idle: 1 }),
    queue,
  })
  const turns = { warm: 0, waited: 0, waitedMs: 0 }
  expect(view).toEqual({
    backends: [
      {
        name: 'pooled',
        turns,
        conversations: { live: 2, idle: 1 },
        pool: { ...FAKE_STATS, capacity: 32, exclusive: false },
      },
      { name: 'exec', turns },
    ],
    queue,
    observerFailures: 0,
  })
})

test('counts turns that went on warm, and those that waited', async () => {
  const turns = createTurnWatch()
  async function* turn(init: TurnEvent): AsyncGenerator<TurnEvent, void> {
    yield init
  }
  for (const waitedMs of [0, 40, 60])
    await Array.fromAsync(turns.watch('a', turn({ type: 'init', start: 'warm', waitedMs })))
  await Array.fromAsync(turns.watch('a', turn({ type: 'init', start: 'cold' })))
  expect(turns.countsOf('a')).toEqual({ warm: 3, waited: 2, waitedMs: 100 })
  expect(turns.countsOf('b').warm).toBe(0)
})

test('a conversation is idle between its turns', async () => {
  const engine = createTestEngine([withPool(createFakeDriver())])
  const conversations = () => engine.pool().backends[0]?.conversations
  const { events } = await engine.start({ parts: [] }, new AbortController().signal)
  await events.next()
  expect(conversations()).toEqual({ live: 1, idle: 0 })
  await Array.fromAsync(events)
  expect(conversations()).toEqual({ live: 1, idle: 1 })
  await engine.close()
})
