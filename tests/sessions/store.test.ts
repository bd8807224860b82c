import { describe, expect, test } from 'bun:test'
import { statSync } from 'node:fs'
import type { SessionStore } from '../../src/sessions/types.ts'
import { outcome, session, stage } from './support.ts'

describe('a session', () => {
  test('is kept with everything that it began with, over a restart', () => {
    using place = stage()
    const begun = session('ses_1', {
      model: 'm',
      title: 'T',
      tags: ['b', 'a', 'b'],
      metadata: { x: [1] },
      options: { approvalMode: 'auto' },
      parent: 'ses_0',
      agentSessionId: 'agent-1',
    })
    const first = place.open()
    first.create(begun)
    first.close()
    expect(place.open().get('ses_1')).toEqual({
      ...begun,
      tags: ['b', 'a'],
      status: 'idle',
      lastUsedAt: 1000,
      turnCount: 0,
      usage: {},
    })
  })

  test('adds up its turns', () => {
    using place = stage()
    const store = place.open()
    store.create(session('s'))
    store.beginTurn({ id: 'r1', sessionId: 's', prompt: 'one', startedAt: 2000 })
    expect(store.get('s')).toMatchObject({
      status: 'running',
      turnCount: 1,
      initialPrompt: 'one',
      lastUsedAt: 2000,
    })
    const usage = { inputTokens: 10, outputTokens: 2 }
    store.endTurn('r1', outcome({ usage, costUsd: 0.5, agentSessionId: 'a', agentVersion: '1', model: 'm' }))
    store.beginTurn({ id: 'r2', sessionId: 's', prompt: 'two', startedAt: 4000 })
    store.endTurn(
      'r2',
      outcome({ usage: { inputTokens: 5, reasoningTokens: 1 }, costUsd: 0.25, endedAt: 5000 }),
    )
    expect(store.get('s')).toMatchObject({
      status: 'completed',
      turnCount: 2,
      initialPrompt: 'one',
      lastUsedAt: 5000,
      usage: { inputTokens: 15, outputTokens: 2, reasoningTokens: 1 },
      costUsd: 0.75,
      agentSessionId: 'a',
      agentVersion: '1',
      model: 'm',
    })
    expect(store.turns('s').map(({ id, number, prompt }) => [id, number, prompt])).toEqual([
      ['r1', 1, 'one'],
      ['r2', 2, 'two'],
    ])
  })

  test('keeps of a turn what it said, did, took and failed with', () => {
    using place = stage()
    const store = place.open()
    store.create(session('s'))
    store.beginTurn({ id: 'r', sessionId: 's', prompt: 'p', startedAt: 2000 })
    const end = outcome({
      status: 'failed',
      tools: [{ id: 't', name: 'Read', input: { a: 1 }, output: 'x', isError: false }],
      error: { code: 'timeout', message: 'Too slow.' },
      usage: { inputTokens: 1 },
    })
    store.endTurn('r', end)
    expect(store.turns('s')).toEqual([
      { id: 'r', sessionId: 's', number: 1, prompt: 'p', startedAt: 2000, ...end },
    ])
  })

  test('is changed in its title and tags', () => {
    using place = stage()
    const store = place.open()
    store.create(session('s', { title: 'old', tags: ['a'] }))
    expect(store.change('s', { title: 'new' })).toMatchObject({ title: 'new', tags: ['a'] })
    expect(store.change('s', { title: null, tags: ['c', 'b'] })).toMatchObject({ tags: ['c', 'b'] })
    expect(store.get('s')).not.toHaveProperty('title')
    expect(store.change('none', { title: 'x' })).toBeUndefined()
  })

  test('goes with its turns', () => {
    using place = stage()
    const store = place.open()
    store.create(session('s'))
    store.beginTurn({ id: 'r', sessionId: 's', prompt: 'p', startedAt: 1 })
    expect([store.remove('s'), store.remove('s')]).toEqual([true, false])
    expect([store.get('s'), store.turns('s')]).toEqual([undefined, []])
  })

  test('is found by the beginning of its id, whatever that holds', () => {
    using place = stage()
    const store = place.open()
    for (const id of ['ses_ab1', 'ses_ab2', 'ses_ab3', 'ses_b', '%']) store.create(session(id))
    expect(store.startingWith('ses_b').map(({ id }) => id)).toEqual(['ses_b'])
    expect(store.startingWith('ses_ab')).toHaveLength(2)
    expect(store.startingWith('%').map(({ id }) => id)).toEqual(['%'])
    expect(store.startingWith('ses%')).toEqual([])
  })
})

describe('the list', () => {
  const filled = (store: SessionStore) => {
    for (let index = 0; index < 5; index += 1)
      store.create(
        session(`s${index}`, {
          createdAt: 1000 + index,
          backend: index < 2 ? 'claude' : 'codex',
          tags: index === 3 ? ['t'] : [],
          workdir: index === 4 ? '/other' : '/w',
          ...(index === 1 ? { title: 'About Whales' } : {}),
        }),
      )
    store.beginTurn({ id: 'r', sessionId: 's2', prompt: 'Where are the WHALES?', startedAt: 1002 })
    store.endTurn('r', outcome({ endedAt: 1002 }))
    return store
  }
  const ids = (store: SessionStore, filter: object) =>
    store.list({ limit: 10, ...filter }).sessions.map(({ id }) => id)

  test('has the last used first, and every filter', () => {
    using place = stage()
    const store = filled(place.open())
    expect(ids(store, {})).toEqual(['s4', 's3', 's2', 's1', 's0'])
    expect(ids(store, { backend: 'claude' })).toEqual(['s1', 's0'])
    expect(ids(store, { status: 'completed' })).toEqual(['s2'])
    expect(ids(store, { tag: 't' })).toEqual(['s3'])
    expect(ids(store, { workdir: '/other' })).toEqual(['s4'])
    expect(ids(store, { text: 'whales' })).toEqual(['s2', 's1'])
    expect(ids(store, { text: 'whales', backend: 'claude' })).toEqual(['s1'])
    expect(ids(store, { text: '%' })).toEqual([])
  })

  test('comes in pages, by offset or by cursor, which holds its place', () => {
    using place = stage()
    const store = filled(place.open())
    const first = store.list({ limit: 2 })
    expect([first.total, first.sessions.map(({ id }) => id)]).toEqual([5, ['s4', 's3']])
    expect(ids(store, { limit: 2, offset: 2 })).toEqual(['s2', 's1'])
    store.remove('s4')
    store.create(session('new', { createdAt: 9000 }))
    const second = store.list({ limit: 2, after: first.next ?? '' })
    expect(second.sessions.map(({ id }) => id)).toEqual(['s2', 's1'])
    const last = store.list({ limit: 2, after: second.next ?? '' })
    expect([last.sessions.map(({ id }) => id), last.next]).toEqual([['s0'], undefined])
  })
})

describe('a lock', () => {
  test('is held by one process, until it lets go or its time is over', () => {
    using place = stage()
    const [a, b] = [place.open(), place.open()]
    a.create(session('s'))
    const soon = Date.now() + 60_000
    expect([a.lock('s', 'A', soon), b.lock('s', 'B', soon), a.lock('s', 'A', soon)]).toEqual([
      true,
      false,
      true,
    ])
    b.unlock('s', 'B')
    expect(b.lock('s', 'B', soon)).toBe(false)
    a.unlock('s', 'A')
    expect(b.lock('s', 'B', Date.now() - 1)).toBe(true)
    expect(a.lock('s', 'A', soon)).toBe(true)
  })
})

describe('turns that run in no process any more', () => {
  test('are marked, those of living processes are not', () => {
    using place = stage()
    const store = place.open()
    const soon = Date.now() + 60_000
    for (const [id, holder] of [
      ['s1', 'dead'],
      ['s2', 'alive'],
      ['s3', 'alive'],
    ] as const) {
      store.create(session(id))
      store.lock(id, holder, id === 's3' ? Date.now() - 1 : soon)
      store.beginTurn({ id: `r-${id}`, sessionId: id, prompt: 'p', startedAt: 1 })
    }
    expect(store.markInterrupted((holder) => holder === 'alive', Date.now())).toEqual(['s1', 's3'])
    expect(['s1', 's2', 's3'].map((id) => store.get(id)?.status)).toEqual([
      'interrupted',
      'running',
      'interrupted',
    ])
    expect(store.turns('s1')[0]).toMatchObject({ status: 'interrupted', endedAt: expect.any(Number) })
  })
})

describe('retention', () => {
  test('removes what was used before, but nothing that runs', () => {
    using place = stage()
    const store = place.open()
    for (const [id, createdAt] of [
      ['old', 10],
      ['busy', 10],
      ['new', 30],
    ] as const)
      store.create(session(id, { createdAt }))
    store.beginTurn({ id: 'r', sessionId: 'busy', prompt: 'p', startedAt: 10 })
    expect(store.removeOlderThan(20)).toEqual(['old'])
    expect(store.list({ limit: 9 }).total).toBe(2)
  })
})

test('nobody else can read the files', () => {
  using place = stage()
  place.open().create(session('s'))
  for (const end of ['', '-wal', '-shm']) expect(statSync(place.path + end).mode & 0o777).toBe(0o600)
})

test('texts are found in letters of any alphabet, and tags with half characters are told as one', () => {
  using made = stage()
  const store = made.open()
  store.create(session('a', { title: 'ÄPFEL und Birnen', tags: ['\ud800', '\udfff', 'x'] }))
  for (const text of ['ÄPFEL', 'BIRNEN', 'und birnen']) expect(store.list({ limit: 1, text }).total).toBe(1)
  expect(store.get('a')?.tags).toEqual(['\ufffd', 'x'])
})
