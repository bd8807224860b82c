import { describe, expect, test } from 'bun:test'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { type BodyLimits, readBody } from '../../src/server/body.ts'

const LIMITS: BodyLimits = { maxBytes: 1000, timeoutMs: 0 }
const ENCODERS = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync, zstd: zstdCompressSync }

describe('readBody', () => {
  test('joins what arrives in pieces', async () => {
    expect(await read(chunks('{"a":', '1', '}'))).toBe('{"a":1}')
  })

  test('takes a body of exactly the limit and refuses one byte more, whatever it says its length is', async () => {
    expect(await read(chunks('x'.repeat(600), 'y'.repeat(400)))).toHaveLength(1000)
    await expect(read(chunks('x'.repeat(600), 'y'.repeat(401)))).rejects.toMatchObject({ status: 413 })
  })

  test('refuses a length that is too large before anything is read', async () => {
    let pulled = 0
    const body = new ReadableStream({ pull: () => void pulled++ }, { highWaterMark: 0 })
    await expect(read(body, { 'content-length': '1001' })).rejects.toMatchObject({
      code: 'payload_too_large',
      details: { max_bytes: 1000 },
    })
    expect(pulled).toBe(0)
  })

  test('has no limit where 0 is configured', async () => {
    expect(await read(chunks('x'.repeat(5000)), {}, { maxBytes: 0, timeoutMs: 0 })).toHaveLength(5000)
  })

  test('stops asking for more once the limit is passed', async () => {
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1
          controller.enqueue(new Uint8Array(400))
        },
      },
      { highWaterMark: 0 },
    )
    await expect(read(endless)).rejects.toMatchObject({ status: 413 })
    expect(pulled).toBe(3)
  })

  test('gives up on a body that does not arrive', async () => {
    const silent = new ReadableStream<Uint8Array>({})
    await expect(read(silent, {}, { maxBytes: 0, timeoutMs: 5 })).rejects.toMatchObject({ status: 408 })
  })

  test('is cancelled when the client leaves', async () => {
    const client = new AbortController()
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        client.abort()
        controller.error(client.signal.reason)
      },
    })
    await expect(read(body, {}, LIMITS, client.signal)).rejects.toMatchObject({ code: 'cancelled' })
  })

  for (const [name, encode] of Object.entries(ENCODERS)) {
    test(`undoes ${name}`, async () => {
      expect(await read(encode(Buffer.from('{"a":"€"}')), { 'content-encoding': name })).toBe('{"a":"€"}')
    })

    test(`measures what ${name} decodes to, not what was sent`, async () => {
      const bomb = encode(Buffer.alloc(1001))
      expect(bomb.byteLength).toBeLessThan(1000)
      await expect(read(bomb, { 'content-encoding': name })).rejects.toMatchObject({ status: 413 })
    })

    test(`refuses ${name} that is broken, cut off or followed by more`, async () => {
      const good = encode(Buffer.from('{"a":1}'))
      for (const bad of [
        Buffer.from('nonsense'),
        good.subarray(0, -3),
        Buffer.concat([good, Buffer.from('junk')]),
      ])
        await expect(read(bad, { 'content-encoding': name })).rejects.toMatchObject({
          code: 'invalid_request',
          message: expect.stringContaining(name),
        })
    })
  }

  test('undoes several encodings in the order that they were applied in', async () => {
    const body = brotliCompressSync(gzipSync(Buffer.from('twice')))
    expect(await read(body, { 'content-encoding': 'gzip, br' })).toBe('twice')
  })

  test('refuses an encoding it does not know and says which it does', async () => {
    await expect(read('x', { 'content-encoding': 'lzma' })).rejects.toMatchObject({
      status: 415,
      details: { accept_encoding: 'gzip, deflate, br, zstd' },
    })
  })
})

async function read(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
  headers: Record<string, string> = {},
  limits: BodyLimits = LIMITS,
  signal?: AbortSignal,
): Promise<string> {
  const init = { method: 'POST', body, headers, ...(signal ? { signal } : {}) }
  return new TextDecoder().decode(await readBody(new Request('http://localhost/', init), limits))
}

function chunks(...texts: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const text of texts) controller.enqueue(new TextEncoder().encode(text))
      controller.close()
    },
  })
}
