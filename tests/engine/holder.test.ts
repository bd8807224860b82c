import { expect, test } from 'bun:test'
import { hostname } from 'node:os'
import { holderLives, newHolder } from '../../src/engine/holder.ts'

test('a process is known by a name of its own', () => {
  expect(newHolder()).not.toBe(newHolder())
})

test('a process may live unless it is known that it does not', async () => {
  const ours = newHolder()
  const child = Bun.spawn(['sleep', '60'])
  const of = (pid: number, host = hostname()) => `${pid}:${host}:some-other`
  expect(holderLives(ours, ours)).toBe(true)
  expect(holderLives(of(child.pid), ours)).toBe(true)
  child.kill()
  await child.exited
  expect(holderLives(of(child.pid), ours)).toBe(false)
  expect(holderLives(of(child.pid, 'elsewhere'), ours)).toBe(true)
  // The first process of a container that is started again has the number of the one before.
  expect(holderLives(of(process.pid), ours)).toBe(false)
})
