import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { SMALL_POOL } from '../../../src/agents/pool/types.ts'
import type { PoolView } from '../../../src/engine/pool-view.ts'
import { PoolResponse } from '../../../src/server/meta/schema-pool.ts'
import { toPoolResponse } from '../../../src/server/meta/to-pool.ts'
import { createFakeDriver } from '../../support/fake-driver.ts'
import { FAKE_STATS, withPool } from '../../support/fake-pool.ts'
import { createTestEngine } from '../../support/test-engine.ts'
import { fakeEngine, testApp } from '../support.ts'

const VIEW: PoolView = {
  backends: [
    {
      name: 'shared',
      turns: { warm: 6, waited: 2, waitedMs: 1500 },
      conversations: { live: 3, idle: 2 },
      pool: { ...FAKE_STATS, capacity: 32, exclusive: false },
    },
    { name: 'exec', turns: { warm: 0, waited: 0, waitedMs: 0 } },
  ],
  queue: {
    running: { shared: 3, exec: 1 },
    waiting: { shared: 1 },
    refused: 7,
    limits: { running: 4, waiting: 128, waitingPerBackend: 64 },
  },
  limits: SMALL_POOL,
  observerFailures: 0,
}

describe('GET /api/v1/pool', () => {
  test('tells everything of a backend that has a pool, and of another one what runs', () => {
    const body = toPoolResponse(VIEW, 1_090_500)
    expect([...Value.Errors(PoolResponse, body)]).toEqual([])
    expect(body).toEqual({
      backends: [
        {
          name: 'shared',
          running: 3,
          waiting: 1,
          waits: { turns: 2, total_s: 1.5 },
          pool: {
            processes: [
              {
                pid: 101,
                state: 'busy',
                sessions: 3,
                turns: 9,
                started_at: '1970-01-01T00:16:40.000Z',
                age_s: 90,
                memory_bytes: 1000,
              },
              {
                pid: 102,
                state: 'spare',
                sessions: 0,
                turns: 0,
                started_at: '1970-01-01T00:17:40.000Z',
                age_s: 30,
              },
            ],
            sessions: 3,
            conversations: { live: 3, idle: 2 },
            capacity: 32,
            exclusive: false,
            hits: { warm: 6, spare: 8, cold: 4 },
            started: 5,
            failed_starts: 2,
            deaths: 1,
            recycled: { turns: 1, sessions: 2, memory: 3, age: 4, changed: 5, unused: 6, shed: 7 },
            held_back_until: '1970-01-01T00:18:40.000Z',
          },
        },
        { name: 'exec', running: 1, waiting: 0, waits: { turns: 0, total_s: 0 } },
      ],
      queue: {
        running: 4,
        waiting: 1,
        refused: 7,
        limits: { running: 4, waiting: 128, waiting_per_backend: 64 },
      },
      limits: {
        enabled: true,
        minimum: 0,
        maximum: 16,
        sessions_per_process: 16,
        keep_alive_s: 600,
        max_turns: 0,
        max_age_s: 0,
        process_memory_bytes: 0,
      },
      totals: { running: 4, processes: 2, sessions: 3, memory_bytes: 1000 },
    })
  })

  test('is answered by the engine, without a word of the prompts, folders and commands', async () => {
    const engine = createTestEngine([withPool(createFakeDriver('fake'))], {
      poolLimits: SMALL_POOL,
      queue: { running: 4, waiting: 128, waitingPerBackend: 64 },
    })
    const turn = await engine.start(
      { parts: [{ type: 'text', text: 'a secret' }], workdir: '/tmp', title: 'a secret' },
      new AbortController().signal,
    )
    await turn.events.next()
    const fake = { ...fakeEngine(), pool: engine.pool }
    const response = await testApp({ engine: fake }).request('/api/v1/pool')
    const text = await response.text()
    const body = JSON.parse(text)
    expect([...Value.Errors(PoolResponse, body)]).toEqual([])
    expect(body.backends[0]).toMatchObject({ name: 'fake', running: 1, pool: { conversations: { live: 1 } } })
    expect(text).not.toMatch(/secret|tmp|ses_|run_/)
    await turn.events.return()
    await engine.close()
  })

  test('needs a key where there are keys', async () => {
    const { request } = testApp({ apiKeys: ['k1'] })
    expect((await request('/api/v1/pool')).status).toBe(401)
    expect((await request('/api/v1/pool', { headers: { 'x-api-key': 'k1' } })).status).toBe(200)
  })
})
