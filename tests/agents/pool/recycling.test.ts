import { describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from '../../support/processes.ts'
import { settle, world } from './support.ts'

/** Files that were changed are seen only after the file system was asked, which no clock of ours hurries. */
function folder() {
  const path = mkdtempSync(join(tmpdir(), 'clinvk-pool-'))
  return { file: join(path, 'settings'), [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}

describe('a process takes no new session, and ends with its last one,', () => {
  test('after so many turns', async () => {
    const { pool, kind, alive, processes } = world({ maxTurns: 2 })
    const [first, second] = [await pool.take(kind()), await pool.take(kind())]
    first.beginTurn()()
    expect((await pool.take(kind())).start).toBe('spare')
    second.beginTurn()()
    const next = await pool.take(kind())
    expect([next.start, processes.length]).toEqual(['cold', 2])
    expect(pool.stats().recycled.turns).toBe(1)
    first.beginTurn()()
    first.release()
    expect(alive()).toHaveLength(2)
  })

  test('after so many sessions', async () => {
    const { pool, kind, alive } = world({}, { inAll: 2 })
    const leases = [await pool.take(kind()), await pool.take(kind()), await pool.take(kind())]
    expect(leases.map(({ start }) => start)).toEqual(['cold', 'spare', 'cold'])
    leases[0]?.release()
    await settle()
    expect(alive()).toHaveLength(2)
    leases[1]?.release()
    await settle()
    expect(alive()).toHaveLength(1)
    expect(pool.stats()).toMatchObject({ recycled: { sessions: 1 }, died: 0 })
  })

  test('also where these wait for its start', async () => {
    const { pool, kind, starts } = world({}, { inAll: 2 })
    const takes = [1, 2, 3].map(() => pool.take(kind('a', { held: true })))
    await settle()
    expect(starts).toHaveLength(2)
    for (const start of [...starts]) start.succeed()
    expect(new Set((await Promise.all(takes)).map(({ process }) => process)).size).toBe(2)
  })

  test('which is not worth a word where it is made for one session', async () => {
    const { pool, kind, alive, states } = world({}, { atOnce: 1, inAll: 1 })
    const lease = await pool.take(kind())
    expect(states()).toEqual(['idle'])
    lease.beginTurn()
    expect(states()).toEqual(['busy'])
    lease.release()
    await settle()
    expect(alive()).toEqual([])
    expect(pool.stats()).toMatchObject({ recycled: { sessions: 0 }, died: 0 })
  })

  test('at an age', async () => {
    const { pool, kind, clock } = world({ maxAgeMs: 60_000 })
    await pool.take(kind())
    await clock.pass(59_999)
    expect((await pool.take(kind())).start).toBe('spare')
    await clock.pass(1)
    expect((await pool.take(kind())).start).toBe('cold')
    expect(pool.stats().recycled.age).toBe(1)
  })

  test('when it has taken too much memory', async () => {
    const { pool, kind, clock, memory } = world({ processMemoryBytes: 1000 })
    await pool.take(kind())
    memory.set(1, 1000)
    await clock.pass(10_000)
    expect(pool.stats().processes[0]).toMatchObject({ memoryBytes: 1000, state: 'idle' })
    memory.set(1, 1001)
    await clock.pass(10_000)
    expect(pool.stats().processes[0]).toMatchObject({ memoryBytes: 1001, state: 'leaving' })
    expect((await pool.take(kind())).start).toBe('cold')
    expect(pool.stats().recycled.memory).toBe(1)
  })

  test('when its files have changed, have come or have gone', async () => {
    using place = folder()
    const { pool, kind } = world()
    const starts: string[] = []
    const take = async () => starts.push((await pool.take(kind('a', { files: [place.file] }))).start)
    await take()
    await take()
    writeFileSync(place.file, '1')
    await take()
    await take()
    rmSync(place.file)
    await take()
    expect(starts).toEqual(['cold', 'spare', 'cold', 'spare', 'cold'])
    expect(pool.stats().recycled.changed).toBe(2)
  })

  test('also when they changed while it was being started', async () => {
    using place = folder()
    const { pool, kind, starts } = world()
    const held = kind('a', { held: true, files: [place.file] })
    const first = pool.take(held)
    await waitUntil(() => starts.length === 1)
    writeFileSync(place.file, '1')
    const second = pool.take(held)
    await waitUntil(() => starts.length === 2)
    for (const start of [...starts]) start.succeed()
    const processes = [(await first).process, (await second).process]
    expect(new Set(processes).size).toBe(2)
  })
})

describe('a spare', () => {
  const own = (limits: object) => world({ minimum: 1, maximum: 8, ...limits }, { atOnce: 1 })

  test('that is too old ends at once, and another one takes its place', async () => {
    const { pool, kind, clock, processes, states } = own({ maxAgeMs: 60_000 })
    ;(await pool.take(kind())).process.die()
    await clock.pass(250)
    await clock.pass(60_000)
    expect(processes.map(({ wasEnded }) => wasEnded)).toEqual([false, true])
    await clock.pass(250)
    expect(states()).toEqual(['spare'])
    expect(pool.stats()).toMatchObject({ recycled: { age: 1 }, started: 3 })
  })

  test('that is too large ends at once, and another one takes its place', async () => {
    const { pool, kind, clock, memory, states } = own({ processMemoryBytes: 1000 })
    await pool.take(kind())
    await clock.pass(250)
    memory.set(2, 2000)
    await clock.pass(11_000)
    expect(states()).toEqual(['idle', 'spare'])
    expect(pool.stats()).toMatchObject({ recycled: { memory: 1 }, started: 3 })
  })

  test('whose files have changed is replaced before anybody asks', async () => {
    using place = folder()
    const { pool, kind, clock, states } = own({})
    await pool.take(kind('a', { files: [place.file] }))
    await clock.pass(250)
    await waitUntil(() => states().includes('spare'))
    writeFileSync(place.file, '1')
    await waitUntil(async () => {
      await clock.pass(1000)
      return pool.stats().started === 3
    })
    expect(pool.stats()).toMatchObject({ recycled: { changed: 2 }, started: 3 })
    expect((await pool.take(kind('a', { files: [place.file] }))).start).toBe('spare')
  })
})

test('the memory of a process that is not told of is not known', async () => {
  const { pool, kind, clock } = world({ processMemoryBytes: 1 })
  await pool.take(kind())
  await clock.pass(20_000)
  expect(pool.stats().processes[0]).not.toHaveProperty('memoryBytes')
})
