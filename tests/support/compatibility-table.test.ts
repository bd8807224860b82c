import { expect, test } from 'bun:test'
import { toTable, withTried } from './compatibility-table.ts'

const line = (agent: string, version: string, on = '2026-01-01', failed = 0) => ({
  agent,
  version,
  on,
  passed: 9,
  failed,
})

test('a version that was tried again has one line, the newest version of an agent comes first', () => {
  const page = toTable([
    line('codex', '0.9.0'),
    line('claude', '2.1.9', '2026-01-01', 3),
    line('codex', '0.10.0'),
  ])
  const again = toTable(withTried(page, [line('claude', '2.1.9', '2026-02-02')]))
  expect(again.split('\n').filter((row) => /^\| (claude|codex)/.test(row))).toEqual([
    '| claude | 2.1.9 | 2026-02-02 | 9 | 0 |',
    '| codex | 0.10.0 | 2026-01-01 | 9 | 0 |',
    '| codex | 0.9.0 | 2026-01-01 | 9 | 0 |',
  ])
})

test('a page that is not there yet has no lines', () => {
  expect(withTried('', [])).toEqual([])
})
