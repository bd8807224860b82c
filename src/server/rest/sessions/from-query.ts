import type { SessionFilter } from '../../../sessions/types.ts'
import { createQueryReader } from '../query.ts'

/** What the query of a list of sessions may have. */
export const SESSION_QUERY = [
  'backend',
  'status',
  'tag',
  'workdir',
  'text',
  'limit',
  'offset',
  'cursor',
] as const

/**
 * Reads which sessions to list.
 *
 * @throws `invalid_request` naming every parameter that is wrong.
 */
export function fromSessionQuery(query: URLSearchParams): SessionFilter & { readonly offset: number } {
  const read = createQueryReader(query, SESSION_QUERY)
  const filter = {
    limit: read.count('limit', 20, 1, 1000),
    offset: read.count('offset', 0, 0, 1_000_000_000),
    ...read.text('cursor', 'after'),
    ...read.text('backend', 'backend'),
    ...read.text('status', 'status'),
    ...read.text('tag', 'tag'),
    ...withoutSlash(read.text('workdir', 'workdir')),
    ...read.text('text', 'text'),
  }
  if (filter.after !== undefined && filter.offset > 0) read.wrong('cursor', 'cannot go together with offset.')
  read.check()
  return filter
}

/** Sessions keep their folders without one. */
function withoutSlash({ workdir }: { readonly workdir?: string }): { readonly workdir?: string } {
  return workdir === undefined ? {} : { workdir: workdir.replace(/(?<=.)\/$/, '') }
}
