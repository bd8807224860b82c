import { expect, test } from 'bun:test'
import { IN_MEMORY } from '../../src/sessions/database.ts'
import { openRunStore } from '../../src/sessions/run-store.ts'

test.each([1, 31, 32, 33, 100])('keeps %d events that are appended at once, in order', (count) => {
  const store = openRunStore(IN_MEMORY)
  const about = { kind: 'prompt', caller: undefined, about: {}, createdAt: 1, holder: 'p1', heldUntil: 2 }
  store.begin({ id: 'run_1', ...about })
  const events = Array.from({ length: count }, (_, index) => ({
    sequence: index + 1,
    at: 10 + index,
    event: { type: 'text', text: `piece ${index}` },
  }))
  store.append('run_1', events)
  expect(store.events('run_1', 0, 1000)).toEqual(events)
  expect(store.get('run_1')?.eventCount).toBe(count)
  store.close()
})
