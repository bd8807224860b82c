import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSessionStore } from '../../src/sessions/store.ts'
import type { NewSession, SessionStore, TurnOutcome } from '../../src/sessions/types.ts'

/** A store in a folder of its own. */
export function stage() {
  const folder = mkdtempSync(join(tmpdir(), 'clinvk-store-'))
  const path = join(folder, 'home', 'clinvk.db')
  const opened: SessionStore[] = []
  return {
    folder,
    path,
    open() {
      const store = openSessionStore(path)
      opened.push(store)
      return store
    },
    [Symbol.dispose]() {
      for (const store of opened) store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const session = (id: string, more: Partial<NewSession> = {}): NewSession => ({
  id,
  backend: 'fake',
  workdir: '/w',
  tags: [],
  metadata: {},
  options: {},
  createdAt: 1000,
  ...more,
})

export const outcome = (more: Partial<TurnOutcome> = {}): TurnOutcome => ({
  answer: 'An answer.',
  tools: [],
  status: 'completed',
  stopReason: 'end_turn',
  endedAt: 3000,
  ...more,
})
