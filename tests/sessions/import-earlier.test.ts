import { describe, expect, test } from 'bun:test'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { importEarlier } from '../../src/sessions/import-earlier.ts'
import { session, stage } from './support.ts'

const FILE = {
  id: '0123456789abcdef0123456789abcdef',
  backend: 'claude',
  created_at: '2026-01-02T03:04:05.678901234Z',
  last_used: '2026-02-02T03:04:05+01:00',
  working_dir: '/work/a',
  backend_session_id: 'agent-1',
  model: 'opus',
  initial_prompt: 'First words',
  status: 'active',
  turn_count: 3,
  token_usage: { input_tokens: 10, output_tokens: 4, cached_tokens: 2 },
  tags: ['x', 'y'],
  title: 'A title',
  parent_id: 'ffff456789abcdef0123456789abcdef',
  metadata: { key: 'value' },
}

function withFiles(files: Record<string, unknown>) {
  const made = stage()
  const folder = join(made.folder, 'sessions')
  mkdirSync(folder)
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))
  return { made, folder }
}

describe('sessions of the earlier program', () => {
  test('are taken over with all that is known of them, and their files stay as they are', () => {
    const { made, folder } = withFiles({ [`${FILE.id}.json`]: FILE })
    using _ = made
    const store = made.open()
    const before = readFileSync(join(folder, `${FILE.id}.json`), 'utf8')
    expect(importEarlier(store, folder, 0)).toEqual([])
    expect(store.get(FILE.id)).toEqual({
      id: FILE.id,
      backend: 'claude',
      agentSessionId: 'agent-1',
      model: 'opus',
      workdir: '/work/a',
      title: 'A title',
      tags: ['x', 'y'],
      metadata: { key: 'value' },
      status: 'completed',
      parent: FILE.parent_id,
      options: { model: 'opus' },
      createdAt: Date.parse('2026-01-02T03:04:05.678Z'),
      lastUsedAt: Date.parse('2026-02-02T02:04:05Z'),
      initialPrompt: 'First words',
      turnCount: 3,
      usage: { inputTokens: 10, outputTokens: 4, cachedTokens: 2, reasoningTokens: 0 },
    })
    expect(readFileSync(join(folder, `${FILE.id}.json`), 'utf8')).toBe(before)
    expect(readdirSync(folder)).toHaveLength(1)
  })

  test('are taken over once: what was changed or deleted since stays so, and new files are found', () => {
    const { made, folder } = withFiles({
      'a.json': { ...FILE, id: 'aaaa' },
      'b.json': { ...FILE, id: 'bbbb' },
    })
    using _ = made
    importEarlier(made.open(), folder, 0)
    const store = made.open()
    store.remove('aaaa')
    store.change('bbbb', { title: 'Mine' })
    writeFileSync(join(folder, 'c.json'), JSON.stringify({ ...FILE, id: 'cccc' }))
    importEarlier(store, folder, 0)
    expect(store.get('aaaa')).toBeUndefined()
    expect(store.get('bbbb')?.title).toBe('Mine')
    expect(store.get('cccc')?.title).toBe('A title')
  })

  test('that say little are taken over with what they say', () => {
    const { id, backend, created_at, last_used, working_dir } = FILE
    const { made, folder } = withFiles({
      'a.json': { id, backend, created_at, last_used, working_dir, tags: null, token_usage: null, title: '' },
    })
    using _ = made
    const store = made.open()
    expect(importEarlier(store, folder, 0)).toEqual([])
    expect(store.get(id)).toMatchObject({ tags: [], turnCount: 0, options: {}, metadata: {} })
    expect(store.get(id)).not.toHaveProperty('title')
  })

  test('that are none are named, and keep no other from being taken over', () => {
    const { made, folder } = withFiles({
      'broken.json': '{',
      'list.json': [],
      'other.json': { id: 'x' },
      'path.json': { ...FILE, id: '../x' },
      'time.json': { ...FILE, last_used: 'yesterday' },
      'good.json': FILE,
      'notes.txt': 'none',
    })
    using _ = made
    const store = made.open()
    const wrong = importEarlier(store, folder, 0)
    expect(wrong.map((text) => text.split(':')[0]).sort()).toEqual([
      'broken.json',
      'list.json',
      'other.json',
      'path.json',
      'time.json',
    ])
    expect(store.list({ limit: 10 }).total).toBe(1)
  })

  test('are left alone where they are older than what is kept, or have an id of ours', () => {
    const { made, folder } = withFiles({
      'old.json': { ...FILE, id: 'old1' },
      'ours.json': { ...FILE, id: 'ours', last_used: '2026-03-01T00:00:00Z' },
    })
    using _ = made
    const store = made.open()
    store.create(session('ours', { title: 'Ours' }))
    expect(importEarlier(store, folder, Date.parse('2026-02-20'))).toEqual([])
    expect(store.get('old1')).toBeUndefined()
    expect(store.get('ours')?.title).toBe('Ours')
  })

  test('need not be there', () => {
    using made = stage()
    expect(importEarlier(made.open(), join(made.folder, 'none'), 0)).toEqual([])
  })
})
