import { describe, expect, test } from 'bun:test'
import { createChannel } from '../../src/process/channel.ts'

const settled = async (promise: Promise<unknown>): Promise<boolean> =>
  await Promise.race([promise.then(() => true), Bun.sleep(5).then(() => false)])

describe('createChannel', () => {
  test('gives items in order, then the end', async () => {
    const channel = createChannel<number>()
    for (const item of [1, 2, 3]) await channel.push(item)
    channel.end()
    expect(await Array.fromAsync(channel)).toEqual([1, 2, 3])
  })

  test('keeps the order while items come and go in numbers', async () => {
    const channel = createChannel<number>()
    const read: number[] = []
    const reader = channel[Symbol.asyncIterator]()
    let pushed = 0
    for (let round = 0; round < 100; round += 1) {
      for (let count = 0; count < 7 + (round % 5); count += 1) void channel.push(pushed++)
      for (let count = 0; count < 6; count += 1) read.push(Number((await reader.next()).value))
    }
    channel.end()
    for (let next = await reader.next(); !next.done; next = await reader.next()) read.push(next.value)
    expect(read).toEqual(Array.from({ length: pushed }, (_, index) => index))
  })

  test('gives what was queued before it gives the error', async () => {
    const channel = createChannel<number>()
    await channel.push(1)
    channel.end(new Error('broken'))
    channel.end(new Error('too late'))
    const seen: number[] = []
    const read = async () => {
      for await (const item of channel) seen.push(item)
    }
    await expect(read()).rejects.toThrow('broken')
    expect(seen).toEqual([1])
  })

  test('holds the writer while it is full, until the reader has made room', async () => {
    const channel = createChannel<string>(10)
    expect(await settled(channel.push('a', 9))).toBe(true)
    const full = channel.push('b', 9)
    expect(await settled(full)).toBe(false)
    const reader = channel[Symbol.asyncIterator]()
    await reader.next()
    expect(await settled(full)).toBe(true)
  })

  test('lets a waiting writer go when the reader leaves or the channel ends', async () => {
    for (const stop of ['discard', 'end'] as const) {
      const channel = createChannel<string>(1)
      const full = channel.push('a', 5)
      channel[stop]()
      expect(await settled(full)).toBe(true)
      expect(await settled(channel.push('b', 5))).toBe(true)
    }
  })

  test('does not let one slow reader hold up a writer that others need, within a limit', async () => {
    let needed = false
    const channel = createChannel<string>(10, {
      patienceMs: 5,
      limit: 40,
      isNeeded: () => needed,
      tooSlow: () => new Error('too slow'),
    })
    const full = channel.push('a', 10)
    await Bun.sleep(20)
    expect(await settled(full)).toBe(false)
    needed = true
    await full
    expect(await settled(channel.push('b', 20))).toBe(true)
    expect(channel.ended).toBe(false)
    expect(await settled(channel.push('c', 20))).toBe(true)
    expect(channel.ended).toBe(true)
    const seen: string[] = []
    const read = async () => {
      for await (const item of channel) seen.push(item)
    }
    await expect(read()).rejects.toThrow('too slow')
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  test('is patient again with a reader that has caught up', async () => {
    const channel = createChannel<string>(10, {
      patienceMs: 5,
      limit: 1000,
      isNeeded: () => true,
      tooSlow: () => new Error('too slow'),
    })
    await channel.push('a', 10)
    const reader = channel[Symbol.asyncIterator]()
    await reader.next()
    const full = channel.push('b', 10)
    expect(await Promise.race([full.then(() => 'let go'), Promise.resolve('held')])).toBe('held')
    await full
  })

  test('wakes a reader that waits when it is discarded', async () => {
    const channel = createChannel<string>()
    const next = channel[Symbol.asyncIterator]().next()
    channel.discard()
    expect(await next).toEqual({ done: true, value: undefined })
  })
})
