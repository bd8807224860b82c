import { expect, test } from 'bun:test'
import { callerOf } from '../../../src/server/chat/caller.ts'

const owner = (headers: Record<string, string>) => callerOf(new Headers(headers))

test('a key is one owner by whichever header it comes', async () => {
  const bearer = await owner({ authorization: 'Bearer kA' })
  expect(await owner({ 'x-api-key': 'kA' })).toBe(bearer)
  expect(await owner({ 'api-key': 'kA', authorization: 'bearer kA' })).toBe(bearer)
  expect(await owner({ 'x-api-key': 'kB' })).not.toBe(bearer)
  expect(await owner({})).not.toBe(bearer)
})

test('the same junk beside two keys does not make them one owner', async () => {
  const first = await owner({ authorization: 'Bearer kA', 'x-api-key': 'dummy' })
  expect(await owner({ authorization: 'Bearer kB', 'x-api-key': 'dummy' })).not.toBe(first)
  expect(await owner({ 'x-api-key': 'dummy' })).not.toBe(first)
})
