import { expect, test } from 'bun:test'
import { readOpened } from '../../bench/pool.ts'

test('sessions of a backend are counted, however they came by a process', () => {
  const opened = { spare: 2, cold: 1 }
  expect(readOpened({ backends: { claude: { opened } } }, 'claude')).toBe(3)
  expect(readOpened({ backends: [{ name: 'claude', opened }] }, 'claude')).toBe(3)
  expect(readOpened({ backends: [] }, 'claude')).toBe(0)
  expect(readOpened({}, 'claude')).toBeUndefined()
})
