import { describe, expect, test } from 'bun:test'
import { createResponseStore } from '../../../../src/server/openai/responses/store.ts'
import { stored } from './support.ts'

describe('the store of responses', () => {
  test('gives a response and its items to its owner alone', () => {
    const store = createResponseStore()
    store.put('me', stored('a'))
    expect(store.get('me', 'resp_a')?.response.id).toBe('resp_a')
    expect(store.item('me', 'msg_a')).toMatchObject({ role: 'assistant' })
    expect(store.item('me', 'ask_a')).toMatchObject({ role: 'user' })
    for (const owner of ['you', ''])
      expect([
        store.get(owner, 'resp_a'),
        store.chain(owner, 'resp_a'),
        store.item(owner, 'msg_a'),
        store.delete(owner, 'resp_a'),
      ]).toEqual([undefined, undefined, undefined, false])
    expect(store.get('me', 'resp_a')).toBeDefined()
  })

  test('gives a chain from its beginning', () => {
    const store = createResponseStore()
    store.put('me', stored('a'))
    store.put('me', stored('b', 'resp_a'))
    store.put('me', stored('c', 'resp_b'))
    expect(store.chain('me', 'resp_c')?.map(({ response }) => response.id)).toEqual([
      'resp_a',
      'resp_b',
      'resp_c',
    ])
    expect(store.chain('me', 'resp_x')).toBeUndefined()
  })

  test('forgets what is deleted, with its items, and no chain leads over it any more', () => {
    const store = createResponseStore()
    store.put('me', stored('a'))
    store.put('me', stored('b', 'resp_a'))
    expect([store.delete('me', 'resp_a'), store.delete('me', 'resp_a')]).toEqual([true, false])
    expect(store.get('me', 'resp_a')).toBeUndefined()
    expect(store.item('me', 'msg_a')).toBeUndefined()
    expect(store.chain('me', 'resp_b')).toBeUndefined()
    expect(store.get('me', 'resp_b')?.response.id).toBe('resp_b')
  })

  test('keeps an item as long as one response has it', () => {
    const store = createResponseStore()
    const a = stored('a')
    store.put('me', a)
    store.put('me', { ...stored('b'), input: [...a.response.output] })
    store.delete('me', 'resp_a')
    expect(store.item('me', 'msg_a')).toBeDefined()
    store.delete('me', 'resp_b')
    expect(store.item('me', 'msg_a')).toBeUndefined()
  })

  test('drops what was not used for longest when there are too many', () => {
    const store = createResponseStore({ maxResponses: 2 })
    store.put('me', stored('a'))
    store.put('me', stored('b'))
    store.get('me', 'resp_a')
    store.put('me', stored('c'))
    expect(['a', 'b', 'c'].filter((of) => store.get('me', `resp_${of}`))).toEqual(['a', 'c'])
  })

  test('drops what goes on from another before that other', () => {
    const store = createResponseStore({ maxResponses: 3 })
    store.put('me', stored('a'))
    store.put('me', stored('b', 'resp_a'))
    store.put('me', stored('x'))
    store.put('me', stored('c', 'resp_a'))
    expect(['a', 'b', 'x', 'c'].filter((of) => store.get('me', `resp_${of}`))).toEqual(['a', 'x', 'c'])
  })

  test('counts bytes, and does not take what alone is too large', () => {
    const size = JSON.stringify(stored('a')).length
    const store = createResponseStore({ maxBytes: size * 2 + 10 })
    for (const of of ['a', 'b', 'c']) store.put('me', stored(of))
    expect(['a', 'b', 'c'].filter((of) => store.get('me', `resp_${of}`))).toEqual(['b', 'c'])
    const large = stored('d')
    store.put('me', { ...large, input: [{ id: 'x', type: 'message', content: 'x'.repeat(size * 2) }] })
    expect(store.get('me', 'resp_d')).toBeUndefined()
    expect(store.get('me', 'resp_b')).toBeDefined()
  })

  test('forgets what was not used for a while', () => {
    let now = 0
    const store = createResponseStore({ keepMs: 100, now: () => now })
    store.put('me', stored('a'))
    store.put('me', stored('b'))
    now = 99
    store.get('me', 'resp_a')
    now = 100
    expect([store.get('me', 'resp_a'), store.get('me', 'resp_b')].map((found) => found?.response.id)).toEqual(
      ['resp_a', undefined],
    )
    now = 300
    expect(store.item('me', 'msg_a')).toBeUndefined()
  })
})
