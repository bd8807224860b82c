import { ClinvkError } from '../../errors.ts'
import type { JsonSchema } from '../client-tools.ts'
import { type Fields, fields, word, words } from '../fields.ts'
import { type StrictSchema, strictSchema, targetOf } from './strict-schema.ts'

/** The form that answers are asked for in. */
export interface AnswerForm {
  /** The schema for the provider. */
  readonly schema: Fields
  /** Makes an answer what the client's own schema asks for; absent where it is already. What is no such answer stays. */
  readonly restore?: (text: string) => string
}

/** Whether strict mode can express a schema; any other would be a 400, however valid it is. */
export function canBeStrict(schema: JsonSchema): boolean {
  try {
    strictSchema(schema)
    return true
  } catch (error) {
    if (error instanceof ClinvkError) return false
    throw error
  }
}

/** @throws as {@link strictSchema} */
export function answerForm(schema: JsonSchema): AnswerForm {
  const strict = strictSchema(schema)
  if (!strict.wrapped && strict.optional.size === 0) return { schema: strict.schema }
  return { schema: strict.schema, restore: (text) => restore(text, strict) }
}

/** Changes the text no more than it has to. */
function restore(text: string, { schema, wrapped, optional }: StrictSchema): string {
  try {
    const answer: unknown = exactJson.parse(text, exactNumbers)
    let removed = 0
    const walk = (value: unknown, kind: Fields): unknown => {
      const { $ref, anyOf, items, properties } = kind
      if ($ref !== undefined) return walk(value, resolve(schema, kind))
      if (Array.isArray(anyOf)) {
        const branch = anyOf.map(fields).find((inner) => fits(value, inner, schema))
        return branch ? walk(value, branch) : value
      }
      if (Array.isArray(value)) return value.map((item) => walk(item, fields(items)))
      if (!isObject(value)) return value
      const members = fields(properties)
      const kept = Object.entries(value).filter(([name, member]) => {
        const isAbsent = member === null && optional.has(members[name])
        if (isAbsent) removed += 1
        return !isAbsent
      })
      return Object.fromEntries(kept.map(([name, member]) => [name, walk(member, fields(members[name]))]))
    }
    const restored = walk(answer, schema)
    if (!wrapped) return removed === 0 ? text : JSON.stringify(restored)
    if (!isObject(restored) || !('value' in restored)) return text
    return (removed === 0 ? INNER.exec(text)?.[1] : undefined) ?? JSON.stringify(restored['value'])
  } catch {
    return text
  }
}

const INNER = /^\s*\{\s*"value"\s*:\s*([\s\S]*?)\s*\}\s*$/

/** Whether a value is of a kind: enough to tell the branches of a strict schema apart. */
function fits(value: unknown, kind: Fields, root: Fields): boolean {
  const { $ref, anyOf, enum: values, type, items, properties } = kind
  if ($ref !== undefined) return fits(value, resolve(root, kind), root)
  if (Array.isArray(anyOf)) return anyOf.some((inner) => fits(value, fields(inner), root))
  if (Array.isArray(values)) return values.some((one) => JSON.stringify(one) === JSON.stringify(value))
  const types = words([type].flat())
  if (Array.isArray(value))
    return types.includes('array') && value.every((item) => fits(item, fields(items), root))
  if (isObject(value)) {
    const members = Object.entries(fields(properties))
    const names = Object.keys(value)
    return (
      types.includes('object') &&
      names.length === members.length &&
      members.every(([name, member]) => name in value && fits(value[name], fields(member), root))
    )
  }
  if (value === null) return types.includes('null')
  if (typeof value === 'string' || typeof value === 'boolean') return types.includes(typeof value)
  return types.includes('number') || (types.includes('integer') && /^-?\d+$/.test(JSON.stringify(value)))
}

function resolve(root: Fields, { $ref }: Fields): Fields {
  return $ref === '#' ? root : fields(targetOf(root, word($ref) ?? ''))
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !exactJson.isRawJSON(value)
}

/** Numbers that JavaScript cannot hold stay as they were written. */
function exactNumbers(_: string, value: unknown, { source }: { source?: string }): unknown {
  const isOther = typeof value === 'number' && source !== undefined && String(value) !== source
  return isOther ? exactJson.rawJSON(source) : value
}

/** What ECMAScript adds to JSON and TypeScript does not know yet. */
const exactJson = JSON as unknown as {
  parse(text: string, reviver: typeof exactNumbers): unknown
  rawJSON(text: string): unknown
  isRawJSON(value: unknown): boolean
}
