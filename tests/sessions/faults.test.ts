import { Database } from 'bun:sqlite'
import { describe, expect, test } from 'bun:test'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ClinvkError } from '../../src/errors.ts'
import { openSessionStore } from '../../src/sessions/store.ts'
import { outcome, session, stage } from './support.ts'

const WRITER = join(import.meta.dir, 'writer.ts')
const write = (path: string, name: string, count: number) =>
  Bun.spawn({
    cmd: [process.execPath, WRITER, path, name, String(count)],
    stdout: 'pipe',
    stderr: 'inherit',
  })

describe('several processes at once', () => {
  test('8 of them write 1,000 sessions each, and none is lost', async () => {
    using place = stage()
    const writers = Array.from({ length: 8 }, (_, index) => write(place.path, `w${index}`, 1000))
    const lines = await Promise.all(writers.map(({ stdout }) => new Response(stdout).text()))
    expect(await Promise.all(writers.map(({ exited }) => exited))).toEqual(writers.map(() => 0))
    const told = lines.flatMap((text) => text.trim().split('\n'))
    const store = place.open()
    expect([told.length, store.list({ limit: 1 }).total]).toEqual([8000, 8000])
    const found = store.list({ limit: 8000 }).sessions
    expect(new Set(found.map(({ id }) => id))).toEqual(new Set(told))
    expect(found.every(({ status, turnCount }) => status === 'completed' && turnCount === 1)).toBe(true)
  }, 120_000)

  test('wait for one that is just making the store', async () => {
    using place = stage()
    mkdirSync(dirname(place.path), { recursive: true })
    const making = Bun.spawn({
      cmd: [
        process.execPath,
        '-e',
        `const { Database } = require('bun:sqlite'); const d = new Database(${JSON.stringify(place.path)})
         d.exec('BEGIN EXCLUSIVE'); d.exec('CREATE TABLE t (a)'); console.log('held'); Bun.sleepSync(300); d.exec('ROLLBACK')`,
      ],
      stdout: 'pipe',
    })
    await making.stdout.getReader().read()
    expect(place.open().list({ limit: 1 }).total).toBe(0)
    expect(await making.exited).toBe(0)
  })

  test('what a process told before it was killed is there, and the others go on', async () => {
    using place = stage()
    const [killed, other] = [write(place.path, 'killed', 100_000), write(place.path, 'other', 200)]
    const reader = killed.stdout.getReader()
    const decoder = new TextDecoder()
    let text = ''
    while (text.split('\n').length < 50) text += decoder.decode((await reader.read()).value, { stream: true })
    killed.kill('SIGKILL')
    await killed.exited
    for (let next = await reader.read(); !next.done; next = await reader.read())
      text += decoder.decode(next.value)
    expect(await other.exited).toBe(0)
    const store = place.open()
    const told = text.split('\n').slice(0, -1)
    expect(told.length).toBeGreaterThan(40)
    for (const id of told) expect(store.turns(id)).toMatchObject([{ answer: id, status: 'completed' }])
    expect(store.startingWith('ses_other_')).toHaveLength(2)
    expect(new Database(place.path).query('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
  }, 180_000)
})

describe('a store that cannot be used says what is wrong', () => {
  test('damaged', () => {
    using place = stage()
    mkdirSync(dirname(place.path), { recursive: true })
    writeFileSync(place.path, 'this is no database, but long enough to be looked at as one'.repeat(50))
    expect(failure(() => openSessionStore(place.path))).toContain('is damaged. Put it aside')
  })

  test('made by a newer clinvk', () => {
    using place = stage()
    place.open()
    const database = new Database(place.path)
    database.exec('PRAGMA user_version = 999')
    database.close()
    expect(failure(() => openSessionStore(place.path))).toContain('was made by a newer clinvk')
  })

  test('full', () => {
    using place = stage()
    const store = place.open()
    store.create(session('s'))
    // What a full disk is to SQLite: no page can be added.
    const database = new Database(place.path)
    const { page_count: pages } = database.query('PRAGMA page_count').get() as { page_count: number }
    database.close()
    const full = openSessionStore(place.path, { maxPages: pages })
    const long = 'x'.repeat(100_000)
    full.beginTurn({ id: 'r', sessionId: 's', prompt: 'p', startedAt: 1 })
    expect(failure(() => full.endTurn('r', outcome({ answer: long })))).toContain('the disk is full')
    // Nothing of it is half written, and what was there is there.
    expect(full.turns('s')).toMatchObject([{ status: 'running', answer: '' }])
    store.endTurn('r', outcome({ answer: long }))
    expect(full.turns('s')).toMatchObject([{ status: 'completed', answer: long }])
    full.close()
  })

  test('locked for longer than it waits', () => {
    using place = stage()
    const store = openSessionStore(place.path, { busyMs: 50 })
    const other = new Database(place.path)
    other.exec('BEGIN IMMEDIATE')
    expect(failure(() => store.create(session('s')))).toContain('is held by another process for too long')
    other.exec('COMMIT')
    other.close()
    store.create(session('s'))
    expect(store.get('s')?.id).toBe('s')
    store.close()
  })

  test('in a place that is no folder', () => {
    using place = stage()
    writeFileSync(join(place.folder, 'home'), '')
    expect(failure(() => openSessionStore(place.path))).toContain('cannot be opened')
    expect(existsSync(place.path)).toBe(false)
  })

  // Root may write to everything, so there it is looked at whether nothing is broken by it.
  test('not ours to write', () => {
    using place = stage()
    const store = place.open()
    store.create(session('s'))
    store.close()
    chmodSync(place.path, 0o400)
    chmodSync(dirname(place.path), 0o500)
    try {
      const told = failure(() => openSessionStore(place.path).create(session('t')))
      if (process.getuid?.() !== 0) expect(told).toMatch(/cannot be (opened|written to)/)
    } finally {
      chmodSync(dirname(place.path), 0o700)
    }
  })
})

function failure(work: () => unknown): string {
  try {
    work()
    return ''
  } catch (error) {
    expect(error).toBeInstanceOf(ClinvkError)
    expect((error as ClinvkError).code).toBe('store_failed')
    return (error as ClinvkError).message
  }
}
