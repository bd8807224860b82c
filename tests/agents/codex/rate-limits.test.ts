import { describe, expect, test } from 'bun:test'
import { createRateLimits } from '../../../src/agents/codex/rate-limits.ts'

describe('the limits of an account', () => {
  test.each([
    ['none is told', {}, undefined],
    ['none is used up', { primary: { usedPercent: 99, resetsAt: 20 } }, undefined],
    ['one is used up', { primary: { usedPercent: 100, resetsAt: 20 } }, 10_000],
    [
      'both are used up: the later one counts',
      { primary: { usedPercent: 100, resetsAt: 20 }, secondary: { usedPercent: 120, resetsAt: 30 } },
      20_000,
    ],
    ['it was reset meanwhile', { primary: { usedPercent: 100, resetsAt: 9 } }, undefined],
    ['its reset is not told', { primary: { usedPercent: 100, resetsAt: null } }, undefined],
  ])('%s', (_when, snapshot, expected) => {
    const limits = createRateLimits()
    limits.update(snapshot)
    expect(limits.retryAfterMs(10_000)).toBe(expected)
  })

  test('a sparse update leaves the rest as it was', () => {
    const limits = createRateLimits()
    limits.update({ primary: { usedPercent: 100, resetsAt: 20 } })
    limits.update({ primary: null, secondary: { usedPercent: 1, resetsAt: 99 } })
    expect(limits.retryAfterMs(10_000)).toBe(10_000)
  })
})
