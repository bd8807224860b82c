import { describe, expect, test } from 'bun:test'
import { settle, world } from './support.ts'

/** Each session has a process of its own, and one is kept ready. */
const own = (limits: object = {}) => world({ minimum: 1, maximum: 8, ...limits }, { atOnce: 1 })

describe('a spare', () => {
  test('is started a short while after a kind was used', async () => {
    const { pool, kind, clock, states } = own()
    await pool.take(kind())
    await clock.pass(249)
    expect(states()).toEqual(['idle'])
    await clock.pass(1)
    expect(states()).toEqual(['idle', 'spare'])
    expect((await pool.take(kind())).start).toBe('spare')
    await clock.pass(250)
    expect(states()).toEqual(['idle', 'idle', 'spare'])
  })

  test('waits until requests pause, but not for ever', async () => {
    const { pool, kind, clock } = own({ maximum: 100 })
    for (let count = 0; count < 10; count += 1) {
      await pool.take(kind())
      await clock.pass(200)
    }
    expect(pool.stats()).toMatchObject({ started: 11, opened: { cold: 10, spare: 0 } })
  })

  test('is not started while a request waits for a start', async () => {
    const { pool, kind, clock, starts } = own()
    const take = pool.take(kind('a', { held: true }))
    await clock.pass(10_000)
    expect(starts).toHaveLength(1)
    starts[0]?.succeed()
    await take
    await clock.pass(250)
    expect(starts).toHaveLength(1)
  })

  test('is started after the one before', async () => {
    const { pool, kind, clock, starts } = own({ minimum: 2 })
    void pool.take(kind('a', { held: true }))
    await settle()
    starts[0]?.succeed()
    await clock.pass(1000)
    expect(starts).toHaveLength(1)
    starts[0]?.succeed()
    await clock.pass(1000)
    expect(starts).toHaveLength(1)
    starts[0]?.succeed()
    await clock.pass(1000)
    expect(starts).toHaveLength(0)
    expect(pool.stats().started).toBe(3)
  })

  test('is no process more than there may be', async () => {
    const { pool, kind, clock } = own({ minimum: 3, maximum: 2 })
    await pool.take(kind())
    await clock.pass(10_000)
    expect(pool.stats().started).toBe(2)
  })

  test('is not started while there is no memory for it, and then it is', async () => {
    let mayStart = false
    const { pool, kind, clock } = own({ mayStartAhead: () => mayStart })
    await pool.take(kind())
    await clock.pass(20_000)
    expect(pool.stats().started).toBe(1)
    mayStart = true
    await clock.pass(6000)
    expect(pool.stats().started).toBe(2)
  })

  test('is not needed while a shared process has a seat', async () => {
    const { pool, kind, clock } = world({ minimum: 1, sessionsPerProcess: 2 })
    await pool.take(kind())
    await clock.pass(1000)
    expect(pool.stats().started).toBe(1)
    await pool.take(kind())
    await clock.pass(1000)
    expect(pool.stats().started).toBe(2)
  })

  test('is kept for the last four kinds only', async () => {
    const { pool, kind, clock, alive } = own({ maximum: 100 })
    for (const key of ['a', 'b', 'c', 'd', 'e']) (await pool.take(kind(key))).process.die()
    await clock.pass(5000)
    expect(alive().toSorted()).toEqual(['b', 'c', 'd', 'e'])
  })

  test('makes room for one of a kind that was asked for since', async () => {
    const { pool, kind, clock, alive } = own({ maximum: 2 })
    const first = await pool.take(kind('a'))
    first.process.die()
    await clock.pass(250)
    expect(alive()).toEqual(['a'])
    await pool.take(kind('b'))
    await clock.pass(1000)
    expect(alive()).toEqual(['b', 'b'])
  })

  test('is ended when its kind was not asked for any more', async () => {
    const { pool, kind, clock, alive } = own({ keepAliveMs: 60_000 })
    const lease = await pool.take(kind())
    await clock.pass(59_000)
    expect(alive()).toHaveLength(2)
    await clock.pass(1000)
    expect(alive()).toHaveLength(1)
    expect(pool.stats().recycled.unused).toBe(1)
    await clock.pass(600_000)
    expect(pool.stats().started).toBe(2)
    lease.release()
    await clock.pass(60_000)
    expect(alive()).toEqual([])
    expect(clock.pending()).toBe(0)
  })

  test('is kept while its kind is asked for, whichever spare is taken', async () => {
    const { pool, kind, clock, states } = own({ minimum: 2, keepAliveMs: 60_000 })
    await pool.take(kind())
    await clock.pass(50_000)
    await pool.take(kind())
    await clock.pass(50_000)
    expect(states()).toEqual(['idle', 'idle', 'spare', 'spare'])
    expect(pool.stats()).toMatchObject({ started: 4, recycled: { unused: 0 } })
  })

  test('need not wait for a process that is just ending', async () => {
    const { pool, kind, clock, states } = own({ maximum: 2 })
    const old = await pool.take(kind('a', { lingers: true }))
    old.release()
    await pool.take(kind('b'))
    expect(pool.shed()).toBe(true)
    await clock.pass(250)
    expect(states()).toEqual(['leaving', 'idle', 'spare'])
    old.process.die()
    await settle()
    expect(pool.stats()).toMatchObject({ died: 0, processes: [{ pid: 2 }, { pid: 3 }] })
  })

  test('takes the place of one that died', async () => {
    const { pool, kind, clock, processes, states } = own()
    await pool.take(kind())
    await clock.pass(5000)
    processes[1]?.die()
    await clock.pass(250)
    expect(states()).toEqual(['idle', 'spare'])
    expect(pool.stats()).toMatchObject({ died: 1, started: 3 })
  })

  test('takes the place of a process that died under its sessions', async () => {
    const { pool, kind, clock, processes, states } = world({ minimum: 1 })
    await pool.take(kind())
    processes[0]?.die()
    await clock.pass(250)
    expect(states()).toEqual(['spare'])
  })

  test('is had ready before it is first asked for', async () => {
    const { pool, kind } = own()
    await pool.prepare(kind())
    expect(pool.stats().opened).toEqual({ cold: 0, spare: 0 })
    expect((await pool.take(kind())).start).toBe('spare')
  })

  test('is not had where none is to be kept', async () => {
    for (const limits of [{ minimum: 0 }, { keepAliveMs: 0 }, { enabled: false }]) {
      const { pool, kind, clock } = own(limits)
      await pool.prepare(kind())
      await clock.pass(1000)
      expect(pool.stats().started).toBe(0)
    }
  })
})
