import { type Fields, fields, items } from '../fields.ts'

/** What a keyword's value holds: one schema, a list of them, an object of them by name, or none. */
type Place = 'one' | 'list' | 'named'

const PLACES = new Map<string, readonly Place[]>([
  ['additionalItems', ['one']],
  ['additionalProperties', ['one']],
  ['allOf', ['list']],
  ['anyOf', ['list']],
  ['contains', ['one']],
  ['definitions', ['named']],
  ['$defs', ['named']],
  // Or lists of names.
  ['dependencies', ['named']],
  ['else', ['one']],
  ['if', ['one']],
  ['items', ['one', 'list']],
  ['not', ['one']],
  ['oneOf', ['list']],
  ['patternProperties', ['named']],
  ['prefixItems', ['list']],
  ['properties', ['named']],
  ['propertyNames', ['one']],
  ['then', ['one']],
])

const placesOf = (keyword: string) => PLACES.get(keyword) ?? []

/** A schema and all those within it, that are objects. */
export function* eachSchema(schema: Fields): Generator<Fields> {
  yield schema
  for (const [keyword, value] of Object.entries(schema))
    for (const inner of within(placesOf(keyword), value)) if (isObject(inner)) yield* eachSchema(inner)
}

/** A copy of a schema in which `change` had a look at each that is an object, the outer ones first. */
export function mapSchema(schema: Fields, change: (part: Fields) => Fields): Fields {
  const map = (value: unknown) => (isObject(value) ? mapSchema(value, change) : value)
  return Object.fromEntries(
    Object.entries(change(schema)).map(([keyword, value]) => {
      const places = placesOf(keyword)
      if (Array.isArray(value)) return [keyword, places.includes('list') ? value.map(map) : value]
      if (places.includes('one')) return [keyword, map(value)]
      if (!places.includes('named') || !isObject(value)) return [keyword, value]
      return [keyword, Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, map(inner)]))]
    }),
  )
}

function within(places: readonly Place[], value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return places.includes('list') ? items(value) : []
  if (places.includes('one')) return [value]
  return places.includes('named') ? Object.values(fields(value)) : []
}

function isObject(value: unknown): value is Fields {
  return fields(value) === value
}
