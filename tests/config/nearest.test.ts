import { expect, test } from 'bun:test'
import { nearest } from '../../src/config/nearest.ts'

const KEYS = ['host', 'port', 'request_timeout_secs', 'read_timeout_secs', 'max_workers']

test.each([
  ['prot', 'port'],
  ['hots', 'host'],
  ['requestTimeoutSecs', 'request_timeout_secs'],
  ['read-timeout-secs', 'read_timeout_secs'],
  ['READ_TIMEOUT', 'read_timeout_secs'],
  ['request', 'request_timeout_secs'],
  ['max_worker', 'max_workers'],
  ['workers', undefined],
  ['xyz', undefined],
  ['', undefined],
])('the key nearest to %j is %j', (word, key) => {
  expect(nearest(word, KEYS)).toBe(key)
})

test('of two candidates that are equally near the first one wins', () => {
  expect(nearest('bat', ['cat', 'rat'])).toBe('cat')
})
