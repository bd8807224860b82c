import { expect, test } from 'bun:test'
import { createQueue } from '../../../src/agents/acp/one-by-one.ts'

test('work begins when the work before it has ended, even badly', async () => {
  const inTurn = createQueue()
  const log: string[] = []
  const first = Promise.withResolvers<void>()
  const one = inTurn(async () => {
    log.push('one begins')
    await first.promise
    log.push('one ends')
    throw new Error('one failed')
  })
  const two = inTurn(async () => {
    log.push('two')
    return 2
  })
  await Bun.sleep(20)
  expect(log).toEqual(['one begins'])
  first.resolve()
  await expect(one).rejects.toThrow('one failed')
  expect(await two).toBe(2)
  expect(log).toEqual(['one begins', 'one ends', 'two'])
})

test('work that never ends does not hold up all the rest', async () => {
  const inTurn = createQueue(10)
  void inTurn(() => new Promise(() => {}))
  expect(await inTurn(async () => 'next')).toBe('next')
})
