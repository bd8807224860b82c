import { describe, expect, test } from 'bun:test'
import { clientAddress, createTrustCheck } from '../../src/server/client-address.ts'

describe('clientAddress', () => {
  const trust = createTrustCheck(['10.0.0.0/8', 'fd00::/8', '192.0.2.1'])
  const cases: [name: string, remote: string, headers: Record<string, string>, address: string][] = [
    ['a stranger is who it is', '1.1.1.1', {}, '1.1.1.1'],
    [
      'a stranger cannot say who it is',
      '1.1.1.1',
      { 'x-forwarded-for': '2.2.2.2', 'x-real-ip': '3.3.3.3' },
      '1.1.1.1',
    ],
    ['a proxy tells its client', '10.1.1.1', { 'x-forwarded-for': '2.2.2.2' }, '2.2.2.2'],
    ['a proxy without a word is its own client', '10.1.1.1', {}, '10.1.1.1'],
    [
      'what the client made up is left of what counts',
      '10.1.1.1',
      { 'x-forwarded-for': '9.9.9.9, 2.2.2.2' },
      '2.2.2.2',
    ],
    [
      'proxies in a row are passed',
      '10.1.1.1',
      { 'x-forwarded-for': '9.9.9.9, 2.2.2.2, 192.0.2.1, 10.3.3.3' },
      '2.2.2.2',
    ],
    ['nonsense ends the chain', '10.1.1.1', { 'x-forwarded-for': '2.2.2.2, unknown, 10.3.3.3' }, '10.3.3.3'],
    [
      'ports and brackets do not matter',
      '::ffff:10.1.1.1',
      { 'x-forwarded-for': '2.2.2.2:1234, [fd00::2]:80' },
      '2.2.2.2',
    ],
    ['X-Real-IP counts where there is no other', '10.1.1.1', { 'x-real-ip': '2.2.2.2' }, '2.2.2.2'],
    [
      'X-Forwarded-For wins over X-Real-IP',
      '10.1.1.1',
      { 'x-real-ip': '3.3.3.3', 'x-forwarded-for': '2.2.2.2' },
      '2.2.2.2',
    ],
  ]
  for (const [name, remote, headers, address] of cases)
    test(name, () => {
      expect(clientAddress(remote, new Headers(headers), trust)).toBe(address)
    })

  for (const entry of ['proxy', '10.0.0.0/', '10.0.0.0/x', '10.0.0.0/99', ''])
    test(`${JSON.stringify(entry)} is no proxy to trust`, () => {
      expect(() => createTrustCheck([entry])).toThrow(/^server\.trusted_proxies: /)
    })
})
