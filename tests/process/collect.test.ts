import { expect, test } from 'bun:test'
import { collectText } from '../../src/process/collect.ts'

async function* endless(piece: string, taken: { bytes: number }): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    taken.bytes += piece.length
    yield new TextEncoder().encode(piece)
  }
}

test('keeps a character whole whose bytes arrive apart', async () => {
  async function* apart(): AsyncGenerator<Uint8Array, void> {
    yield new Uint8Array([0xe2, 0x82])
    yield new Uint8Array([0xac])
  }
  expect(await collectText(apart(), 3)).toBe('€')
})

test('reads no further than the limit', async () => {
  const taken = { bytes: 0 }
  await expect(collectText(endless('spam\n', taken), 1024)).rejects.toThrow('more than 1 KiB')
  expect(taken.bytes).toBeLessThan(1024 + 10)
})
