import { describe, expect, test } from 'bun:test'
import { encodeSse, encodeSseComment } from '../../src/server/sse.ts'

describe('encodeSse', () => {
  test('writes id, event and data, and ends with an empty line', () => {
    expect(encodeSse({ id: '7', event: 'message', data: '{"a":1}' })).toBe(
      'id: 7\nevent: message\ndata: {"a":1}\n\n',
    )
  })

  test('leaves out what there is not', () => {
    expect(encodeSse({ data: '' })).toBe('data: \n\n')
  })

  test('lets no line of the data start a field of its own', () => {
    expect(encodeSse({ data: 'a\nevent: fake\r\n\r\rid: 1' })).toBe(
      'data: a\ndata: event: fake\ndata: \ndata: \ndata: id: 1\n\n',
    )
  })

  test('lets no name break out of its line', () => {
    expect(encodeSse({ id: '1\n2\0', event: 'a\r\ndata: x', data: 'd' })).toBe(
      'id: 12\nevent: adata: x\ndata: d\n\n',
    )
  })

  test('writes a comment', () => {
    expect(encodeSseComment('keep\n-alive')).toBe(': keep-alive\n\n')
  })
})
