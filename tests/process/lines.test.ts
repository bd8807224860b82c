import { describe, expect, test } from 'bun:test'
import { ClinvkError } from '../../src/errors.ts'
import { readJsonLines, readLines } from '../../src/process/lines.ts'

async function* chunks(...pieces: (string | number[])[]): AsyncGenerator<Uint8Array, void> {
  for (const piece of pieces)
    yield typeof piece === 'string' ? new TextEncoder().encode(piece) : new Uint8Array(piece)
}

const all = async <T>(items: AsyncIterable<T>): Promise<T[]> => await Array.fromAsync(items)

describe('readLines', () => {
  test('puts a line together from its chunks and keeps a last one without an end', async () => {
    expect(await all(readLines(chunks('on', 'e\ntw', 'o\r\n', '\nthree')))).toEqual([
      'one',
      'two',
      '',
      'three',
    ])
  })

  test('keeps a character whole whose bytes arrive apart', async () => {
    expect(await all(readLines(chunks([0xe2, 0x82], [0xac, 10], [0xf0, 0x9f], [0x98], [0x80])))).toEqual([
      '€',
      '😀',
    ])
  })

  test('does not see a line end inside a chunk that the runtime reuses afterwards', async () => {
    const shared = new Uint8Array(2)
    async function* reused(): AsyncGenerator<Uint8Array, void> {
      shared.set([97, 98])
      yield shared
      shared.set([99, 10])
      yield shared
    }
    expect(await all(readLines(reused()))).toEqual(['abc'])
  })

  test('leaves a mark of the byte order out at the start of every line, and nowhere else', async () => {
    const mark = '\ufeff'
    const input = chunks(`${mark}a\n${mark}b${mark}\n${mark}c\r\n${mark}`, 'd')
    expect(await all(readLines(input))).toEqual(['a', `b${mark}`, 'c', 'd'])
  })

  test('keeps what is no UTF-8 in its line', async () => {
    expect(await all(readLines(chunks([0xe2, 0x82, 10, 0x41, 10, 0xff, 10, 0xac, 0x42])))).toEqual([
      '\ufffd',
      'A',
      '\ufffd',
      '\ufffdB',
    ])
  })

  test('reads a line of 50 MB', async () => {
    const block = 'x'.repeat(1024 * 1024)
    const [line, next] = await all(readLines(chunks(...Array<string>(50).fill(block), '\nnext\n')))
    expect(line?.length).toBe(50 * 1024 * 1024)
    expect(next).toBe('next')
  })

  test('refuses a line beyond the limit, also one that never ends', async () => {
    await expect(all(readLines(chunks('12345\n'), 4))).rejects.toThrow(ClinvkError)
    await expect(all(readLines(chunks('123', '45'), 4))).rejects.toThrow('more than 4 bytes')
    await expect(all(readLines(chunks('1\n1234\n12345\n1\n'), 4))).rejects.toThrow('more than 4 bytes')
    expect(await all(readLines(chunks('1\n1234\n123\n1234\n'), 4))).toEqual(['1', '1234', '123', '1234'])
    expect(await all(readLines(chunks('1234\n123', '4'), 4))).toEqual(['1234', '1234'])
  })
})

describe('readJsonLines', () => {
  test('hands over objects and sets everything else aside', async () => {
    const garbage: string[] = []
    const input = chunks('{"a":1}\nLoaded credentials.\n\n[1]\n{"b":\n  {"c":2}\n')
    expect(await all(readJsonLines(input, (line) => garbage.push(line)))).toEqual([{ a: 1 }, { c: 2 }])
    expect(garbage).toEqual(['Loaded credentials.', '[1]', '{"b":'])
  })

  test('gives a program up that writes no end of anything else, though not one that writes a log', async () => {
    const log = `${'spam '.repeat(100_000)}\n`
    const input = chunks('{"a":1}\n', log, '{"b":2}\n', log, log, '{"c":3}\n')
    expect(await all(readJsonLines(input))).toEqual([{ a: 1 }, { b: 2 }, { c: 3 }])
    for (const endless of [log, '\n'.repeat(500_000)])
      await expect(all(readJsonLines(chunks(endless, endless, endless)))).rejects.toThrow('not its protocol')
    const lines: string[] = []
    await all(readJsonLines(chunks(log, log, log), (line) => lines.push(line)))
    expect(lines).toHaveLength(3)
  })
})
