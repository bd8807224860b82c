import { expect, test } from 'bun:test'
import { tailOf } from '../../src/process/tail.ts'

test('the end of a text begins with a whole line, or a whole word where it is one line', () => {
  expect(tailOf('all of it', 9)).toBe('all of it')
  expect(tailOf('first line\nsecond line', 15)).toBe('second line')
  expect(tailOf('key sk-half-a-secret was refused', 22)).toBe('was refused')
  expect(tailOf('sk-half-a-secret', 10)).toBe('')
})
