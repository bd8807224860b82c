import { KindGuard, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { nearest } from './nearest.ts'

/** How a value was written, where that helps to say what is wrong. */
export interface Written {
  /** Text in quotes. */
  readonly quoted?: boolean
}

/**
 * What is wrong with a single value (no mapping, no list), as `found …, expected …`, or undefined where the
 * schema accepts it. Nothing is converted.
 */
export function complaint(schema: TSchema, value: unknown, written: Written = {}): string | undefined {
  if (accepted(schema, value)) return undefined
  const found = schema['secret'] === true ? kindOf(value) : show(value)
  return `found ${found}, expected ${expectation(schema)}${hint(schema, value, written)}`
}

/** The complaint about a mapping or list in the wrong place. */
export function kindComplaint(schema: TSchema, kind: 'a mapping' | 'a list' | 'an empty list'): string {
  return `found ${kind}, expected ${expectation(schema)}`
}

/** Reads the text of a variable or flag as what the schema wants; text that is none stays text. */
export function fromText(schema: TSchema, text: string): unknown {
  if (isNumeric(schema) && /^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (KindGuard.IsBoolean(schema) && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function accepted(schema: TSchema, value: unknown): boolean {
  if (!Value.Check(schema, value)) return false
  const accepts: unknown = schema['accepts']
  return typeof accepts !== 'function' || accepts(value) === true
}

/** The words that a union of literals accepts; empty for any other schema. */
function wordsOf(schema: TSchema): string[] {
  if (!KindGuard.IsUnion(schema)) return []
  return schema.anyOf.flatMap((member) => (KindGuard.IsLiteral(member) ? [String(member.const)] : []))
}

function expectation(schema: TSchema): string {
  if (typeof schema['expects'] === 'string') return schema['expects']
  const words = wordsOf(schema)
  if (words.length > 0) return `one of ${words.join(', ')}`
  if (KindGuard.IsBoolean(schema)) return 'true or false'
  if (isNumeric(schema)) return numberExpectation(schema)
  if (KindGuard.IsArray(schema)) return 'a list'
  if (KindGuard.IsString(schema)) return schema.minLength === undefined ? 'text' : 'text that is not empty'
  return 'a mapping of keys to values'
}

function numberExpectation(schema: TSchema): string {
  const noun = KindGuard.IsInteger(schema) ? 'a whole number' : 'a number'
  const unit = typeof schema['unit'] === 'string' ? ` of ${schema['unit']}` : ''
  const { minimum, maximum, exclusiveMinimum } = schema
  if (exclusiveMinimum !== undefined) return `${noun}${unit} above ${exclusiveMinimum}`
  return maximum === undefined
    ? `${noun}${unit}, ${minimum} or more`
    : `${noun}${unit} from ${minimum} to ${maximum}`
}

function hint(schema: TSchema, value: unknown, { quoted }: Written): string {
  if (typeof value !== 'string')
    return KindGuard.IsString(schema) && isScalar(value) ? ': put it in quotes' : ''
  if (quoted && accepted(schema, fromText(schema, value))) return ': remove the quotes'
  if (isNumeric(schema) && typeof schema['unit'] === 'string' && /^\d+(\.\d+)?\s*[a-z]+$/i.test(value))
    return `: the unit is always ${schema['unit']}, so write the number alone`
  if (KindGuard.IsBoolean(schema) && /^(yes|no|on|off)$/i.test(value))
    return `: write ${/^(yes|on)$/i.test(value)}`
  const meant = nearest(value, wordsOf(schema))
  return meant === undefined ? '' : `: did you mean ${meant}?`
}

function isNumeric(schema: TSchema): boolean {
  return KindGuard.IsNumber(schema) || KindGuard.IsInteger(schema)
}

function isScalar(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean'
}

function kindOf(value: unknown): string {
  return typeof value === 'string' ? 'a text' : typeof value === 'number' ? 'a number' : 'true or false'
}

function show(value: unknown): string {
  if (typeof value !== 'string') return value === null ? 'nothing' : String(value)
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
}
