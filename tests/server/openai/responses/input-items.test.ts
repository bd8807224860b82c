import { describe, expect, test } from 'bun:test'
import { ClinvkError } from '../../../../src/errors.ts'
import { pageOfItems } from '../../../../src/server/openai/responses/input-items.ts'
import { stored } from './support.ts'

const chain = [stored('a'), stored('b', 'resp_a'), stored('c', 'resp_b')]

describe('the items that a response was made from', () => {
  const table: [query: string, ids: string[], more: boolean][] = [
    ['', ['ask_c', 'msg_b', 'ask_b', 'msg_a', 'ask_a'], false],
    ['order=asc', ['ask_a', 'msg_a', 'ask_b', 'msg_b', 'ask_c'], false],
    ['limit=2', ['ask_c', 'msg_b'], true],
    ['limit=2&after=msg_b', ['ask_b', 'msg_a'], true],
    ['limit=2&after=msg_a', ['ask_a'], false],
    ['limit=5&order=desc', ['ask_c', 'msg_b', 'ask_b', 'msg_a', 'ask_a'], false],
    ['after=ask_a&include[]=x', [], false],
  ]
  for (const [query, ids, more] of table)
    test(`with ${query || 'no query'}`, () => {
      const { data, ...rest } = pageOfItems(chain, new URLSearchParams(query))
      expect(data.map(({ id }) => id)).toEqual(ids)
      expect(rest).toEqual({
        object: 'list',
        first_id: ids[0] ?? null,
        last_id: ids.at(-1) ?? null,
        has_more: more,
      })
    })

  for (const query of ['limit=0', 'limit=101', 'limit=x', 'order=up', 'after=msg_c'])
    test(`refuse ${query}`, () => {
      expect(() => pageOfItems(chain, new URLSearchParams(query))).toThrow(ClinvkError)
    })
})
