import { describe, expect, test } from 'bun:test'
import { sentOf, withoutEffectHeader } from '../../../src/server/chat/without-effect.ts'

describe('sentOf', () => {
  test('names fields that have a value, 0 and false too, and neither null nor what the body inherits', () => {
    const body = { a: 0, b: null, c: false, d: undefined, f: 'x' }
    expect(sentOf(body, ['a', 'b', 'c', 'd', 'e', 'toString'])).toEqual(['a', 'c'])
  })
})

describe('withoutEffectHeader', () => {
  test('names each field once', () => {
    expect(withoutEffectHeader(['a', 'b', 'a'])).toEqual({ 'x-clinvk-without-effect': 'a, b' })
  })

  test('is not there where there is nothing to name', () => {
    expect(withoutEffectHeader([])).toEqual({})
  })
})
