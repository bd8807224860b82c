import { afterEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { markNotRun } from '../../src/engine/not-run.ts'
import { createRuns, type NumberedEvent, type RunStart, type Runs } from '../../src/engine/runs.ts'
import { ClinvkError, shuttingDown } from '../../src/errors.ts'
import { openRunStore } from '../../src/sessions/run-store.ts'
import type { RunStore } from '../../src/sessions/run-types.ts'
import { waitUntil } from '../support/processes.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

function stage() {
  const folder = mkdtempSync(join(tmpdir(), 'clinvk-runs-'))
  const path = join(folder, 'clinvk.db')
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }))
  const failures: string[] = []
  let processes = 0
  return {
    failures,
    path,
    /** Like a process that shares the store. */
    open(change: (store: RunStore) => RunStore = (store) => store) {
      processes += 1
      const store = change(openRunStore(path))
      const runs = createRuns(store, `p${processes}`, ({ message }) => failures.push(message))
      return { runs, store }
    },
  }
}

const never = new AbortController().signal
let ids = 0
/** A run of these events, each when it is told to come. */
function scripted(count: number, more: Partial<RunStart<string>> = {}) {
  ids += 1
  const control = new AbortController()
  let taken = 0
  let gate = Promise.withResolvers<void>()
  let open = false
  const start: RunStart<string> = {
    id: `run_${ids}`,
    kind: 'prompt',
    caller: 'me',
    about: { session_id: 's' },
    cancel: (reason) => control.abort(reason),
    detached: true,
    keepEvents: true,
    events: (async function* () {
      for (let index = 1; index <= count; index += 1) {
        if (!open) await Promise.race([gate.promise, aborted(control.signal)])
        if (control.signal.aborted) throw control.signal.reason
        taken += 1
        yield `event ${index}`
      }
    })(),
    ...more,
  }
  return {
    start,
    taken: () => taken,
    step() {
      const last = gate
      gate = Promise.withResolvers<void>()
      last.resolve()
    },
    goOn() {
      open = true
      gate.resolve()
    },
  }
}
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
const textsOf = (events: NumberedEvent<unknown>[]) => events.map(({ event }) => event)
const readAll = (runs: Runs, id: string, after = 0) => Array.fromAsync(runs.events(id, 'me', after, never))

describe('a run that is removed', () => {
  test('is gone with its events', async () => {
    const { runs, store } = stage().open()
    const run = scripted(3)
    run.goOn()
    const { run: begun } = runs.begin(run.start)
    await readAll(runs, begun.id)
    await waitUntil(async () => runs.find(begun.id, 'me').status === 'completed')
    expect(textsOf(runs.eventsSoFar(begun.id, 'me', 1))).toEqual(['event 2', 'event 3'])
    expect(() => runs.remove(begun.id, 'other')).toThrow('There is no run')
    runs.remove(begun.id, 'me')
    expect(() => runs.find(begun.id, 'me')).toThrow('There is no run')
    expect(() => runs.eventsSoFar(begun.id, 'me', 0)).toThrow('There is no run')
    expect(store.events(begun.id, 0, 10)).toEqual([])
    await runs.close()
  })

  test('while it is under way is found no more, and goes on for those who follow it', async () => {
    const here = stage()
    const { runs } = here.open()
    const other = here.open()
    const run = scripted(3)
    const { run: begun } = runs.begin(run.start)
    const followed = readAll(runs, begun.id)
    expect(() => other.runs.remove(begun.id, 'me')).toThrow('another server')
    runs.remove(begun.id, 'me')
    expect(() => runs.find(begun.id, 'me')).toThrow('There is no run')
    run.goOn()
    expect(textsOf(await followed)).toEqual(['event 1', 'event 2', 'event 3'])
    await runs.close()
    expect(other.store.get(begun.id)).toBeUndefined()
    expect(here.failures).toEqual([])
    await other.runs.close()
  })
})

describe('a run that goes on without a reader', () => {
  test('is kept to its end, and read from any place', async () => {
    const { runs } = stage().open()
    const run = scripted(1200)
    run.goOn()
    const { run: begun } = runs.begin(run.start)
    const all = await readAll(runs, begun.id)
    expect(all.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 1200 }, (_, index) => index + 1))
    expect(textsOf(await readAll(runs, begun.id, 1198))).toEqual(['event 1199', 'event 1200'])
    expect(runs.find(begun.id, 'me')).toMatchObject({
      status: 'completed',
      eventCount: 1200,
      endedAt: expect.any(Number),
    })
    await runs.close()
  })

  test('gives every event once to a reader that comes back after each', async () => {
    const { runs } = stage().open()
    const run = scripted(30)
    const { run: begun } = runs.begin(run.start)
    const seen: unknown[] = []
    for (let after = 0; after < 30; after += 1) {
      setTimeout(run.step, 0)
      const leaving = new AbortController()
      for await (const { sequence, event } of runs.events(begun.id, 'me', after, leaving.signal)) {
        expect(sequence).toBe(after + 1)
        seen.push(event)
        break
      }
      leaving.abort()
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, index) => `event ${index + 1}`))
    await runs.close()
  })

  test('is read while it runs by another process as well', async () => {
    const shared = stage()
    const [first, second] = [shared.open(), shared.open()]
    const run = scripted(3)
    const { run: begun } = first.runs.begin(run.start)
    const reading = readAll(second.runs, begun.id)
    run.goOn()
    expect(textsOf(await reading)).toEqual(['event 1', 'event 2', 'event 3'])
    await first.runs.close()
    await second.runs.close()
  })

  test('is cancelled, here and from another process', async () => {
    const shared = stage()
    const [first, second] = [shared.open(), shared.open()]
    for (const { runs } of [first, second]) {
      const run = scripted(3)
      const { run: begun } = first.runs.begin(run.start)
      run.step()
      await waitUntil(() => first.runs.find(begun.id, 'me').eventCount === 1)
      expect(await runs.cancel(begun.id, 'me')).toMatchObject({ status: 'cancelled', eventCount: 1 })
      expect(await readAll(runs, begun.id).catch(({ code }) => code)).toBe('cancelled')
      expect((await runs.cancel(begun.id, 'me')).status).toBe('cancelled')
    }
    await first.runs.close()
    await second.runs.close()
  })

  test('tells what it failed with behind its last event, with everything that dialects need', async () => {
    const { runs } = stage().open()
    const failure = new ClinvkError('upstream_rate_limited', 'Slow down.', {
      upstreamStatus: 429,
      details: { backend: 'x' },
    })
    const { run } = runs.begin({
      ...scripted(0).start,
      events: (async function* () {
        yield 'one'
        throw failure
      })(),
    })
    const seen: unknown[] = []
    const thrown = await (async () => {
      for await (const { event } of runs.events(run.id, 'me', 0, never)) seen.push(event)
    })().catch((error: unknown) => error)
    expect(seen).toEqual(['one'])
    expect(thrown).toMatchObject({
      code: 'upstream_rate_limited',
      message: 'Slow down.',
      status: 429,
      upstreamStatus: 429,
      retryable: true,
      details: { backend: 'x' },
    })
    expect(runs.find(run.id, 'me').status).toBe('failed')
    await runs.close()
  })
})

describe('a run that was refused before anything of it was run', () => {
  const refused = () =>
    markNotRun(new ClinvkError('queue_full', 'Too many.', { retryAfterMs: 7000, details: { backend: 'x' } }))
  const keyed = (error?: ClinvkError): RunStart<string> => ({
    ...scripted(0).start,
    idempotency: { key: 'k', hash: 'h' },
    events: (async function* () {
      if (error) throw error
      yield 'ran'
    })(),
  })

  test('frees its idempotency key, and tells when to come again', async () => {
    const { runs } = stage().open()
    const first = runs.begin(keyed(refused()))
    const error = await Array.fromAsync(first.events).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'queue_full', status: 429, retryable: true, retryAfterMs: 7000 })
    const second = runs.begin(keyed())
    expect(second.again).toBe(false)
    expect((await Array.fromAsync(second.events)).map(({ event }) => event)).toEqual(['ran'])
    expect(runs.begin(keyed())).toMatchObject({ again: true, run: { id: second.run.id } })
    await runs.close()
  })

  test('keeps its key where it was cancelled', async () => {
    const { runs } = stage().open()
    const first = runs.begin(keyed(markNotRun(new ClinvkError('cancelled', 'No more.'))))
    await Array.fromAsync(first.events).catch(() => {})
    expect(runs.begin(keyed()).again).toBe(true)
    await runs.close()
  })
})

test('a run that the end of the server cut is interrupted, and its key still names it', async () => {
  const { runs } = stage().open()
  const { start } = scripted(1)
  const { run } = runs.begin({ ...start, idempotency: { key: 'k', hash: 'h' } })
  start.cancel(shuttingDown())
  await waitUntil(() => runs.find(run.id, 'me').status !== 'running')
  expect(runs.find(run.id, 'me')).toMatchObject({ status: 'interrupted', error: { code: 'shutting_down' } })
  expect(runs.again({ key: 'k', hash: 'h' }, 'me')?.run.id).toBe(run.id)
  await runs.close()
})

describe('a run that belongs to its reader', () => {
  test('is slowed by it, and kept all the same', async () => {
    const { runs } = stage().open()
    const run = scripted(10, { detached: false })
    run.goOn()
    const { run: begun, events } = runs.begin(run.start)
    await events.next()
    await events.next()
    expect(run.taken()).toBe(2)
    const rest = await Array.fromAsync(events)
    expect(rest).toHaveLength(8)
    expect(textsOf(await readAll(runs, begun.id))).toHaveLength(10)
    await runs.close()
  })

  test('is cancelled when that leaves', async () => {
    const { runs } = stage().open()
    const run = scripted(10, { detached: false })
    run.goOn()
    const { run: begun, events } = runs.begin(run.start)
    for await (const _ of events) break
    expect(runs.find(begun.id, 'me')).toMatchObject({ status: 'cancelled', eventCount: 1 })
    await runs.close()
  })

  test('leaves no events behind where they are not to be kept', async () => {
    const { runs } = stage().open()
    const run = scripted(3, { detached: false, keepEvents: false })
    run.goOn()
    const { run: begun, events } = runs.begin(run.start)
    expect(await Array.fromAsync(events)).toHaveLength(3)
    expect(runs.find(begun.id, 'me')).toMatchObject({ status: 'completed', eventCount: 0 })
    await runs.close()
  })
})

describe('an idempotency key', () => {
  const key = (hash: string) => ({ idempotency: { key: 'k', hash } })

  test('begins one run, whatever asks again, while it runs and afterwards', async () => {
    const shared = stage()
    const [first, second] = [shared.open(), shared.open()]
    const run = scripted(2, key('h'))
    const begun = first.runs.begin(run.start)
    const twin = scripted(2, key('h'))
    const again = second.runs.begin(twin.start)
    expect([begun.again, again.again, again.run.id]).toEqual([false, true, begun.run.id])
    run.goOn()
    expect(textsOf(await Array.fromAsync(again.events))).toEqual(['event 1', 'event 2'])
    const later = first.runs.begin(scripted(2, key('h')).start)
    expect(textsOf(await Array.fromAsync(later.events))).toEqual(['event 1', 'event 2'])
    expect(twin.taken()).toBe(0)
    await first.runs.close()
    await second.runs.close()
  })

  test('is refused for another request, and is each caller own', async () => {
    const { runs } = stage().open()
    runs.begin(scripted(0, key('h')).start)
    const codeOf = (start: RunStart<string>) => {
      try {
        return runs.begin(start).again
      } catch (error) {
        return (error as ClinvkError).code
      }
    }
    expect(codeOf(scripted(0, key('other')).start)).toBe('idempotency_conflict')
    expect(codeOf(scripted(0, { ...key('other'), caller: 'you' }).start)).toBe(false)
    await runs.close()
  })
})

describe('runs', () => {
  test('are seen by those who began them alone', async () => {
    const { runs } = stage().open()
    const { run } = runs.begin(scripted(0).start)
    await readAll(runs, run.id)
    expect(runs.find(run.id, 'me').id).toBe(run.id)
    expect(() => runs.find(run.id, 'you')).toThrow('There is no run')
    expect(() => runs.events(run.id, undefined, 0, never)).toThrow('There is no run')
    expect(runs.list({ caller: 'you', limit: 9 }).total).toBe(0)
    expect(
      runs.list({ caller: 'me', limit: 9, status: 'completed', kind: 'prompt', session: 's' }).total,
    ).toBe(1)
    await runs.close()
  })

  test('of a process that died are marked, with all that was kept', async () => {
    const shared = stage()
    const { runs, store } = shared.open()
    const run = scripted(5)
    const { run: begun } = runs.begin(run.start)
    run.step()
    await waitUntil(() => runs.find(begun.id, 'me').eventCount === 1)
    const later = shared.open()
    expect(later.store.markInterrupted((holder) => holder !== 'p1', Date.now())).toEqual([begun.id])
    expect(later.runs.find(begun.id, 'me').status).toBe('interrupted')
    expect(await readAll(later.runs, begun.id).catch(({ code }) => code)).toBe('run_interrupted')
    expect(store.events(begun.id, 0, 9)).toHaveLength(1)
    run.goOn()
    await runs.close()
    await later.runs.close()
  })
})

describe('a store that fails', () => {
  test('for a while loses nothing', async () => {
    const shared = stage()
    let full = true
    const { runs } = shared.open((store) => ({
      ...store,
      append(id, events) {
        if (full) throw new ClinvkError('store_failed', 'Full.')
        store.append(id, events)
      },
    }))
    const run = scripted(4)
    const { run: begun } = runs.begin(run.start)
    run.step()
    await waitUntil(() => shared.failures.length > 0)
    full = false
    run.goOn()
    expect(textsOf(await readAll(runs, begun.id))).toEqual(['event 1', 'event 2', 'event 3', 'event 4'])
    await runs.close()
  })
})

test('the end of a run that the store does not take is kept when it does', async () => {
  const { open, failures, path: _ } = stage()
  let full = true
  const { runs } = open((store) => ({
    ...store,
    end(...ending) {
      if (full) throw new ClinvkError('store_failed', 'The disk is full.')
      store.end(...ending)
    },
  }))
  const { start, goOn } = scripted(2)
  runs.begin(start)
  goOn()
  const reading = readAll(runs, start.id)
  while (failures.length === 0) await Bun.sleep(5)
  expect(runs.find(start.id, 'me').status).toBe('running')
  full = false
  expect(textsOf(await reading)).toEqual(['event 1', 'event 2'])
  expect(runs.find(start.id, 'me').status).toBe('completed')
})

test('a run that another process took for dead comes back when its own goes on', async () => {
  const { open } = stage()
  const one = open()
  const other = open()
  const { start, goOn } = scripted(1)
  one.runs.begin(start)
  other.store.markInterrupted(() => false, Date.now() + 3_600_000)
  expect(other.runs.find(start.id, 'me').status).toBe('interrupted')
  await waitUntil(() => other.runs.find(start.id, 'me').status === 'running')
  goOn()
  await waitUntil(() => other.runs.find(start.id, 'me').status === 'completed')
})
