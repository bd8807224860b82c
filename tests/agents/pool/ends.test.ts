import { describe, expect, test } from 'bun:test'
import { errorOf, settle, world } from './support.ts'

describe('a process that does not answer', () => {
  test('ends when the running turns of others are over', async () => {
    const { pool, kind, alive } = world()
    const [deaf, other, quiet] = [await pool.take(kind()), await pool.take(kind()), await pool.take(kind())]
    deaf.beginTurn()
    const end = other.beginTurn()
    await deaf.abandon()
    expect(alive()).toHaveLength(1)
    const fresh = await pool.take(kind())
    expect(fresh.start).toBe('cold')
    end()
    await settle()
    expect([deaf.process.alive, quiet.process.alive, fresh.process.alive]).toEqual([false, false, true])
    deaf.release()
    other.release()
    quiet.release()
    expect(pool.stats()).toMatchObject({ died: 0, started: 2 })
  })

  test('ends at once where no other turn runs, and is waited for', async () => {
    const { pool, kind } = world()
    const lingering = kind('a', { lingers: true })
    const [deaf] = [await pool.take(lingering), await pool.take(lingering)]
    deaf?.beginTurn()
    let gone = false
    const abandoned = deaf?.abandon().then(() => {
      gone = true
    })
    await settle()
    expect([deaf?.process.wasEnded, gone]).toEqual([true, false])
    deaf?.process.die()
    await abandoned
  })

  test('has not died by itself where its end came before ours', async () => {
    const { pool, kind } = world()
    const [deaf, other] = [await pool.take(kind()), await pool.take(kind())]
    other.beginTurn()
    void deaf.abandon()
    deaf.process.die()
    await settle()
    expect(pool.stats()).toMatchObject({ died: 0, processes: [] })
  })
})

describe('without a pool', () => {
  const single = () => world({ enabled: false, minimum: 2 })

  test('each session has a process of its own, which ends with it', async () => {
    const { pool, kind, alive, clock } = single()
    const leases = [await pool.take(kind()), await pool.take(kind())]
    expect(leases.map(({ start, crowded }) => [start, crowded])).toEqual([
      ['cold', false],
      ['cold', false],
    ])
    await clock.pass(10_000)
    expect(alive()).toHaveLength(2)
    leases[0]?.release()
    await settle()
    expect(alive()).toHaveLength(1)
    leases[1]?.release()
    await clock.pass(10_000)
    expect(pool.stats()).toMatchObject({ processes: [], started: 2, died: 0 })
    expect(Object.values(pool.stats().recycled).every((count) => count === 0)).toBe(true)
  })

  test('a start that nobody waits for any more is given up', async () => {
    const { pool, kind, starts } = single()
    const abort = new AbortController()
    const given = errorOf(pool.take(kind('a', { held: true }), abort.signal))
    await settle()
    const [start] = starts
    abort.abort()
    expect((await given).code).toBe('cancelled')
    expect(start?.signal.aborted).toBe(true)
    await settle()
    expect(pool.stats()).toMatchObject({ failedStarts: 0, processes: [] })
  })

  test('there may be one more than there should be', async () => {
    const { pool, kind, alive } = world({ enabled: false, maximum: 1 })
    await pool.take(kind())
    expect([pool.capacity, pool.exclusive, pool.shed()]).toEqual([1, true, false])
    await pool.take(kind())
    expect(alive()).toHaveLength(2)
  })

  test('a question has one too', async () => {
    const { pool, kind, alive } = single()
    const visit = await pool.visit(kind())
    expect(alive()).toHaveLength(1)
    visit.release()
    await settle()
    expect(alive()).toHaveLength(0)
  })
})

describe('a question without a session', () => {
  test('goes to a process that is there, whatever its seats, and is not counted', async () => {
    const { pool, kind, processes } = world({ sessionsPerProcess: 1 })
    await pool.take(kind())
    const visit = await pool.visit(kind())
    expect([visit.start, processes.length]).toEqual(['spare', 1])
    expect(pool.stats()).toMatchObject({ opened: { cold: 1, spare: 0 }, processes: [{ sessions: 1 }] })
    visit.release()
    visit.release()
    expect(pool.stats().processes).toMatchObject([{ sessions: 1 }])
  })

  test('starts one where there is none, which then waits for a session', async () => {
    const { pool, kind, states, clock, alive } = world({ keepAliveMs: 60_000 })
    const visit = await pool.visit(kind())
    expect([visit.start, states()]).toEqual(['cold', ['spare']])
    await clock.pass(120_000)
    expect(pool.shed()).toBe(false)
    visit.release()
    await clock.pass(59_999)
    expect(alive()).toHaveLength(1)
    expect((await pool.take(kind())).start).toBe('spare')
  })

  test('can give the process up', async () => {
    const { pool, kind } = world()
    const visit = await pool.visit(kind())
    await visit.abandon()
    visit.release()
    expect(visit.process.alive).toBe(false)
    expect((await pool.take(kind())).start).toBe('cold')
    expect(pool.stats().died).toBe(0)
  })
})

test('a process that is not to be kept ends with its last session', async () => {
  const { pool, kind, alive } = world({ keepAliveMs: 0 })
  const [first, second] = [await pool.take(kind()), await pool.take(kind())]
  first.release()
  await settle()
  expect(alive()).toHaveLength(1)
  second.release()
  await settle()
  expect(alive()).toHaveLength(0)
})

describe('a pool that is to keep none', () => {
  test('ends spares and starts none, and processes in use go with their last session', async () => {
    const { pool, kind, alive, clock } = world({ minimum: 1 }, { atOnce: 1 })
    const lease = await pool.take(kind())
    await clock.pass(250)
    expect(alive()).toHaveLength(2)
    pool.keepNone()
    await settle()
    expect([lease.process.alive, lease.worn]).toEqual([true, false])
    expect(alive()).toHaveLength(1)
    await clock.pass(10_000)
    expect(alive()).toHaveLength(1)
    lease.release()
    await settle()
    expect(alive()).toEqual([])
  })

  test('gives up a spare that is being started, and not a process that somebody waits for', async () => {
    const { pool, kind, starts } = world({ minimum: 1 }, { atOnce: 1 })
    void pool.prepare(kind('a', { held: true }))
    await settle()
    const waiting = pool.take(kind('b', { held: true }))
    await settle()
    const [spare, wanted] = starts
    pool.keepNone()
    expect([spare?.signal.aborted, wanted?.signal.aborted]).toEqual([true, false])
    wanted?.succeed()
    expect((await waiting).process.alive).toBe(true)
  })
})

describe('closing a pool', () => {
  test('ends all, with and without sessions, and takes nobody any more', async () => {
    const { pool, kind, alive, clock } = world({ minimum: 1 }, { atOnce: 1 })
    const lease = await pool.take(kind())
    await clock.pass(250)
    expect(alive()).toHaveLength(2)
    await pool.close()
    expect(alive()).toEqual([])
    expect(clock.pending()).toBe(0)
    expect((await errorOf(pool.take(kind()))).code).toBe('shutting_down')
    expect((await errorOf(pool.visit(kind()))).code).toBe('shutting_down')
    await pool.prepare(kind())
    lease.release()
    await lease.abandon()
    await pool.close()
    expect(clock.pending()).toBe(0)
    expect(pool.stats()).toMatchObject({ processes: [], died: 0, started: 2 })
  })

  test('gives up starts under way, and tells so to whoever waits', async () => {
    const { pool, kind, starts } = world()
    const waiting = errorOf(pool.take(kind('a', { held: true })))
    await settle()
    const [start] = starts
    await pool.close()
    expect(start?.signal.aborted).toBe(true)
    expect((await waiting).code).toBe('shutting_down')
    expect(pool.stats()).toMatchObject({ processes: [], failedStarts: 0 })
  })

  test('waits for a start that cannot be given up, and ends what comes of it', async () => {
    const { pool, kind } = world()
    const gate = Promise.withResolvers<void>()
    const start = kind().start
    const stubborn = {
      ...kind(),
      start: async (signal: AbortSignal) => {
        await gate.promise
        return start(signal)
      },
    }
    const waiting = errorOf(pool.take(stubborn))
    await settle()
    let closed = false
    const closing = pool.close().then(() => {
      closed = true
    })
    expect((await waiting).code).toBe('shutting_down')
    await settle()
    expect(closed).toBe(false)
    gate.resolve()
    await closing
    expect(pool.stats().processes).toEqual([])
  })

  test('starts nothing for a take that was just looking at its files', async () => {
    const { pool, kind } = world()
    const waiting = errorOf(pool.take(kind('a', { files: ['/does/not/exist'] })))
    await pool.close()
    expect((await waiting).code).toBe('shutting_down')
    expect(pool.stats().started).toBe(0)
  })
})
