import type { ListedModel } from '../chat/model-names.ts'
import { wrongField } from './refuse.ts'
import type { ModelInfo, ModelPage } from './schema-answers.ts'

/**
 * A page of the models: those after `after_id` or before `before_id`, in the same order.
 *
 * @throws `invalid_request` for a query that makes no sense.
 */
export function toModelPage(models: readonly ListedModel[], query: URLSearchParams): ModelPage {
  const limit = limitOf(query.get('limit'))
  const after = placeOf('after_id', query, models)
  const before = placeOf('before_id', query, models)
  if (after !== undefined && before !== undefined)
    throw wrongField('before_id', 'cannot go together with after_id.')
  const [from, to] =
    before === undefined ? [(after ?? -1) + 1, models.length] : [Math.max(0, before - limit), before]
  const page = models.slice(from, Math.min(to, from + limit))
  return {
    data: page.map(toModelInfo),
    has_more: before === undefined ? from + page.length < models.length : from > 0,
    first_id: page.at(0)?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  }
}

export function toModelInfo({ id }: ListedModel): ModelInfo {
  return {
    type: 'model',
    id,
    display_name: id,
    created_at: '1970-01-01T00:00:00Z',
    lifecycle: 'active',
    capabilities: null,
    line: null,
    max_input_tokens: null,
    max_tokens: null,
    deprecated_at: null,
    retires_at: null,
  }
}

function limitOf(value: string | null): number {
  if (value === null || value === '') return 20
  const limit = Number(value)
  if (!/^\d+$/.test(value) || limit < 1 || limit > 1000)
    throw wrongField(
      'limit',
      `is ${JSON.stringify(value.slice(0, 20))}, expected a whole number from 1 to 1000.`,
    )
  return limit
}

function placeOf(name: string, query: URLSearchParams, models: readonly ListedModel[]): number | undefined {
  const id = query.get(name)
  if (id === null || id === '') return undefined
  const place = models.findIndex((model) => model.id === id)
  if (place < 0) throw wrongField(name, 'names no model of the list.')
  return place
}
