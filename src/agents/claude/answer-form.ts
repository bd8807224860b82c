import { ClinvkError } from '../../errors.ts'
import type { JsonSchema } from '../client-tools.ts'
import { type Fields, fields } from '../fields.ts'
import { mapSchema } from './json-schema.ts'

/** The form that an answer has to have, and how Claude Code gives it. */
export interface AnswerForm {
  /** For the `initialize` request. */
  readonly schema: JsonSchema
  /** The answer in what the model called the tool with, as JSON; none where it did not. */
  answer(given: unknown): string | undefined
  /** What there is of the answer in arguments that were cut. */
  begun(json: string): string
  /** The error where Claude Code did not take the schema, of which it says nothing. */
  refused(): ClinvkError
}

/**
 * Claude Code 2.1.330 offers the schema as the arguments of a tool that the model has to call last. So it has to be an
 * object; anything else is put into one. And it has to be a schema of draft 7 without keywords of others', which say
 * nothing that the model would miss much: the copy that it gets goes without them.
 */
export function answerForm(backend: string, schema: JsonSchema): AnswerForm {
  const wrapped = schema['type'] !== 'object' || NOT_AT_ROOT.some((keyword) => keyword in schema)
  const own = mapSchema(wrapped ? atProperty(schema) : schema, draft7)
  const details = { backend, option: 'json_schema' }
  return {
    schema: wrapped ? { type: 'object', properties: { value: own }, required: ['value'] } : own,
    answer(given) {
      if (given === undefined) return undefined
      const { value = given } = fields(given)
      return JSON.stringify(wrapped ? value : given)
    },
    begun: (json) => (wrapped ? json.replace(WRAPPING, '') : json),
    refused: () =>
      new ClinvkError(
        'unsupported_option',
        `json_schema: ${backend} can't hold the answer to this schema. It is no valid JSON Schema, or refers to one elsewhere.`,
        { details },
      ),
  }
}

const WRAPPING = /^\s*\{\s*"value"\s*:\s*/

/** What the provider does not take at the root of a tool's arguments. */
const NOT_AT_ROOT = ['anyOf', 'oneOf', 'allOf', '$ref']

/** The property that holds what is no object, or not plainly one. */
const PROPERTY = '#/properties/value'

/** A schema that has become one of a property: references to its parts follow it there. */
function atProperty(schema: JsonSchema): JsonSchema {
  // References are looked up from its id.
  const { $id: _, ...rest } = schema
  return mapSchema(rest, (part) => {
    const reference = part['$ref']
    return typeof reference === 'string' && reference.startsWith('#')
      ? { ...part, $ref: `${PROPERTY}${reference.slice(1)}` }
      : part
  })
}

/** A schema without what Claude Code does not know, which would make it drop the whole. */
function draft7(schema: Fields): Fields {
  // The first items one by one are written in another way in draft 7, which the provider does not know in turn.
  const known = Object.entries(schema).filter(
    ([keyword]) => KEYWORDS.has(keyword) && !(keyword === 'items' && 'prefixItems' in schema),
  )
  return Object.fromEntries(known)
}

const KEYWORDS: ReadonlySet<string> = new Set([
  '$comment',
  '$defs',
  '$id',
  '$ref',
  'additionalItems',
  'additionalProperties',
  'allOf',
  'anyOf',
  'const',
  'contains',
  'contentEncoding',
  'contentMediaType',
  'default',
  'definitions',
  'dependencies',
  'deprecated',
  'description',
  'else',
  'enum',
  'examples',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'if',
  'items',
  'maximum',
  'maxItems',
  'maxLength',
  'maxProperties',
  'minimum',
  'minItems',
  'minLength',
  'minProperties',
  'multipleOf',
  'not',
  'nullable',
  'oneOf',
  'pattern',
  'patternProperties',
  'properties',
  'propertyNames',
  'readOnly',
  'required',
  'then',
  'title',
  'type',
  'uniqueItems',
  'writeOnly',
])
