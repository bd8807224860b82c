import { describe, expect, test } from 'bun:test'
import { countWords, fromContentBlocks, toTokens } from '../../../src/agents/demo/prompt.ts'
import { toToken } from '../../../src/agents/demo/turn.ts'

describe('words joined again are the text, unchanged', () => {
  const cases: [string, string[]][] = [
    ['', []],
    ['one', ['one']],
    ['one two', ['one', ' two']],
    ['  a\n\n\tb  ', ['  a', '\n\n\tb  ']],
    [' \n ', [' \n ']],
    ['👩‍👩‍👧 日本語 e\u0301', ['👩‍👩‍👧', ' 日本語', ' e\u0301']],
  ]
  test.each(cases)('%p', (text, words) => {
    expect(toTokens(text)).toEqual(words)
    expect(toTokens(text).join('')).toBe(text)
  })
})

test('words are counted by the white space between them', () => {
  expect([countWords(''), countWords(' \n'), countWords(' a  b\nc ')]).toEqual([0, 0, 3])
})

test('a token of a given size has exactly that many bytes and ends with its number', () => {
  expect([toToken(7), toToken(7, 4), toToken(12, 2), toToken(123, 1)]).toEqual(['token7 ', '...7', '12', '3'])
})

test('directives are read from the last text, attachments are described by type and size', () => {
  const prompt = fromContentBlocks([
    { type: 'text', text: 'context' },
    { type: 'text', text: 'question' },
    { type: 'image', mimeType: 'image/png', data: btoa('12345') },
    { type: 'resource_link', name: 'a', uri: 'file:///a' },
    { type: 'resource', resource: { uri: 'file:///b', text: 'b' } },
  ])
  expect(prompt).toEqual({
    text: 'context\nquestion',
    lastText: 'question',
    attachments: ['image/png, 5 bytes', 'link to file:///a', 'resource file:///b'],
  })
})
