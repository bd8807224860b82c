import type { TSchema } from '@sinclair/typebox'

/** A table of an object's fields: name, values, whether it must be there, meaning. */
export function fieldTable(schema: TSchema): string {
  const required = new Set<string>(schema['required'] ?? [])
  const rows = [...fieldsOf(schema, '')].map(([name, field]) => {
    const needed = required.has(name) ? ' (required)' : ''
    return `| \`${name}\`${needed} | ${valuesOf(field)} | ${cell(field.description ?? '')} |`
  })
  return ['| Field | Values | Meaning |', '|---|---|---|', ...rows].join('\n')
}

/** What a value may be, in a few words. */
export function valuesOf(schema: TSchema): string {
  if (schema['anyOf']) {
    const options: TSchema[] = schema['anyOf']
    return options
      .map((option) => ('const' in option ? `\`${option['const']}\`` : valuesOf(option)))
      .join(', ')
  }
  if ('const' in schema) return `\`${schema['const']}\``
  if (schema['type'] === 'array') return `list of ${schema['items']?.type ?? 'value'}s`
  if (schema['type'] === 'object') return 'mapping'
  const { minimum, maximum, type } = schema
  if (minimum === undefined && maximum === undefined) return type ?? 'any'
  return `${type}, ${minimum ?? ''} to ${maximum ?? 'any'}`
}

/** A text that may stand in a table. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

function* fieldsOf(schema: TSchema, prefix: string): Generator<[string, TSchema]> {
  for (const [name, field] of Object.entries<TSchema>(schema['properties'] ?? {})) {
    yield [`${prefix}${name}`, field]
    const items = field['items'] as TSchema | undefined
    if (items?.['properties']) yield* fieldsOf(items, `${prefix}${name}[].`)
    else if (field['properties']) yield* fieldsOf(field, `${prefix}${name}.`)
  }
}
