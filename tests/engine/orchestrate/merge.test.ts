import { describe, expect, test } from 'bun:test'
import { merge } from '../../../src/engine/orchestrate/merge.ts'

/** Sources that give `names[i]` three times, with a record of what was begun, taken and left. */
function sources(...names: string[]) {
  const log: string[] = []
  async function* source(name: string): AsyncGenerator<string, void> {
    log.push(`begin ${name}`)
    try {
      for (let count = 1; count <= 3; count++) {
        log.push(`${name}${count}`)
        yield `${name}${count}`
      }
    } finally {
      log.push(`end ${name}`)
    }
  }
  const queue = names.values()
  const begin = () => {
    const next = queue.next()
    return next.done ? undefined : source(next.value)
  }
  return { begin, log }
}
const nothing = () => {}

describe('merge', () => {
  test('passes everything on, each source in its order and all of them in turn', async () => {
    const { begin } = sources('a', 'b')
    expect(await Array.fromAsync(merge(begin, 2, nothing))).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'b3'])
  })

  test('runs no more than it may at a time, and begins the next when one has ended', async () => {
    const { begin, log } = sources('a', 'b', 'c')
    expect(await Array.fromAsync(merge(begin, 1, nothing))).toHaveLength(9)
    expect(log.filter((line) => /begin|end/.test(line))).toEqual([
      'begin a',
      'end a',
      'begin b',
      'end b',
      'begin c',
      'end c',
    ])
  })

  test('takes one item of each ahead of its reader, and not a second one', async () => {
    const { begin, log } = sources('a', 'b', 'c')
    const merged = merge(begin, 2, nothing)
    await merged.next()
    await Bun.sleep(5)
    expect(log).toEqual(['begin a', 'a1', 'begin b', 'b1'])
    await merged.return()
  })

  test('does not let a silent source hold up the others', async () => {
    const speak = Promise.withResolvers<void>()
    async function* silent(): AsyncGenerator<string, void> {
      await speak.promise
      yield 'late'
    }
    const { begin } = sources('a')
    let given = false
    const merged = merge(
      () => {
        if (given) return begin()
        given = true
        return silent()
      },
      2,
      nothing,
    )
    const first = [await merged.next(), await merged.next(), await merged.next()]
    expect(first.map(({ value }) => value)).toEqual(['a1', 'a2', 'a3'])
    speak.resolve()
    expect(await Array.fromAsync(merged)).toEqual(['late'])
  })

  test('ends what runs when its reader leaves, after saying so, and begins nothing more', async () => {
    const { begin, log } = sources('a', 'b', 'c')
    const merged = merge(begin, 2, () => log.push('abandoned'))
    await merged.next()
    await merged.return()
    expect(log).toEqual(['begin a', 'a1', 'begin b', 'b1', 'abandoned', 'end a', 'end b'])
  })

  test('abandons nothing where all have ended', async () => {
    const { begin, log } = sources('a')
    await Array.fromAsync(merge(begin, 1, () => log.push('abandoned')))
    expect(log).not.toContain('abandoned')
  })

  test('passes an error on and ends the others', async () => {
    const { begin, log } = sources('a')
    async function* broken(): AsyncGenerator<string, void> {
      yield 'x'
      throw new Error('broken')
    }
    const all = [broken, begin].values()
    const merged = merge(() => all.next().value?.() ?? undefined, 2, nothing)
    await expect(Array.fromAsync(merged)).rejects.toThrow('broken')
    expect(log).toContain('end a')
  })
})
