import type { TSchema } from '@sinclair/typebox'
import openapi from '../../../docs/openapi.json' with { type: 'json' }
import { cell, fieldTable, IN_HTTP_API, nameOf, valuesOf } from './schema-table.ts'

/** The endpoints beside prompts and chats, with every parameter and field. */
export function fieldsPage(): string {
  const sections = ENDPOINTS.flatMap(([title, list]) => [`## ${title}`, ...list.map(endpoint)])
  return `${[HEAD, ...sections, '## Objects', ...objects()].join('\n\n')}\n`
}

const HEAD = `# Sessions, runs, backends, pool and health, field by field

<!-- Generated from docs/openapi.json by \`bun run docs\`. -->

How sessions and runs are used is in [sessions and runs](sessions.md); prompts are in [HTTP API](http-api.md), chats in [chat clients](chat-apis.md). Every
error is a problem as [HTTP API](http-api.md#errors) tells it. What is not marked as required may be absent.`

const ENDPOINTS: readonly (readonly [title: string, paths: readonly (readonly [string, string])[]])[] = [
  [
    'Sessions',
    [
      ['get', '/api/v1/sessions'],
      ['get', '/api/v1/sessions/{id}'],
      ['patch', '/api/v1/sessions/{id}'],
      ['delete', '/api/v1/sessions/{id}'],
      ['post', '/api/v1/sessions/{id}/fork'],
    ],
  ],
  [
    'Runs',
    [
      ['get', '/api/v1/runs'],
      ['get', '/api/v1/runs/{id}'],
      ['post', '/api/v1/runs/{id}/cancel'],
      ['get', '/api/v1/runs/{id}/events'],
    ],
  ],
  [
    'Server',
    [
      ['get', '/api/v1/backends'],
      ['get', '/api/v1/pool'],
      ['get', '/health'],
    ],
  ],
]

interface Operation {
  readonly description: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly description: string
  }[]
  readonly requestBody?: Body
  readonly responses: Readonly<Record<string, Body>>
}
interface Body {
  readonly content?: Readonly<Record<string, { readonly schema: TSchema }>>
}

const paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> = openapi.paths as never
const schemas: Readonly<Record<string, TSchema>> = openapi.components.schemas as never

function endpoint([method, path]: readonly [string, string]): string {
  const operation = paths[path]?.[method]
  if (!operation) throw new Error(`docs/openapi.json has no ${method} ${path}.`)
  const { description, parameters = [], requestBody, responses } = operation
  const query = parameters.filter((parameter) => parameter.in === 'query')
  const told = (name: string, body?: Body) => {
    const schema = bodyOf(body)
    return schema ? `${name}: ${valuesOf(schema)}` : ''
  }
  const bodies = [told('Body', requestBody), told('Answer', responses['200'])].filter((text) => text !== '')
  return [
    `### ${method.toUpperCase()} ${path}`,
    [description, ...bodies.map((text) => `${text}.`)].join(' '),
    ...(query.length > 0 ? [parameterTable(query)] : []),
  ].join('\n\n')
}

function bodyOf(body: Body | undefined): TSchema | undefined {
  return body?.content?.['application/json']?.schema
}

function parameterTable(parameters: readonly { name: string; description: string }[]): string {
  const rows = parameters.map(({ name, description }) => `| \`${name}\` | ${cell(description)} |`)
  return ['| In the query | Meaning |', '|---|---|', ...rows].join('\n')
}

/** A table for each object that the endpoints take or give, by name. */
function objects(): string[] {
  const named = new Set<string>()
  const look = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    const name = '$ref' in value ? nameOf(value) : undefined
    if (name !== undefined && !named.has(name) && !(name in IN_HTTP_API)) {
      named.add(name)
      look(schemas[name])
    }
    for (const part of Object.values(value)) look(part)
  }
  for (const [, list] of ENDPOINTS)
    for (const [method, path] of list) {
      const operation = paths[path]?.[method]
      look([bodyOf(operation?.requestBody), bodyOf(operation?.responses['200'])])
    }
  return [...named].sort().map((name) => {
    const schema = schemas[name]
    if (!schema) throw new Error(`docs/openapi.json has no ${name}.`)
    const lead = schema.description ? `${schema.description}\n\n` : ''
    return `### ${name}\n\n${lead}${fieldTable(schema)}`
  })
}
