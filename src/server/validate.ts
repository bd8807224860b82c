import { KindGuard, type Static, type TSchema, Type } from '@sinclair/typebox'
import { TypeCompiler, type ValueError } from '@sinclair/typebox/compiler'
import { ValueErrorType } from '@sinclair/typebox/value'
import { nearest } from '../config/nearest.ts'
import { ClinvkError } from '../errors.ts'

/** One field that is wrong: `images[0].data`. The path of the whole body is empty. */
export interface WrongField {
  readonly path: string
  readonly message: string
}

/** Makes the check of a schema: it returns the value as it is, or throws `invalid_request` naming every field. */
export function createCheck<T extends TSchema>(schema: T): (value: unknown) => Static<T> {
  const compiled = TypeCompiler.Compile(schema)
  return (value) => {
    if (compiled.Check(value)) return value
    const fields = new Map<string, WrongField>()
    for (const found of compiled.Errors(value)) {
      const error = innermost(found)
      const path = toPath(error.path)
      if (!fields.has(path)) fields.set(path, { path, message: complaint(error) })
      if (fields.size >= MAX_FIELDS) break
    }
    throw invalidFields([...fields.values()])
  }
}

/** The error for fields that are wrong. */
export function invalidFields(fields: readonly WrongField[]): ClinvkError {
  const sentences = fields.map(({ path, message }) => `${path === '' ? 'The body' : path} ${message}`)
  return new ClinvkError('invalid_request', sentences.join(' '), { details: { errors: fields } })
}

/** Enough to mend a request with; a huge wrong body must not make a huge answer. */
const MAX_FIELDS = 20

/**
 * What is really wrong inside a union: the error in the member that the value is most likely meant to be. That is the
 * one whose `type` or `role` fits, and of several the one that fits furthest.
 */
function innermost(error: ValueError): ValueError {
  if (error.type !== ValueErrorType.Union || wordsOf(error.schema).length > 0) return error
  const isTag = ({ path }: ValueError) => path === `${error.path}/type` || path === `${error.path}/role`
  const members = error.errors.flatMap((errors) => {
    const found = [...errors].slice(0, MAX_FIELDS).map(innermost)
    const [first] = found
    return first && first.path !== error.path ? [{ first, tag: found.find(isTag) }] : []
  })
  const fitting = members.flatMap(({ first, tag }) => (tag ? [] : [first]))
  if (fitting.length > 0) return fitting.reduce((best, next) => (depth(next) > depth(best) ? next : best))
  const tags = members.flatMap(({ tag }) => tag ?? [])
  const [tag] = tags
  if (!tag) return error
  const words = tags.filter(({ path }) => path === tag.path).flatMap(({ schema }) => wordsOf(schema))
  return { ...tag, schema: Type.Union([...new Set(words)].map((word) => Type.Literal(word))) }
}

function depth({ path }: ValueError): number {
  return path.split('/').length
}

/** `/images/0/data` as `images[0].data`. */
function toPath(pointer: string): string {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, part) => {
      if (/^\d+$/.test(part)) return `${path}[${part}]`
      return path === '' ? shorten(part) : `${path}.${shorten(part)}`
    }, '')
}

function complaint({ type, schema, path, value }: ValueError): string {
  if (type === ValueErrorType.ObjectAdditionalProperties) {
    const names = Object.keys(schema['properties'] ?? {})
    const meant = nearest(path.split('/').at(-1) ?? '', names)
    return meant === undefined
      ? `is not known here. Known: ${names.join(', ')}.`
      : `is not known here. Did you mean ${meant}?`
  }
  if (value === undefined) return `is missing: expected ${expectation(schema)}.`
  const words = wordsOf(schema)
  const meant = typeof value === 'string' && words.length > 0 ? nearest(value, words) : undefined
  const hint = meant === undefined ? '' : ` Did you mean ${JSON.stringify(meant)}?`
  return `is ${show(value)}, expected ${expectation(schema)}.${hint}`
}

function expectation(schema: TSchema): string {
  const words = wordsOf(schema)
  if (words.length > 0) return `one of ${words.map((word) => JSON.stringify(word)).join(', ')}`
  if (KindGuard.IsBoolean(schema)) return 'true or false'
  if (KindGuard.IsInteger(schema)) return numberExpectation('a whole number', schema)
  if (KindGuard.IsNumber(schema)) return numberExpectation('a number', schema)
  if (KindGuard.IsString(schema)) return textExpectation(schema)
  if (KindGuard.IsArray(schema)) return listExpectation(schema)
  if (KindGuard.IsNull(schema)) return 'null'
  if (KindGuard.IsUnion(schema)) {
    const kinds = schema.anyOf.filter((member) => !KindGuard.IsNull(member)).map(expectation)
    return [...new Set(kinds)].join(' or ')
  }
  return 'an object'
}

function numberExpectation(noun: string, { minimum, maximum }: TSchema): string {
  if (minimum === undefined) return noun
  return maximum === undefined ? `${noun}, ${minimum} or more` : `${noun} from ${minimum} to ${maximum}`
}

function textExpectation({ minLength, maxLength }: TSchema): string {
  if (maxLength !== undefined)
    return minLength === undefined
      ? `a text of ${maxLength} characters at most`
      : `a text of ${minLength} to ${maxLength} characters`
  return minLength === undefined ? 'a text' : 'a text that is not empty'
}

function listExpectation({ minItems, maxItems }: TSchema): string {
  if (maxItems === undefined) return 'a list'
  return minItems === undefined ? `a list of ${maxItems} at most` : `a list of ${minItems} to ${maxItems}`
}

/** The words that a union of literals accepts; empty for any other schema. */
function wordsOf(schema: TSchema): string[] {
  if (KindGuard.IsLiteral(schema)) return [String(schema.const)]
  if (!KindGuard.IsUnion(schema)) return []
  return schema.anyOf.flatMap((member) => (KindGuard.IsLiteral(member) ? [String(member.const)] : []))
}

function show(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`
  if (typeof value === 'object') return 'an object'
  return typeof value === 'string' ? JSON.stringify(shorten(value)) : String(value)
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
