import { describe, expect, test } from 'bun:test'
import { each } from '../../src/engine/each.ts'

describe('each', () => {
  test('turns items into others, in order, and takes none ahead', async () => {
    const { items, log } = source(3)
    const doubled = each(items, { item: (item) => item * 2, ended: () => log.push('ended') })
    expect(log).toEqual([])
    expect(await doubled.next()).toEqual({ done: false, value: 2 })
    expect(log).toEqual(['1'])
    expect(await Array.fromAsync(doubled)).toEqual([4, 6])
    expect(await doubled.next()).toEqual({ done: true, value: undefined })
    expect(log).toEqual(['1', '2', '3', 'closed', 'ended'])
  })

  test('ends what the items come from when its reader leaves, once', async () => {
    const { items, log } = source(3)
    const passed = each(items, { item: String, ended: () => log.push('ended'), left: () => log.push('left') })
    for await (const _ of passed) break
    await passed.return()
    expect(log).toEqual(['1', 'closed', 'left'])
    expect(await passed.next()).toEqual({ done: true, value: undefined })
  })

  test('touches nothing where its reader leaves before the first', async () => {
    const { items, log } = source(3)
    const passed = each(items, { item: String, left: () => log.push('left') })
    await passed.return()
    expect(await Array.fromAsync(passed)).toEqual([])
    expect(log).toEqual([])
  })

  test('throws what the items fail with, or ends with what stands for it', async () => {
    const failing = () => source(1, new Error('broken')).items
    await expect(Array.fromAsync(each(failing(), { item: String }))).rejects.toThrow('broken')
    const told = each(failing(), { item: String, failed: (error) => `${error}` })
    expect(await Array.fromAsync(told)).toEqual(['1', 'Error: broken'])
  })

  test('ends what the items come from when it fails itself', async () => {
    const { items, log } = source(3)
    const fail = () => {
      throw new Error('ours')
    }
    await expect(Array.fromAsync(each(items, { item: fail }))).rejects.toThrow('ours')
    expect(log).toEqual(['1', 'closed'])
    const atEnd = each(source(1).items, { item: String, ended: fail })
    expect(await atEnd.next()).toMatchObject({ value: '1' })
    await expect(atEnd.next()).rejects.toThrow('ours')
    expect(await atEnd.next()).toEqual({ done: true, value: undefined })
  })
})

function source(count: number, failure?: Error) {
  const log: string[] = []
  const items = (async function* () {
    try {
      for (let item = 1; item <= count; item += 1) {
        log.push(String(item))
        yield item
      }
      if (failure) throw failure
    } finally {
      log.push('closed')
    }
  })()
  return { items, log }
}
