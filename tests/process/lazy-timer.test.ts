import { expect, test } from 'bun:test'
import { createLazyTimer } from '../../src/process/lazy-timer.ts'

test('fires once for each start', async () => {
  let fired = Promise.withResolvers<void>()
  let times = 0
  const timer = createLazyTimer(() => {
    times += 1
    fired.resolve()
  })
  for (const count of [1, 2]) {
    timer.start(1)
    await fired.promise
    fired = Promise.withResolvers()
    await Bun.sleep(5)
    expect(times).toBe(count)
  }
})

test('does not fire when it is stopped, started anew for later, or ended', async () => {
  let times = 0
  const timer = createLazyTimer(() => {
    times += 1
  })
  timer.start(1)
  timer.stop()
  await Bun.sleep(5)
  timer.start(1)
  timer.start(60_000)
  await Bun.sleep(5)
  timer.end()
  timer.start(1)
  timer.end()
  await Bun.sleep(5)
  expect(times).toBe(0)
})

test('fires sooner where it is started for sooner', async () => {
  const fired = Promise.withResolvers<void>()
  const timer = createLazyTimer(() => fired.resolve())
  timer.start(60_000)
  timer.start(1)
  await fired.promise
})
