import { expect, test } from 'bun:test'
import type { BackendInfo } from '../../../src/engine/types.ts'
import { createHealthLook } from '../../../src/server/meta/health.ts'
import { backend } from '../support.ts'

test('looks at most once a second, for all who ask', async () => {
  let time = 0
  const looks: (number | undefined)[] = []
  const look = createHealthLook(
    {
      async backends(withinMs) {
        looks.push(withinMs)
        return [backend({ name: `look ${looks.length}` })]
      },
    },
    () => time,
  )
  const names = async () => (await look()).map(({ name }) => name)
  expect(await Promise.all([names(), names()])).toEqual([['look 1'], ['look 1']])
  time = 999
  expect(await names()).toEqual(['look 1'])
  time = 1000
  expect(await names()).toEqual(['look 2'])
  expect(looks.every((withinMs) => withinMs !== undefined)).toBe(true)
})

test('looks again after a look that failed', async () => {
  let fails = true
  const look = createHealthLook(
    {
      async backends(): Promise<BackendInfo[]> {
        if (fails) throw new Error('broken')
        return []
      },
    },
    () => 0,
  )
  await expect(look()).rejects.toThrow('broken')
  fails = false
  expect(await look()).toEqual([])
})
