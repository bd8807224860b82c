import { describe, expect, test } from 'bun:test'
import type { InputPart } from '../../../src/agents/types.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { createImageReader } from '../../../src/server/chat/images.ts'

const PNG = Buffer.from('\x89PNG\r\n\x1a\nrest', 'latin1')
const read = createImageReader({
  fetchImages: true,
  fetch: async (url) => {
    if (url.endsWith('/gone')) throw new Error('its server answered with status 404')
    if (url.endsWith('/bytes')) return { mediaType: 'application/octet-stream', bytes: PNG }
    return { mediaType: url.endsWith('/page') ? 'text/html' : 'image/webp', bytes: Buffer.from('abc') }
  },
})

describe('an image reader', () => {
  const good: [url: string, part: InputPart][] = [
    ['data:image/png;base64,AAAA', { type: 'image', mediaType: 'image/png', data: 'AAAA' }],
    ['DATA:IMAGE/JPG;Base64,AAAA', { type: 'image', mediaType: 'image/jpeg', data: 'AAAA' }],
    ['data:image/gif;name=x.gif;base64,AAA', { type: 'image', mediaType: 'image/gif', data: 'AAA=' }],
    ['data:image/webp;base64,AA\nA_-A==', { type: 'image', mediaType: 'image/webp', data: 'AAA/+A==' }],
    [
      'data:application/pdf;base64,AAAA',
      { type: 'document', mediaType: 'application/pdf', data: 'AAAA', name: 'f.pdf' },
    ],
    ['data:text/markdown;base64,aGk=', { type: 'text', text: 'f.pdf:\n\nhi' }],
    ['data:,a%20b', { type: 'text', text: 'f.pdf:\n\na b' }],
    ['https://x.test/a', { type: 'image', mediaType: 'image/webp', data: 'YWJj' }],
    ['http://x.test/bytes', { type: 'image', mediaType: 'image/png', data: PNG.toString('base64') }],
  ]
  test.each(good)('makes a part of %p', async (url, part) => {
    expect(await read(url, 'x', 'f.pdf')).toEqual(part)
  })

  test('is done soon with data that looks like no end of padding', async () => {
    const data = '='.repeat(3_000_000)
    expect(await read(`data:image/png;base64,AAA${data}`, 'x')).toMatchObject({ data: 'AAA=' })
    await expect(read(`data:image/png;base64,AAA${data}!`, 'x')).rejects.toThrow('is not base64')
  })

  test('leaves a name out where there is none', async () => {
    expect(await read('data:application/pdf;base64,AAAA', 'x')).toEqual({
      type: 'document',
      mediaType: 'application/pdf',
      data: 'AAAA',
    })
  })

  const bad: [url: string, message: string][] = [
    ['data:image/bmp;base64,AAAA', 'url is "image/bmp", expected one of image/png'],
    ['data:image/png;base64,', 'url holds no data.'],
    ['data:image/png;base64,§§§§', 'url is not base64.'],
    ['data:image/png;base64,AAAAA', 'url is not base64.'],
    ['data:image/png;base64', 'url is a data: URL without data.'],
    ['data:,%zz', 'url is a data: URL that is not well formed.'],
    ['data:text/plain;base64,/w==', 'url is not UTF-8 text.'],
    ['file:///etc/passwd', 'url must be a data: URL or an http(s) one.'],
    ['AAAA', 'url must be a data: URL or an http(s) one.'],
    ['https://x.test/gone', 'url cannot be fetched: its server answered with status 404.'],
  ]
  test.each(bad)('refuses %p', async (url, message) => {
    const error = await failure(read(url, 'url'))
    expect(error.code).toBe('invalid_request')
    expect(error.message).toStartWith(message)
    expect(error.details['errors']).toMatchObject([{ path: 'url' }])
  })

  test('fetches an address once, and not too many for one request', async () => {
    let fetched = 0
    const counting = createImageReader({
      fetchImages: true,
      fetch: async () => {
        fetched += 1
        return { mediaType: 'image/png', bytes: PNG }
      },
    })
    for (let index = 0; index < 40; index += 1) await counting(`https://x.test/${index % 20}`, 'url')
    expect(fetched).toBe(20)
    expect((await failure(counting('https://x.test/more', 'url'))).message).toContain('20 addresses at most')
  })

  test('stops where all that a request names is too large', async () => {
    const large = createImageReader({
      fetchImages: true,
      fetch: async () => ({ mediaType: 'image/png', bytes: new Uint8Array(17 * 1024 * 1024) }),
    })
    await large('https://x.test/1', 'url')
    expect((await failure(large('https://x.test/2', 'url'))).message).toContain('32 MiB together')
  })

  test('fetches nothing unless the operator says so', async () => {
    let fetched = 0
    const careful = createImageReader({
      fetchImages: false,
      fetch: async () => {
        fetched += 1
        return { mediaType: 'image/png', bytes: PNG }
      },
    })
    expect((await failure(careful('https://x.test/a', 'url'))).message).toContain('chat.fetch_images')
    expect(await careful('data:image/png;base64,AAAA', 'url')).toMatchObject({ type: 'image' })
    expect(fetched).toBe(0)
  })
})

async function failure(promise: Promise<unknown>): Promise<ClinvkError> {
  const outcome = await promise.catch((error: unknown) => error)
  if (outcome instanceof ClinvkError) return outcome
  throw new Error(`expected a ClinvkError, got ${Bun.inspect(outcome)}`)
}
