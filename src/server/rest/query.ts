import { invalidFields, type WrongField } from '../validate.ts'

/** Reads the parameters of a query, and gathers what is wrong with them. */
export interface QueryReader {
  count(name: string, fallback: number, least: number, most: number): number
  /** A member of this name, where the parameter says something. */
  text<K extends string>(name: string, key: K): Partial<Record<K, string>>
  wrong(path: string, message: string): void
  /** @throws `invalid_request` naming every parameter that is wrong. */
  check(): void
}

/** `known` are all parameters that there are. */
export function createQueryReader(query: URLSearchParams, known: readonly string[]): QueryReader {
  const found: WrongField[] = []
  const wrong = (path: string, message: string) => void found.push({ path, message })
  for (const name of new Set(query.keys()))
    if (!known.includes(name)) wrong(name, `is not known here. Known: ${known.join(', ')}.`)
  return {
    wrong,
    count(name, fallback, least, most) {
      const value = query.get(name)
      if (value === null || value === '') return fallback
      if (/^\d+$/.test(value) && Number(value) >= least && Number(value) <= most) return Number(value)
      wrong(name, `must be a whole number from ${least} to ${most}.`)
      return fallback
    },
    text<K extends string>(name: string, key: K) {
      const value = query.get(name)
      return value === null || value === '' ? {} : ({ [key]: value } as Record<K, string>)
    },
    check() {
      if (found.length > 0) throw invalidFields(found)
    },
  }
}
