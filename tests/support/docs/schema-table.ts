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
  if ('$ref' in schema) {
    const name = nameOf(schema)
    return `[${name}](${IN_HTTP_API[name] ?? `#${name.toLowerCase()}`})`
  }
  if (schema['enum']) return schema['enum'].map((value: string) => `\`${value}\``).join(', ')
  if (schema['anyOf']) {
    const options: TSchema[] = schema['anyOf']
    return options
      .map((option) => ('const' in option ? `\`${option['const']}\`` : valuesOf(option)))
      .join(', ')
  }
  if ('const' in schema) return `\`${schema['const']}\``
  if (schema['type'] === 'array') {
    const { items } = schema
    return items && '$ref' in items ? `list of ${valuesOf(items)}` : `list of ${items?.type ?? 'value'}s`
  }
  if (schema['type'] === 'object') return 'mapping'
  const { minimum, maximum, type } = schema
  if (minimum === undefined && maximum === undefined) return type ?? 'any'
  if (maximum === undefined) return `${type}, ${minimum} or more`
  return minimum === undefined ? `${type}, ${maximum} or less` : `${type}, ${minimum} to ${maximum}`
}

/** Where the page of the HTTP API has the table of an object. */
export const IN_HTTP_API: Readonly<Record<string, string>> = {
  PromptResponse: 'http-api.md#answer',
  ParallelResponse: 'http-api.md#post-apiv1parallel',
  ChainResponse: 'http-api.md#post-apiv1chain',
  CompareResponse: 'http-api.md#post-apiv1compare',
}

/** The name of the schema that a reference of OpenAPI leads to. */
export function nameOf(reference: object): string {
  return String('$ref' in reference ? reference.$ref : '').replace('#/components/schemas/', '')
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
