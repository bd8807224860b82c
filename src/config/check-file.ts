import { KindGuard, type TArray, type TObject, type TRecord, type TSchema } from '@sinclair/typebox'
import { complaint, kindComplaint } from './expect.ts'
import { nearest } from './nearest.ts'
import type { Place, Problem } from './problems.ts'
import type { YamlEntry, YamlValue } from './read-yaml.ts'

/** What was gathered from all sources so far. */
export interface Gathered {
  /** Plain values, without defaults. */
  value: Record<string, unknown>
  /** Where each value came from, by dotted key; items of a list are `key[0]`. */
  readonly places: Map<string, Place>
  readonly problems: Problem[]
}

/**
 * Compares the file with the schema, names everything that does not fit and keeps what does. A key without
 * a value is a key that is not set.
 */
export function checkFile(schema: TObject, root: YamlValue | undefined, gathered: Gathered): void {
  if (root === undefined || (root.kind === 'scalar' && root.value === null)) return
  if (root.kind === 'mapping') {
    gathered.value = checkMapping(schema, root.entries, '', { ...gathered, root: schema })
    return
  }
  const found = root.kind === 'list' ? 'a list' : JSON.stringify(root.value)
  const message = `found ${found}, expected keys and values such as "default_backend: claude"`
  gathered.problems.push({ place: root.place, message })
}

interface Context extends Pick<Gathered, 'places' | 'problems'> {
  readonly root: TObject
}

/** The value that fits, or undefined where none does or nothing is set. */
function checkValue(schema: TSchema, node: YamlValue, key: string, context: Context): unknown {
  if (node.kind === 'scalar' && node.value === null) return undefined
  if (node.kind === 'scalar' && node.value === '' && schema['emptyIsUnset'] === true) return undefined
  if (node.kind !== 'mapping') context.places.set(key, node.place)
  const wanted = KindGuard.IsUnion(schema) ? memberFor(schema.anyOf, node, schema) : schema
  if (node.kind === 'mapping' && (KindGuard.IsObject(wanted) || KindGuard.IsRecord(wanted)))
    return checkMapping(wanted, node.entries, key, context)
  if (node.kind === 'list' && KindGuard.IsArray(wanted)) {
    return checkList(wanted, node.items, node.place, key, context)
  }
  const message =
    node.kind === 'scalar'
      ? complaint(schema, node.value, { quoted: node.quoted })
      : kindComplaint(schema, node.kind === 'list' ? 'a list' : 'a mapping')
  if (message === undefined) return node.kind === 'scalar' ? node.value : undefined
  context.problems.push({ place: node.place, key, message })
  return undefined
}

/** The whole list, or undefined as soon as one item does not fit. An item cannot be left without a value. */
function checkList(
  schema: TArray,
  nodes: readonly YamlValue[],
  place: Place,
  key: string,
  context: Context,
): unknown[] | undefined {
  if (nodes.length < (schema.minItems ?? 0)) {
    context.problems.push({ place, key, message: kindComplaint(schema, 'an empty list') })
    return undefined
  }
  const items = nodes.map((node, index) => {
    if (node.kind !== 'scalar' || node.value !== null)
      return checkValue(schema.items, node, `${key}[${index}]`, context)
    const message = complaint(schema.items, null) ?? ''
    context.problems.push({ place: node.place, key: `${key}[${index}]`, message })
    return undefined
  })
  return items.includes(undefined) ? undefined : items
}

function checkMapping(
  schema: TObject | TRecord,
  entries: readonly YamlEntry[],
  path: string,
  context: Context,
): Record<string, unknown> {
  // Without a prototype, `constructor` and `__proto__` are names like any other.
  const value: Record<string, unknown> = Object.create(null)
  const seen = new Map<string, Place>()
  for (const { key, place, value: node } of entries) {
    const dotted = path === '' ? key : `${path}.${key}`
    const before = seen.get(key)
    if (before !== undefined) {
      const line = 'line' in before ? ` (first in line ${before.line})` : ''
      context.problems.push({ place, key: dotted, message: `the key is there twice${line}` })
      continue
    }
    seen.set(key, place)
    const known = schemaOf(schema, key)
    if (typeof known === 'string') {
      context.problems.push({
        place,
        key: dotted,
        message: unknownKey(known, key, path, schema, context.root),
      })
      continue
    }
    context.places.set(dotted, place)
    const checked = checkValue(known, node, dotted, context)
    if (checked !== undefined) value[key] = checked
    else if (KindGuard.IsRecord(schema) && KindGuard.IsObject(known)) value[key] = {}
  }
  return value
}

/** The schema of a key, or what a key has to look like. */
function schemaOf(schema: TObject | TRecord, key: string): TSchema | string {
  if (KindGuard.IsObject(schema))
    return Object.hasOwn(schema.properties, key) ? (schema.properties[key] as TSchema) : 'unknown key'
  const [pattern = '', value] = Object.entries(schema.patternProperties)[0] ?? []
  if (value !== undefined && new RegExp(pattern).test(key)) return value
  return `expected ${schema['keyExpects'] ?? 'a name'}`
}

function unknownKey(
  message: string,
  key: string,
  path: string,
  schema: TObject | TRecord,
  root: TObject,
): string {
  const dotted = path === '' ? key : `${path}.${key}`
  const moved = MOVED.get(dotted)
  if (moved !== undefined) return `unknown key: ${moved}`
  if (!KindGuard.IsObject(schema)) return message
  const keys = Object.keys(schema.properties)
  const near = nearest(key, keys)
  const meant = homeOf(key, root) ?? (near === undefined || path === '' ? near : `${path}.${near}`)
  return meant === undefined
    ? `unknown key, expected one of ${keys.join(', ')}`
    : `unknown key: did you mean ${meant}?`
}

/** The dotted key of the section that has `key`, for a key that slipped into another one. */
function homeOf(key: string, root: TObject): string | undefined {
  const home = Object.entries(root.properties).find(
    ([, part]) => KindGuard.IsObject(part) && Object.hasOwn(part.properties, key),
  )
  return home === undefined ? undefined : `${home[0]}.${key}`
}

/** Keys that releases before 0.2 had, or that people look for. */
const MOVED: ReadonlyMap<string, string> = new Map([
  ['server.api_keys', 'keys are not kept in this file; use CLINVK_API_KEYS or server.api_keys_gopass_path'],
  ['unified_flags.output_format', 'the format of the answer is output.format'],
])

function memberFor(members: readonly TSchema[], node: YamlValue, union: TSchema): TSchema {
  return (node.kind === 'list' ? members.find((member) => KindGuard.IsArray(member)) : undefined) ?? union
}
