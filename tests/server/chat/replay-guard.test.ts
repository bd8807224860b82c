import { describe, expect, test } from 'bun:test'
import { ClinvkError } from '../../../src/errors.ts'
import { abandoned, createReplayGuard, isReplay } from '../../../src/server/chat/replay-guard.ts'

const failure = new ClinvkError('agent_failed', 'It failed.')
const none = new Headers()

describe('the key of a request', () => {
  const guard = createReplayGuard()
  const usual = () => guard.keyOf(new Headers({ authorization: 'Bearer a' }), 'e', 'm', [{ role: 'user' }])

  test('is the same for an equal request, whatever else its headers say', async () => {
    const headers = new Headers({
      authorization: 'Bearer a',
      'x-stainless-retry-count': '2',
      'user-agent': 'x',
    })
    expect(await guard.keyOf(headers, 'e', 'm', [{ role: 'user' }])).toBe(await usual())
  })

  const others: [what: string, key: Promise<string>][] = [
    ['key', guard.keyOf(new Headers({ authorization: 'Bearer b' }), 'e', 'm', [{ role: 'user' }])],
    ['kind of key', guard.keyOf(new Headers({ 'x-api-key': 'Bearer a' }), 'e', 'm', [{ role: 'user' }])],
    ['endpoint', guard.keyOf(new Headers({ authorization: 'Bearer a' }), 'f', 'm', [{ role: 'user' }])],
    ['model', guard.keyOf(new Headers({ authorization: 'Bearer a' }), 'e', 'n', [{ role: 'user' }])],
    ['messages', guard.keyOf(new Headers({ authorization: 'Bearer a' }), 'e', 'm', [{ role: 'tool' }])],
    [
      'profile',
      guard.keyOf(new Headers({ authorization: 'Bearer a', 'x-clinvk-profile': 'full' }), 'e', 'm', [
        { role: 'user' },
      ]),
    ],
  ]
  test.each(others)('differs with the %s', async (_, key) => {
    expect(await key).not.toBe(await usual())
  })

  test('tells nothing of the key', async () => {
    expect(await usual()).not.toContain('Bearer')
  })
})

describe('a replay guard', () => {
  test('recalls a failure until its time is over', () => {
    let now = 0
    const guard = createReplayGuard({ keepMs: 100, now: () => now })
    guard.remember('a', failure)
    now = 99
    expect(guard.recall('a', none)).toEqual(failure)
    expect(guard.recall('b', none)).toBeUndefined()
    now = 100
    expect(guard.recall('a', none)).toBeUndefined()
  })

  test('says when it lets the request in again, where the failure says to come back earlier', () => {
    let now = 0
    const guard = createReplayGuard({ keepMs: 100, now: () => now })
    const limited = (retryAfterMs: number) =>
      new ClinvkError('upstream_rate_limited', 'Slow down.', { retryAfterMs, upstreamStatus: 429 })
    const told = guard.remember('a', limited(10))
    expect(told).toMatchObject({ code: 'upstream_rate_limited', retryAfterMs: 100, upstreamStatus: 429 })
    now = 60
    expect(guard.recall('a', none)?.retryAfterMs).toBe(40)
    expect(guard.remember('b', limited(5000)).retryAfterMs).toBe(5000)
  })

  test('takes an abandoned request for a retry where it says so, or comes soon', () => {
    let now = 0
    const guard = createReplayGuard({ now: () => now })
    guard.remember('a', abandoned())
    const retry = new Headers({ 'x-stainless-retry-count': '1' })
    const fresh = new Headers({ 'x-stainless-retry-count': '0' })
    now = 14_000
    expect([none, fresh, retry].map((headers) => guard.recall('a', headers)?.status)).toEqual([409, 409, 409])
    now = 16_000
    expect([none, fresh, retry].map((headers) => guard.recall('a', headers)?.status)).toEqual([
      undefined,
      undefined,
      409,
    ])
  })

  test('knows what it tells once more', () => {
    const guard = createReplayGuard()
    const told = guard.remember('a', failure)
    expect([isReplay(told), isReplay(guard.recall('a', none) ?? told)]).toEqual([false, true])
  })

  test('recalls nothing for a request that switches it off', () => {
    const guard = createReplayGuard()
    guard.remember('a', failure)
    expect(guard.recall('a', new Headers({ 'x-clinvk-replay': 'Off' }))).toBeUndefined()
    expect(guard.recall('a', none)).toEqual(failure)
  })

  test('forgets what was successful since', () => {
    const guard = createReplayGuard()
    guard.remember('a', failure)
    guard.forget('a')
    expect(guard.recall('a', none)).toBeUndefined()
  })

  test('keeps the newest where there are too many', () => {
    const guard = createReplayGuard({ most: 2 })
    for (const key of ['a', 'b', 'a', 'c']) guard.remember(key, failure)
    expect(['a', 'b', 'c'].map((key) => guard.recall(key, none) !== undefined)).toEqual([true, false, true])
  })
})
