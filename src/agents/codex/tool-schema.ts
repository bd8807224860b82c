import { type Fields, fields } from '../fields.ts'

/**
 * A schema of arguments as Codex understands it. It reads a part of JSON Schema and sends on what it read: `const` and
 * `enum` without a type become strings, a list of items is refused, and an array of anything is one of strings (0.169.0).
 * Limits that it leaves out, such as `format` or `minimum`, are left to it.
 */
export function understoodSchema(schema: unknown): Fields {
  if (typeof schema === 'boolean') return {}
  const { const: only, prefixItems, ...rest } = mapSchemas(fields(schema), understoodSchema)
  const values = 'const' in fields(schema) ? [only] : rest['enum']
  return {
    ...rest,
    ...(Array.isArray(values) ? { type: rest['type'] ?? typesOf(values), enum: values } : {}),
    ...itemsOf(rest['type'], prefixItems ?? rest['items']),
  }
}

/** The type of values, or their types. */
export function typesOf(values: readonly unknown[]): string | string[] {
  const types = [...new Set(values.map(typeOf))]
  const [only] = types
  return types.length === 1 && only !== undefined ? only : types
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (Number.isInteger(value)) return 'integer'
  return typeof value
}

function itemsOf(type: unknown, items: unknown): Fields {
  if (Array.isArray(items)) return { items: items.length === 0 ? {} : { anyOf: items } }
  return type === 'array' ? { items: fields(items) } : {}
}

const SCHEMAS = new Set(['items', 'additionalProperties', 'not', 'contains', 'if', 'then', 'else'])
const LISTS = new Set(['items', 'prefixItems', 'anyOf', 'oneOf', 'allOf'])
const MAPS = new Set(['properties', '$defs', 'definitions'])

/** Has `change` applied to the schemas right inside of one, and to nothing that only looks like a schema. */
function mapSchemas(schema: Fields, change: (inner: unknown) => Fields): Fields {
  const entries = Object.entries(schema).map(([name, value]): [string, unknown] => {
    if (LISTS.has(name) && Array.isArray(value)) return [name, value.map(change)]
    if (typeof value !== 'object' || value === null) return [name, value]
    if (SCHEMAS.has(name)) return [name, change(value)]
    if (!MAPS.has(name)) return [name, value]
    return [name, Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner)]))]
  })
  return Object.fromEntries(entries)
}
