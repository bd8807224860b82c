import { describe, expect, test } from 'bun:test'
import { parseJson } from '../../src/server/json.ts'

describe('parseJson', () => {
  test('reads JSON, with a byte order mark or without', () => {
    expect(parse('{"a":[1,"€"]}')).toEqual({ a: [1, '€'] })
    expect(parse('\ufeff{"a":1}')).toEqual({ a: 1 })
  })

  test('reads 200 levels, and says where there are more', () => {
    const nested = (levels: number, inside = '') => `${'['.repeat(levels)}${inside}${']'.repeat(levels)}`
    const strings = `${JSON.stringify('["\\')}, ${JSON.stringify('['.repeat(300))}, "\\u005b\\\\"`
    for (const text of [nested(200), nested(200, strings), `[${Array(300).fill('{"a":[]}').join()}]`])
      expect(JSON.stringify(parse(text))).toBe(JSON.stringify(JSON.parse(text)))
    for (const text of [nested(201), nested(100_000), `{"a":${nested(199, '{"b":1}')}}`])
      expect(() => parse(text)).toThrow(
        expect.objectContaining({
          code: 'invalid_json',
          message: 'The body is nested deeper than 200 levels.',
        }),
      )
  })

  const broken: [text: string, message: string][] = [
    ['', 'The body is empty; a JSON object is expected.'],
    [' ', 'Line 1, column 2: the text ends where a value was expected.'],
    ['{', 'Line 1, column 2: the text ends where a key or } was expected.'],
    ['{"a" 1}', 'Line 1, column 6: found "1" where : was expected.'],
    [
      '{"a":1 "b":2}',
      'Line 1, column 8: found a text that is not closed, or holds a character that must be escaped where , or } was expected.',
    ],
    ['{"a":1,\n  b: 2}', 'Line 2, column 3: found "b" where a key was expected.'],
    ['[1,]', 'Line 1, column 4: found "]" where a value was expected.'],
    ['[1}', 'Line 1, column 3: found "}" where , or ] was expected.'],
    ['{"a":1}}', 'Line 1, column 8: found "}" where the end was expected.'],
    ['{"a":01}', 'Line 1, column 7: found "1" where , or } was expected.'],
    ["{'a':1}", 'Line 1, column 2: found "\'" where a key or } was expected.'],
    [
      '{"a":"x\ny"}',
      'Line 1, column 6: found a text that is not closed, or holds a character that must be escaped where a value was expected.',
    ],
    ['NaN', 'Line 1, column 1: found "NaN" where a value was expected.'],
    ['[[{"a":[]}, nul]]', 'Line 1, column 13: found "nul" where a value was expected.'],
  ]
  for (const [text, message] of broken)
    test(`says where ${JSON.stringify(text)} is broken`, () => {
      expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'invalid_json', message }))
    })
})

function parse(text: string): unknown {
  return parseJson(new TextEncoder().encode(text))
}
