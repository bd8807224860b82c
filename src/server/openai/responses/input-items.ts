import { invalidFields } from '../../validate.ts'
import type { ItemPage } from './answer-schema.ts'
import type { StoredItem, StoredResponse } from './store.ts'

/**
 * A page of what a response was made from: its own input, and everything said in the chain before it. `chain` ends
 * with the response itself. The last item comes first, unless the query asks otherwise.
 *
 * @throws `invalid_request` for a query that is wrong.
 */
export function pageOfItems(chain: readonly StoredResponse[], query: URLSearchParams): ItemPage {
  const before = chain.slice(0, -1).flatMap(({ input, response }) => [...input, ...response.output])
  const items = [...before, ...(chain.at(-1)?.input ?? [])]
  if (orderOf(query) === 'desc') items.reverse()
  const start = startOf(items, query)
  const data: ItemPage['data'] = items.slice(start, start + limitOf(query))
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + data.length < items.length,
  }
}

function orderOf(query: URLSearchParams): 'asc' | 'desc' {
  const order = query.get('order') ?? 'desc'
  if (order === 'asc' || order === 'desc') return order
  throw invalidFields([{ path: 'order', message: 'must be asc or desc.' }])
}

function limitOf(query: URLSearchParams): number {
  const limit = query.get('limit') ?? '20'
  if (/^\d{1,3}$/.test(limit) && Number(limit) >= 1 && Number(limit) <= 100) return Number(limit)
  throw invalidFields([{ path: 'limit', message: 'must be a whole number from 1 to 100.' }])
}

function startOf(items: readonly StoredItem[], query: URLSearchParams): number {
  const after = query.get('after')
  if (after === null) return 0
  const index = items.findIndex(({ id }) => id === after)
  if (index < 0) throw invalidFields([{ path: 'after', message: 'is the id of no item in this list.' }])
  return index + 1
}
