import { describe, expect, test } from 'bun:test'
import { toModelPage } from '../../../src/server/anthropic/models.ts'

const models = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ id, backend: 'x' }))

function page(query: string) {
  const { data, ...rest } = toModelPage(models, new URLSearchParams(query))
  return { ids: data.map(({ id }) => id).join(''), ...rest }
}

describe('toModelPage', () => {
  const pages: [string, ReturnType<typeof page>][] = [
    ['', { ids: 'abcde', has_more: false, first_id: 'a', last_id: 'e' }],
    ['limit=2', { ids: 'ab', has_more: true, first_id: 'a', last_id: 'b' }],
    ['limit=2&after_id=b', { ids: 'cd', has_more: true, first_id: 'c', last_id: 'd' }],
    ['limit=2&after_id=c', { ids: 'de', has_more: false, first_id: 'd', last_id: 'e' }],
    ['after_id=e', { ids: '', has_more: false, first_id: null, last_id: null }],
    ['limit=2&before_id=d', { ids: 'bc', has_more: true, first_id: 'b', last_id: 'c' }],
    ['limit=2&before_id=c', { ids: 'ab', has_more: false, first_id: 'a', last_id: 'b' }],
    ['before_id=a', { ids: '', has_more: false, first_id: null, last_id: null }],
    ['limit=1000&beta=true', { ids: 'abcde', has_more: false, first_id: 'a', last_id: 'e' }],
  ]
  for (const [query, expected] of pages)
    test(`?${query} is ${expected.ids || 'empty'}`, () => {
      expect(page(query)).toEqual(expected)
    })

  test('has twenty models to a page where nothing is said', () => {
    const many = Array.from({ length: 21 }, (_, index) => ({ id: `m${index}`, backend: 'x' }))
    expect(toModelPage(many, new URLSearchParams()).data).toHaveLength(20)
  })

  test('tells of a model what the SDKs have types for', () => {
    expect(toModelPage(models, new URLSearchParams('limit=1')).data).toEqual([
      {
        type: 'model',
        id: 'a',
        display_name: 'a',
        created_at: '1970-01-01T00:00:00Z',
        lifecycle: 'active',
        capabilities: null,
        line: null,
        max_input_tokens: null,
        max_tokens: null,
        deprecated_at: null,
        retires_at: null,
      },
    ])
  })

  const wrong: [string, string][] = [
    ['limit=0', 'limit is "0", expected a whole number from 1 to 1000.'],
    ['limit=1001', 'limit is "1001", expected a whole number from 1 to 1000.'],
    ['limit=few', 'limit is "few", expected a whole number from 1 to 1000.'],
    ['after_id=z', 'after_id names no model of the list.'],
    ['before_id=z', 'before_id names no model of the list.'],
    ['after_id=a&before_id=c', 'before_id cannot go together with after_id.'],
  ]
  for (const [query, message] of wrong)
    test(`refuses ?${query}`, () => {
      expect(() => page(query)).toThrow(message)
    })
})
