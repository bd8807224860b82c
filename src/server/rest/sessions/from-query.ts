import type { SessionFilter } from '../../../sessions/types.ts'
import { invalidFields, type WrongField } from '../../validate.ts'

/**
 * Reads which sessions to list.
 *
 * @throws `invalid_request` naming every parameter that is wrong.
 */
export function fromSessionQuery(query: URLSearchParams): SessionFilter & { readonly offset: number } {
  const wrong: WrongField[] = []
  for (const name of new Set(query.keys()))
    if (!KNOWN.includes(name))
      wrong.push({ path: name, message: `is not known here. Known: ${KNOWN.join(', ')}.` })
  const count = (name: string, fallback: number, least: number, most: number) => {
    const value = query.get(name)
    if (value === null || value === '') return fallback
    const found = Number(value)
    if (/^\d+$/.test(value) && found >= least && found <= most) return found
    wrong.push({ path: name, message: `must be a whole number from ${least} to ${most}.` })
    return fallback
  }
  const limit = count('limit', 20, 1, 1000)
  const offset = count('offset', 0, 0, 1_000_000_000)
  const cursor = query.get('cursor') || undefined
  if (cursor !== undefined && offset > 0)
    wrong.push({ path: 'cursor', message: 'cannot go together with offset.' })
  if (wrong.length > 0) throw invalidFields(wrong)
  return {
    limit,
    offset,
    ...(cursor === undefined ? {} : { after: cursor }),
    ...given('backend', query.get('backend')),
    ...given('status', query.get('status')),
    ...given('tag', query.get('tag')),
    ...given('workdir', query.get('workdir')),
    ...given('text', query.get('text')),
  }
}

const KNOWN = ['backend', 'status', 'tag', 'workdir', 'text', 'limit', 'offset', 'cursor']

function given<K extends string>(key: K, value: string | null): Partial<Record<K, string>> {
  return value === null || value === '' ? {} : ({ [key]: value } as Record<K, string>)
}
