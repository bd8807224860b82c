import type { JsonSchema } from '../client-tools.ts'
import { type Fields, fields } from '../fields.ts'
import { eachSchema } from './json-schema.ts'

/**
 * The schema of a tool's arguments in a form that Claude Code 2.1.330 takes: its root has the type object. It leaves
 * the rest alone, but for `anyOf`, `oneOf` and `allOf` at the root, which the provider refuses: it offers the properties
 * of all branches instead, none required.
 *
 * @throws what `refuse` makes of the reason, where Claude Code would drop the tool, or all of them, unsaid.
 */
export function toInputSchema(schema: JsonSchema, refuse: (why: string) => Error): JsonSchema {
  const { type, properties, required } = schema
  const types = type === undefined ? ['object'] : [type].flat()
  if (!types.includes('object')) throw refuse('The schema of its arguments has to be of type object.')
  if (properties !== undefined && !isObject(properties))
    throw refuse('The properties of its schema have to be an object.')
  if (required !== undefined && !isWords(required))
    throw refuse('What its schema requires has to be a list of names.')
  const normal = { ...schema, type: 'object' }
  const wrong = [...eachSchema(normal)].flatMap((part) => [part['type']].flat()).find((word) => !isType(word))
  if (wrong !== undefined)
    throw refuse(`Its schema has the type ${JSON.stringify(wrong)}, which there is not.`)
  return normal
}

const TYPES: readonly unknown[] = [
  'object',
  'array',
  'string',
  'number',
  'integer',
  'boolean',
  'null',
  undefined,
]

function isType(word: unknown): boolean {
  return TYPES.includes(word)
}

function isWords(value: unknown): boolean {
  return Array.isArray(value) && value.every((word) => typeof word === 'string')
}

function isObject(value: unknown): value is Fields {
  return fields(value) === value
}
