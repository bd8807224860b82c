import { describe, expect, test } from 'bun:test'
import type { ImageReader } from '../../../src/server/chat/images.ts'
import { refusal, said, translate } from './support.ts'

const PNG = Buffer.from('\x89PNG').toString('base64')
const PDF = Buffer.from('%PDF-1').toString('base64')
const base64 = (media_type: string, data: string) => ({ type: 'base64', media_type, data })
const image = { type: 'image', source: base64('image/png', PNG) }

/** What a block of a user's message becomes. */
async function parts(block: object, readImage?: ImageReader) {
  const [message] = await said({ role: 'user', content: [block] }, readImage)
  return message?.role === 'user' ? message.parts : []
}

describe('toParts', () => {
  test('takes images in base64', async () => {
    expect(await parts(image)).toEqual([{ type: 'image', mediaType: 'image/png', data: PNG }])
  })

  test('has images and documents read that come as addresses', async () => {
    const read: unknown[] = []
    const readImage: ImageReader = async (...asked) => {
      read.push(asked)
      return { type: 'text', text: 'read' }
    }
    const source = { type: 'url', url: 'https://example.com/x' }
    expect(await parts({ type: 'image', source }, readImage)).toEqual([{ type: 'text', text: 'read' }])
    await parts({ type: 'document', source, title: 'X' }, readImage)
    expect(read).toEqual([
      [source.url, 'messages[0].content[0].source.url'],
      [source.url, 'messages[0].content[0].source.url', 'X'],
    ])
  })

  test('takes PDFs as documents, with their title and what is told of them', async () => {
    const source = base64('application/pdf', PDF)
    expect(await parts({ type: 'document', source, title: 'Report', context: 'From May.' })).toEqual([
      { type: 'text', text: 'From May.' },
      { type: 'document', mediaType: 'application/pdf', data: PDF, name: 'Report' },
    ])
    expect(await parts({ type: 'document', source, title: null, citations: { enabled: false } })).toEqual([
      { type: 'document', mediaType: 'application/pdf', data: PDF },
    ])
  })

  test('takes texts as text', async () => {
    const source = { type: 'text', media_type: 'text/plain', data: 'words' }
    expect(await parts({ type: 'document', source })).toEqual([{ type: 'text', text: 'words' }])
    expect(await parts({ type: 'document', source, title: 'Note' })).toEqual([
      { type: 'text', text: 'Note:\n\nwords' },
    ])
  })

  test('takes documents of blocks', async () => {
    const source = { type: 'content', content: [{ type: 'text', text: 'words' }, image] }
    expect(await parts({ type: 'document', source, title: 'Mix' })).toEqual([
      { type: 'text', text: 'Mix:' },
      { type: 'text', text: 'words' },
      { type: 'image', mediaType: 'image/png', data: PNG },
    ])
    expect(await parts({ type: 'document', source: { type: 'content', content: 'all' } })).toEqual([
      { type: 'text', text: 'all' },
    ])
  })

  test('takes search results with their title and source', async () => {
    const content = [
      { type: 'text', text: 'one' },
      { type: 'text', text: 'two' },
    ]
    expect(await parts({ type: 'search_result', source: 'https://a.b', title: 'T', content })).toEqual([
      { type: 'text', text: 'T (https://a.b):\n\none\n\ntwo' },
    ])
  })

  test('takes images that a tool gave back', async () => {
    const messages = [
      { role: 'user', content: 'go' },
      { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'see', input: {} }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'a', content: [image] }] },
    ]
    expect((await translate({ messages })).messages.at(-1)).toMatchObject({
      role: 'tool',
      parts: [{ type: 'image', mediaType: 'image/png', data: PNG }],
    })
  })

  const refused: [string, object][] = [
    ['messages[0].content[0].source is not base64', { type: 'image', source: base64('image/png', '*') }],
    ['messages[0].content[0].source is "image/tiff"', { type: 'image', source: base64('image/tiff', PNG) }],
    [
      'messages[0].content[0].source.type is "file", expected one of "base64", "url".',
      { type: 'image', source: { type: 'file', file_id: 'f' } },
    ],
    [
      'messages[0].content[0].source.url is an http(s) URL, and this server fetches none',
      { type: 'image', source: { type: 'url', url: 'https://example.com/x.png' } },
    ],
  ]
  test('is told where it asks for citations that agents do not give', async () => {
    const block = { type: 'document', source: { type: 'text', data: 'x' }, citations: { enabled: true } }
    const { withoutEffect } = await translate({ messages: [{ role: 'user', content: [block] }] })
    expect(withoutEffect).toEqual(['citations'])
  })

  for (const [message, block] of refused)
    test(`refuses ${JSON.stringify(block)}`, async () => {
      const error = await refusal({ messages: [{ role: 'user', content: [block] }] })
      expect(error.message).toStartWith(message)
    })
})
