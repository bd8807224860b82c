import { describe, expect, test } from 'bun:test'
import { median, percentile, ratio, summarize, tally } from '../../bench/stats.ts'

describe('percentile', () => {
  test('is a value, or lies between two in proportion', () => {
    expect(percentile([30, 10, 20], 50)).toBe(20)
    expect(percentile([10, 20], 25)).toBe(12.5)
    expect(percentile([1, 2, 3, 4, 5], 95)).toBeCloseTo(4.8)
    expect(percentile([7], 95)).toBe(7)
  })

  test('of nothing is a mistake', () => {
    expect(() => median([])).toThrow('nothing to summarize')
  })
})

test('a summary has the middle and the ends', () => {
  expect(summarize([5, 1, 4, 2, 3])).toEqual({ count: 5, median: 3, q1: 2, q3: 4, min: 1, max: 5 })
})

describe('ratio', () => {
  test("is the middle of the rounds' own ratios", () => {
    expect(ratio([1, 20, 3], [4, 16, 4])).toEqual({ value: 0.75, q1: 0.5, q3: 1 })
  })

  test('needs the same rounds', () => {
    expect(() => ratio([1], [1, 2])).toThrow('same rounds')
  })
})

test('a tally counts, most often first', () => {
  expect(tally(['cold', 'spare', 'spare'])).toEqual([
    ['spare', 2],
    ['cold', 1],
  ])
})
