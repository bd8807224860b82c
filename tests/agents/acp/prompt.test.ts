import { describe, expect, test } from 'bun:test'
import { toPrompt, ZERO_WIDTH_SPACE } from '../../../src/agents/acp/prompt.ts'
import type { InputPart } from '../../../src/agents/types.ts'

const options = { backend: 'fake', commandMark: /^[/$]/, images: true, boundary: 'ID' }
const text = (value: string): InputPart => ({ type: 'text', text: value })
const image: InputPart = { type: 'image', mediaType: 'image/png', data: 'AA==' }

describe('text in a prompt', () => {
  test.each(['hello', ' see /help', '@package.json', '-m x --yolo', '', '\u200B/help'])(
    'is sent as it is: %j',
    (value) => {
      expect(toPrompt([text(value)], options)).toEqual([{ type: 'text', text: value }])
    },
  )

  test.each(['/help', '  \n/memory show', '$init', '\uFEFF/help', '/usr/bin/env is missing'])(
    'is no command, whatever it begins with: %j',
    (value) => {
      const [block] = toPrompt([text(value)], options)
      expect(block).toEqual({ type: 'text', text: `${ZERO_WIDTH_SPACE}${value}` })
      expect(options.commandMark.test(block?.type === 'text' ? block.text.trim() : '/')).toBe(false)
    },
  )

  test('is no command either when it is spread over parts, or follows an image', () => {
    expect(toPrompt([text(' '), image, text('/he'), text('lp')], options)).toEqual([
      { type: 'text', text: ' ' },
      { type: 'image', mimeType: 'image/png', data: 'AA==' },
      { type: 'text', text: `${ZERO_WIDTH_SPACE}/he` },
      { type: 'text', text: 'lp' },
    ])
  })

  test('comes after the system prompt, and is as it was then', () => {
    expect(toPrompt([text('/help')], { ...options, systemPrompt: 'Be brief.' })).toEqual([
      { type: 'text', text: '<system_instructions-ID>\nBe brief.\n</system_instructions-ID>\n\n' },
      { type: 'text', text: '/help' },
    ])
  })
})

test('what was said before comes after the system prompt, and both are blocks before what is said now', () => {
  const history = [{ role: 'user', parts: [text('earlier'), image] }] as const
  const blocks = toPrompt([text('/now')], { ...options, systemPrompt: 'Be brief.', history })
  expect(blocks.map(({ type }) => type)).toEqual(['text', 'text', 'image', 'text', 'text'])
  const texts = blocks.map((block) => (block.type === 'text' ? block.text : ''))
  expect(texts[0]).toContain('Be brief.')
  expect(texts[1]).toContain('earlier')
  expect(blocks.at(-1)).toEqual({ type: 'text', text: '/now' })
})

describe('a document', () => {
  const pdf: InputPart = { type: 'document', mediaType: 'application/pdf', data: 'BB==', name: 'a b.pdf' }

  test('is an embedded resource for agents that pass those on', () => {
    expect(toPrompt([pdf], { ...options, documents: 'resource' })).toEqual([
      {
        type: 'resource',
        resource: { uri: 'file:///a%20b.pdf', mimeType: 'application/pdf', blob: 'BB==' },
      },
    ])
  })

  test('goes the way of images where that keeps it in its place', () => {
    expect(toPrompt([pdf], { ...options, documents: 'image' })).toEqual([
      { type: 'image', mimeType: 'application/pdf', data: 'BB==' },
    ])
  })

  test('is refused elsewhere, in earlier messages too', () => {
    expect(() => toPrompt([pdf], options)).toThrow('documents: fake takes no documents.')
    const history = [{ role: 'user', parts: [pdf] }] as const
    expect(() => toPrompt([text('x')], { ...options, history })).toThrow(
      'documents: fake takes no documents.',
    )
  })
})

test('an image is refused where the agent takes none', () => {
  expect(() => toPrompt([image], { ...options, images: false })).toThrow('images: fake takes no images.')
})
