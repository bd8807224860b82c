import type { RunFilter } from '../../../sessions/run-types.ts'
import { createQueryReader } from '../query.ts'

/** What the query of a list of runs may have. */
export const RUN_QUERY = ['status', 'kind', 'session_id', 'limit', 'offset'] as const

/**
 * Reads which runs to list.
 *
 * @throws `invalid_request` naming every parameter that is wrong.
 */
export function fromRunQuery(
  query: URLSearchParams,
): Omit<RunFilter, 'caller'> & { readonly offset: number } {
  const read = createQueryReader(query, RUN_QUERY)
  const filter = {
    limit: read.count('limit', 20, 1, 1000),
    offset: read.count('offset', 0, 0, 1_000_000_000),
    ...read.text('status', 'status'),
    ...read.text('kind', 'kind'),
    ...read.text('session_id', 'session'),
  }
  read.check()
  return filter
}
