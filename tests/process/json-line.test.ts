import { describe, expect, test } from 'bun:test'
import { toJsonLine } from '../../src/process/json-line.ts'

describe('a line of JSON', () => {
  test('holds no half characters, in values, lists and keys', () => {
    const line = toJsonLine({ 'k\ud800': ['a\udc00', { deep: 'x \ud83d y 😀' }], n: 1, none: undefined })
    expect(line.endsWith('}\n')).toBe(true)
    expect(line).not.toMatch(/\\ud/)
    expect(JSON.parse(line)).toEqual({ 'k\ufffd': ['a\ufffd', { deep: 'x \ufffd y 😀' }], n: 1 })
  })

  test('leaves text that only looks like one alone', () => {
    const value = { path: 'C:\\udata' }
    expect(JSON.parse(toJsonLine(value))).toEqual(value)
  })

  test('is refused where it is nested deeper than its reader takes', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) })
    expect(JSON.parse(toJsonLine(nested(5), 5))).toEqual(nested(5))
    expect(() => toJsonLine(nested(6), 5)).toThrow('more deeply')
    expect(() => toJsonLine([[[[[[1]]]]]], 5)).toThrow('more deeply')
  })
})
