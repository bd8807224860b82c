import { describe, expect, test } from 'bun:test'
import { createEnding } from '../../src/engine/ending.ts'
import { shuttingDown } from '../../src/errors.ts'

/** Longer than any test. */
const FOR_EVER = 3_600_000
const reason = shuttingDown()

/** An end, with how often it took its first step. */
function stage() {
  const left: unknown[] = []
  const ending = createEnding(async (why) => void left.push(why))
  return { ending, left }
}

/** Whether a promise has settled, once everything has happened that can without time passing. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let over = false
  void promise.then(() => {
    over = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  return over
}

describe('a drain', () => {
  test('is over when what is under way is, and what began meanwhile', async () => {
    const { ending } = stage()
    const [one, two] = [ending.begin(), ending.begin()]
    const drained = ending.drain(FOR_EVER, reason)
    one()
    expect(await settled(drained)).toBe(false)
    const late = ending.begin()
    two()
    expect(await settled(drained)).toBe(false)
    late()
    expect(await settled(drained)).toBe(true)
  })

  test('lets nothing begin and cancels nothing, once', async () => {
    const { ending, left } = stage()
    await ending.drain(FOR_EVER, reason)
    await ending.drain(FOR_EVER, shuttingDown(5000))
    expect(left).toEqual([reason])
    expect([ending.leaving.reason, ending.closing.aborted]).toEqual([reason, false])
  })

  test('waits no longer than it may', async () => {
    const { ending } = stage()
    ending.begin()
    await ending.drain(1, reason)
    expect(ending.closing.aborted).toBe(false)
  })
})

describe('a close', () => {
  test('cancels what is under way, and waits for it', async () => {
    const { ending, left } = stage()
    const over = ending.begin()
    const closed = ending.close(FOR_EVER)
    expect([ending.leaving.aborted, ending.closing.aborted, left.length]).toEqual([true, true, 1])
    expect(await settled(closed)).toBe(false)
    over()
    await closed
  })

  test('waits no longer than it may', async () => {
    const { ending } = stage()
    ending.begin()
    await ending.close(1)
  })
})
