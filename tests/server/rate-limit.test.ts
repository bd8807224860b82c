import { describe, expect, test } from 'bun:test'
import { createRateLimiter } from '../../src/server/rate-limit.ts'

describe('the rate limiter', () => {
  test('lets a burst in, then one for each that is earned', () => {
    let now = 0
    const take = createRateLimiter({ rps: 2, burst: 3, forgetMs: 60_000 }, () => now)
    expect([take('a'), take('a'), take('a')]).toEqual([undefined, undefined, undefined])
    expect(take('a')).toBe(500)
    now = 400
    expect(take('a')).toBe(100)
    now = 500
    expect(take('a')).toBeUndefined()
    expect(take('a')).toBe(500)
  })

  test('saves no more than a burst', () => {
    let now = 0
    const take = createRateLimiter({ rps: 2, burst: 2, forgetMs: 60_000 }, () => now)
    take('a')
    now = 50_000
    expect([take('a'), take('a'), take('a')]).toEqual([undefined, undefined, 500])
  })

  test('counts every caller by itself', () => {
    const take = createRateLimiter({ rps: 1, burst: 1, forgetMs: 60_000 }, () => 0)
    expect([take('a'), take('b'), take('a')]).toEqual([undefined, undefined, 1000])
  })

  test('forgets who stays away, and nobody else', () => {
    let now = 0
    const take = createRateLimiter({ rps: 0.001, burst: 1, forgetMs: 1000 }, () => now)
    take('gone')
    now = 900
    take('here')
    now = 1000
    expect(take('gone')).toBeUndefined()
    expect(take('here')).toBeGreaterThan(0)
  })
})
