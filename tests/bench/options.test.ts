import { expect, test } from 'bun:test'
import { parseOptions } from '../../bench/options.ts'

test('options are read', () => {
  expect(parseOptions(['--only', '1,3', '--rounds', '9', '--quick', '--out', 'x.md'])).toEqual({
    only: [1, 3],
    rounds: 9,
    quick: true,
    out: 'x.md',
  })
  expect(parseOptions([])).toEqual({ only: undefined, rounds: undefined, quick: false, out: undefined })
})

test('what makes no sense is refused', () => {
  expect(() => parseOptions(['--rounds', '0'])).toThrow('--rounds: "0"')
  expect(() => parseOptions(['--only', '1,x'])).toThrow('--only: "x"')
  expect(() => parseOptions(['--fast'])).toThrow()
})
