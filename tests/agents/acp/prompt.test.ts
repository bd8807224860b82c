import { describe, expect, test } from 'bun:test'
import { toPrompt, ZERO_WIDTH_SPACE } from '../../../src/agents/acp/prompt.ts'
import type { InputPart } from '../../../src/agents/types.ts'

const options = { backend: 'fake', commandMark: /^[/$]/, images: true }
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
      { type: 'text', text: '<system_instructions>\nBe brief.\n</system_instructions>\n\n' },
      { type: 'text', text: '/help' },
    ])
  })
})

test('an image is refused where the agent takes none', () => {
  expect(() => toPrompt([image], { ...options, images: false })).toThrow('images: fake takes no images.')
})
