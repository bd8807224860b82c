import { describe, expect, test } from 'bun:test'
import { errorOf, settle, world } from './support.ts'

const own = (limits: object = {}) => world({ minimum: 1, maximum: 8, ...limits }, { atOnce: 1 })

describe('while starts fail', () => {
  test('a failed one is not kept, and the next session tries again', async () => {
    const { pool, kind, starts, states } = world()
    const first = pool.take(kind('a', { held: true }))
    await settle()
    starts[0]?.fail('no such flag')
    expect((await errorOf(first)).message).toBe('no such flag')
    expect(states()).toEqual([])
    expect((await pool.take(kind())).start).toBe('cold')
    expect(pool.stats()).toMatchObject({ started: 2, failedStarts: 1, died: 0, opened: { cold: 1 } })
  })

  test('spares are started after a pause that grows', async () => {
    const { pool, kind, clock, starts } = own()
    const held = kind('a', { held: true })
    void pool.prepare(held)
    await settle()
    for (const pause of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
      starts[0]?.fail()
      await settle()
      expect(pool.stats().heldBackUntil).toBe(clock.now() + pause)
      await clock.pass(pause - 1)
      expect(starts).toHaveLength(0)
      // They are looked for every few seconds.
      await clock.pass(6000)
      expect(starts).toHaveLength(1)
    }
    expect(pool.stats()).not.toHaveProperty('heldBackUntil')
  })

  test('those who wait for the same kind share what comes of one start', async () => {
    const { pool, kind, starts } = own()
    const held = kind('a', { held: true })
    const first = pool.take(held)
    await settle()
    starts[0]?.fail('first')
    await errorOf(first)
    const errors = [errorOf(pool.take(held)), errorOf(pool.take(held)), errorOf(pool.take(held))]
    await settle()
    expect(starts).toHaveLength(1)
    starts[0]?.fail('second')
    expect((await Promise.all(errors)).map(({ message }) => message)).toEqual(['second', 'second', 'second'])
  })

  test('another kind waits for that start, and then has its own', async () => {
    const { pool, kind, starts } = own()
    const first = pool.take(kind('a', { held: true }))
    await settle()
    starts[0]?.fail()
    await errorOf(first)
    const trial = errorOf(pool.take(kind('a', { held: true })))
    const other = pool.take(kind('b', { held: true }))
    await settle()
    expect(starts.map(({ key }) => key)).toEqual(['a'])
    starts[0]?.fail()
    await trial
    await settle()
    expect(starts.map(({ key }) => key)).toEqual(['b'])
    starts[0]?.succeed()
    expect((await other).start).toBe('cold')
  })

  test('one that succeeds lets the others begin', async () => {
    const { pool, kind, starts } = own()
    const held = kind('a', { held: true })
    const first = pool.take(held)
    await settle()
    starts[0]?.fail()
    await errorOf(first)
    const takes = [pool.take(held), pool.take(held), pool.take(held)]
    await settle()
    starts[0]?.succeed()
    await settle()
    expect(starts).toHaveLength(2)
    for (const start of [...starts]) start.succeed()
    await Promise.all(takes)
    expect(pool.stats()).not.toHaveProperty('heldBackUntil')
  })

  test('whoever waits for another start can give up', async () => {
    const { pool, kind, starts } = own()
    const first = pool.take(kind('a', { held: true }))
    await settle()
    starts[0]?.fail()
    await errorOf(first)
    const trial = pool.take(kind('a', { held: true }))
    const abort = new AbortController()
    const other = errorOf(pool.take(kind('b'), abort.signal))
    await settle()
    abort.abort()
    expect((await other).code).toBe('cancelled')
    starts[0]?.succeed()
    await trial
  })
})

describe('a process that dies as soon as it has started', () => {
  test('has not started, if it had no session', async () => {
    const { pool, kind, clock, processes } = own()
    await pool.prepare(kind())
    await clock.pass(999)
    processes[0]?.die()
    await settle()
    expect(pool.stats().heldBackUntil).toBe(clock.now() + 1000)
    expect(pool.stats()).toMatchObject({ died: 1, failedStarts: 0 })
    await clock.pass(900)
    expect(processes).toHaveLength(1)
    await clock.pass(5000)
    expect(processes).toHaveLength(2)
  })

  test('holds nothing back later on, or with a session', async () => {
    const { pool, kind, clock, processes } = own()
    await pool.prepare(kind())
    await clock.pass(1000)
    processes[0]?.die()
    await settle()
    expect(pool.stats()).not.toHaveProperty('heldBackUntil')
    ;(await pool.take(kind())).process.die()
    await settle()
    expect(pool.stats()).not.toHaveProperty('heldBackUntil')
    expect(pool.stats().died).toBe(2)
  })

  test('makes the pause grow where the next one does so too', async () => {
    const { pool, kind, clock, processes } = own()
    await pool.prepare(kind())
    processes[0]?.die()
    await clock.pass(6000)
    processes[1]?.die()
    await settle()
    const { heldBackUntil = 0 } = pool.stats()
    expect(heldBackUntil - clock.now()).toBeGreaterThan(1000)
  })
})
