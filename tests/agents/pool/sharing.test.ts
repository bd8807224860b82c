import { describe, expect, test } from 'bun:test'
import type { DriverPool } from '../../../src/agents/pool/types.ts'
import { errorOf, settle, world } from './support.ts'

describe('a session', () => {
  test('has a process started where there is none, and shares it with the next ones', async () => {
    const { pool, kind, processes } = world()
    const first = await pool.take(kind())
    const second = await pool.take(kind())
    expect([first.start, second.start]).toEqual(['cold', 'spare'])
    expect(second.process).toBe(first.process)
    expect(processes).toHaveLength(1)
    expect(pool.stats()).toMatchObject({ started: 1, opened: { cold: 1, spare: 1 } })
  })

  test('has a process of its own kind', async () => {
    const { pool, kind } = world()
    const one = await pool.take(kind('a'))
    const other = await pool.take(kind('b'))
    expect([one.process.key, other.process.key]).toEqual(['a', 'b'])
  })

  test('waits for the process that is being started for another one', async () => {
    const { pool, kind, starts } = world()
    const takes = [pool.take(kind('a', { held: true })), pool.take(kind('a', { held: true }))]
    await settle()
    expect(starts).toHaveLength(1)
    starts[0]?.succeed()
    const [first, second] = await Promise.all(takes)
    expect(second?.process === first?.process).toBe(true)
    expect([first?.start, second?.start]).toEqual(['cold', 'cold'])
  })

  test('goes where the fewest turns run', async () => {
    const { pool, kind } = world({ sessionsPerProcess: 2 })
    const leases = []
    for (let count = 0; count < 4; count += 1) leases.push(await pool.take(kind()))
    const [busy, , calm] = leases
    busy?.beginTurn()
    for (const lease of [leases[1], leases[3]]) lease?.release()
    expect((await pool.take(kind())).process === calm?.process).toBe(true)
  })

  test('goes to another process where the seats of the first are taken', async () => {
    const { pool, kind, processes } = world({ sessionsPerProcess: 2 })
    const leases = [await pool.take(kind()), await pool.take(kind()), await pool.take(kind())]
    expect(leases.map(({ start }) => start)).toEqual(['cold', 'spare', 'cold'])
    expect(processes).toHaveLength(2)
    expect(leases.map(({ crowded }) => crowded)).toEqual([true, true, false])
  })

  test('does not wait for a start whose seats are all waited for', async () => {
    const { pool, kind, starts } = world({}, { atOnce: 1 })
    const takes = [pool.take(kind('a', { held: true })), pool.take(kind('a', { held: true }))]
    await settle()
    expect(starts).toHaveLength(2)
    for (const start of [...starts]) start.succeed()
    const [first, second] = await Promise.all(takes)
    expect(second?.process === first?.process).toBe(false)
  })

  test('that comes first is served first, whatever has to be looked at', async () => {
    const { pool, kind } = world({}, { atOnce: 1 })
    const files = ['/bin/sh', '/etc/hosts', '/does/not/exist']
    const order: number[] = []
    await Promise.all(
      [1, 2, 3, 4, 5].map((place) => pool.take(kind('a', { files })).then(() => order.push(place))),
    )
    expect(order).toEqual([1, 2, 3, 4, 5])
  })

  test('never gets the seat that another one got in the same moment', async () => {
    const { pool, kind } = world({}, { atOnce: 1 })
    const before = await pool.take(kind())
    before.release()
    const leases = await Promise.all([pool.take(kind()), pool.take(kind()), pool.take(kind())])
    expect(new Set(leases.map(({ process }) => process)).size).toBe(3)
    expect(leases.map(({ start }) => start)).toEqual(['spare', 'cold', 'cold'])
  })

  test('does not go to a process that has died', async () => {
    const { pool, kind } = world()
    const first = await pool.take(kind())
    first.process.die()
    const second = await pool.take(kind())
    expect([second.start, second.process === first.process]).toEqual(['cold', false])
    expect(pool.stats().died).toBe(1)
    first.release()
    expect(second.process.alive).toBe(true)
  })

  test('that is given up while its process starts leaves that to the next one', async () => {
    const { pool, kind, starts, states } = world()
    const abort = new AbortController()
    const given = pool.take(kind('a', { held: true }), abort.signal)
    await settle()
    abort.abort()
    expect((await errorOf(given)).code).toBe('cancelled')
    starts[0]?.succeed()
    await settle()
    expect(states()).toEqual(['spare'])
    expect((await pool.take(kind())).start).toBe('spare')
    expect(pool.stats().opened).toEqual({ cold: 0, spare: 1 })
  })

  test('that is given up before anything was started leaves nothing', async () => {
    const { pool, kind } = world()
    expect((await errorOf(pool.take(kind(), AbortSignal.abort()))).code).toBe('cancelled')
    expect(pool.stats().started).toBe(0)
  })
})

describe('where all processes are there that there may be', () => {
  test('one that no session uses is ended for another kind', async () => {
    const { pool, kind, alive } = world({ maximum: 2 })
    const [old, newer] = [await pool.take(kind('a')), await pool.take(kind('b'))]
    old.release()
    newer.release()
    await pool.take(kind('c'))
    expect(alive()).toEqual(['b', 'c'])
    expect(pool.stats().recycled.shed).toBe(1)
  })

  test('processes are shared beyond their seats', async () => {
    const { pool, kind, processes } = world({ maximum: 1, sessionsPerProcess: 1 }, { atOnce: 0 })
    expect(pool.exclusive).toBe(true)
    const shared = world({ maximum: 1, sessionsPerProcess: 2 })
    for (let count = 0; count < 3; count += 1) await shared.pool.take(shared.kind())
    expect(shared.processes).toHaveLength(1)
    // Not where each has one of its own: then there is one more.
    await pool.take(kind())
    await pool.take(kind())
    expect(processes).toHaveLength(2)
  })

  test('not beyond the sessions that a process may have in all', async () => {
    const { pool, kind, starts } = world({ maximum: 1, sessionsPerProcess: 2 }, { inAll: 3 })
    const takes = [1, 2, 3, 4].map(() => pool.take(kind('a', { held: true })))
    await settle()
    expect(starts).toHaveLength(2)
    for (const start of [...starts]) start.succeed()
    const pids = (await Promise.all(takes)).map(({ process }) => process.pid)
    expect(pids).toEqual([1, 1, 1, 2])
  })

  test('a kind that has no process has one more', async () => {
    const { pool, kind, alive } = world({ maximum: 1 })
    await pool.take(kind('a'))
    await pool.take(kind('b'))
    expect(alive()).toEqual(['a', 'b'])
  })
})

describe('a pool', () => {
  test('tells how many sessions may have a turn at once', () => {
    const capacityOf = (limits: object, atOnce = 0) => {
      const { pool } = world(limits, { atOnce })
      return [pool.capacity, pool.exclusive]
    }
    expect(capacityOf({ maximum: 4, sessionsPerProcess: 16 })).toEqual([64, false])
    expect(capacityOf({ maximum: 4, sessionsPerProcess: 16 }, 1)).toEqual([4, true])
    expect(capacityOf({ maximum: 4, sessionsPerProcess: 16 }, 3)).toEqual([12, false])
    expect(capacityOf({ maximum: 4, enabled: false })).toEqual([4, true])
    expect(capacityOf({ maximum: 0 })).toEqual([Number.POSITIVE_INFINITY, false])
  })

  test('asks for room where a session would need one process too many, and an unused one is none', async () => {
    const { pool, kind } = world({ maximum: 2 }, { atOnce: 1 })
    const asked = countAsks(pool)
    const leases = [await pool.take(kind('a')), await pool.take(kind('b'))]
    leases[1]?.release()
    const third = await pool.take(kind('c'))
    third.release()
    leases[0]?.release()
    await pool.take(kind('d'))
    await pool.take(kind('e'))
    expect(asked()).toBe(0)
    await pool.take(kind('f'))
    await pool.visit(kind('g'))
    expect(asked()).toBe(1)
  })

  test('asks for none while there is a process that only starts, for nobody', async () => {
    const { pool, kind } = world({ maximum: 1, minimum: 1 }, { atOnce: 1, inAll: 1 })
    const asked = countAsks(pool)
    await pool.prepare(kind())
    await pool.take(kind())
    expect(asked()).toBe(0)
  })

  test('asks for room before a process is shared beyond its seats, as long as there is some', async () => {
    const { pool, kind, processes } = world({ maximum: 1, sessionsPerProcess: 2 })
    const idle = [await pool.take(kind()), await pool.take(kind())]
    pool.askForRoom(async () => {
      const oldest = idle.shift()
      oldest?.release()
      return oldest !== undefined
    })
    const third = await pool.take(kind())
    expect([idle.length, third.crowded, pool.stats().processes[0]?.sessions]).toEqual([1, true, 2])
    await pool.take(kind())
    await pool.take(kind())
    expect([idle.length, pool.stats().processes[0]?.sessions, processes.length]).toEqual([0, 3, 1])
  })

  test('asks for none where another kind has a seat: it shares a process beyond its seats', async () => {
    const { pool, kind, alive } = world({ maximum: 2, sessionsPerProcess: 2 })
    await pool.take(kind('a'))
    for (let count = 0; count < 2; count += 1) await pool.take(kind('b'))
    const asked = countAsks(pool)
    await pool.take(kind('b'))
    expect([asked(), alive()]).toEqual([0, ['a', 'b']])
  })

  test('ends all that no session uses before it asks, where there are more than there may be', async () => {
    const { pool, kind, alive } = world({ maximum: 1 })
    const leases = [await pool.take(kind('a')), await pool.take(kind('b'))]
    const asked = countAsks(pool)
    for (const lease of leases) lease.release()
    await pool.take(kind('c'))
    expect([asked(), alive()]).toEqual([0, ['c']])
  })

  test('asks for room where a kind needs one process too many, as long as there is some', async () => {
    const { pool, kind, alive } = world({ maximum: 2 })
    const idle = [await pool.take(kind('a')), await pool.take(kind('b')), await pool.take(kind('b'))]
    pool.askForRoom(async () => {
      const oldest = idle.pop()
      oldest?.release()
      return oldest !== undefined
    })
    await pool.take(kind('a'))
    expect(idle).toHaveLength(3)
    await pool.take(kind('c'))
    expect([alive(), idle.length]).toEqual([['a', 'c'], 1])
    await Promise.all([pool.take(kind('d')), pool.take(kind('d'))])
    expect([alive(), idle.length]).toEqual([['a', 'c', 'd'], 0])
    const visit = await pool.visit(kind('e'))
    expect(alive()).toEqual(['a', 'c', 'd', 'e'])
    visit.release()
  })

  test('sheds what no session uses, the longest unused first', async () => {
    const { pool, kind, clock, alive } = world()
    const leases = [await pool.take(kind('a')), await pool.take(kind('b')), await pool.take(kind('c'))]
    leases[1]?.release()
    await clock.pass(1000)
    leases[0]?.release()
    expect(pool.shed()).toBe(true)
    await settle()
    expect(alive()).toEqual(['a', 'c'])
    expect([pool.shed(), pool.shed()]).toEqual([true, false])
    await settle()
    expect(alive()).toEqual(['c'])
    expect(pool.stats().recycled.shed).toBe(2)
  })

  test('shows its processes', async () => {
    const { pool, kind, clock } = world({ sessionsPerProcess: 2 })
    void pool.take(kind('slow', { held: true }))
    const [one, two] = [await pool.take(kind()), await pool.take(kind())]
    const end = one.beginTurn()
    const before = clock.now()
    expect(pool.stats().processes).toEqual([
      { state: 'starting', sessions: 0, turns: 0, startedAt: before },
      { pid: 1, state: 'busy', sessions: 2, turns: 1, startedAt: before },
    ])
    end()
    end()
    const again = one.beginTurn()
    expect(pool.stats().processes[1]).toMatchObject({ state: 'busy', turns: 2 })
    again()
    two.release()
    two.release()
    expect(pool.stats().processes[1]).toMatchObject({ state: 'idle', sessions: 1, turns: 2 })
    one.release()
    one.beginTurn()()
    expect(pool.stats().processes[1]).toMatchObject({ state: 'idle', sessions: 0, turns: 2 })
  })
})

/** How often the pool has asked for room, of which there is none. */
function countAsks(pool: Pick<DriverPool, 'askForRoom'>): () => number {
  let asked = 0
  pool.askForRoom(async () => {
    asked += 1
    return false
  })
  return () => asked
}
