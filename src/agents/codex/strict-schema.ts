import { ClinvkError } from '../../errors.ts'
import type { JsonSchema } from '../client-tools.ts'
import { type Fields, fields, word, words } from '../fields.ts'
import { typesOf } from './tool-schema.ts'

/** A schema of answers as OpenAI's strict mode takes it, and what was changed for that. */
export interface StrictSchema {
  readonly schema: Fields
  /** Whether the answer is the only member, `value`, of an object: the root of an answer has to be one. */
  readonly wrapped: boolean
  /** The schemas of members that need not be there: `null` says that one is not. */
  readonly optional: ReadonlySet<unknown>
}

/**
 * Makes a schema strict. Codex sends it on as it is, as strict, and the provider refuses what its strict mode does not
 * know (0.169.0): all members have to be required, and no others allowed. What strict mode cannot express but only
 * narrows the answer is left out.
 *
 * @throws `unsupported_option`, with the place, for a schema that would mean something else then.
 */
export function strictSchema(root: JsonSchema): StrictSchema {
  const optional = new Set<unknown>()
  const definitions = new Map<string, Fields>()
  const wrapped = !isPlainObject(root)
  let recursive = false

  const convert = (schema: unknown, place: string): Fields => {
    const all = fields(schema)
    const notes = pick(all, NOTES)
    if ('$ref' in all) {
      const ref = convertRef(all, place)
      return Object.keys(notes).length === 0 ? ref : { ...notes, anyOf: [ref] }
    }
    const union = unionOf(all, place)
    if (union) {
      const branches = union.branches.map((branch, at) =>
        convert(withType(branch, all['type']), `${place}/${union.name}/${at}`),
      )
      return { ...notes, anyOf: branches }
    }
    const values = 'const' in all ? [all['const']] : all['enum']
    if (Array.isArray(values)) return { ...notes, type: all['type'] ?? typesOf(values), enum: values }
    const type = all['type'] ?? impliedType(all)
    const types: readonly unknown[] = [type].flat()
    if (type === undefined || types.length === 0) throw refusal(place, 'it allows anything')
    return {
      ...notes,
      type,
      ...limitsOf(all),
      ...(types.includes('object') ? convertMembers(all, place) : {}),
      ...(types.includes('array') ? { items: convertItems(all, place) } : {}),
    }
  }

  const convertRef = (all: Fields, place: string): Fields => {
    const ref = word(all['$ref']) ?? ''
    if (SHAPES.some((name) => name !== '$ref' && name in all))
      throw refusal(place, 'a reference stands beside other keywords')
    if (ref === '#') {
      recursive = true
      return { $ref: wrapped ? ROOT : ref }
    }
    const target = targetOf(root, ref)
    if (target === undefined) throw refusal(place, `it refers to ${ref}, which is no definition of the root`)
    if (!definitions.has(ref)) {
      definitions.set(ref, {})
      definitions.set(ref, convert(target, ref))
    }
    return { $ref: ref }
  }

  const convertItems = (all: Fields, place: string): Fields => {
    if ('prefixItems' in all || Array.isArray(all['items']))
      throw refusal(place, 'it tells each item apart by its place')
    if (all['items'] === undefined) throw refusal(place, 'it allows any items')
    return convert(all['items'], `${place}/items`)
  }

  const convertMembers = (all: Fields, place: string): Fields => {
    const { patternProperties, additionalProperties: others } = all
    if (patternProperties !== undefined)
      throw refusal(`${place}/patternProperties`, 'the names of members have to be known')
    if (Object.keys(fields(others)).length > 0)
      throw refusal(`${place}/additionalProperties`, 'the names of members have to be known')
    const required = words(all['required'])
    // What is never there is not told of.
    const members = Object.entries(fields(all['properties'])).filter(
      ([name, member]) => member !== false || required.includes(name),
    )
    if (members.length === 0 && others !== false) throw refusal(place, 'it allows any members')
    const unknown = required.find((name) => !members.some(([member]) => member === name))
    if (unknown !== undefined) throw refusal(`${place}/required`, `"${unknown}" may be anything`)
    const properties = members.map(([name, member]): [string, Fields] => {
      const strict = convert(member, `${place}/properties/${name}`)
      if (required.includes(name) || allowsNull(root, member)) return [name, strict]
      const nullable = { anyOf: [strict, { type: 'null' }] }
      optional.add(nullable)
      return [name, nullable]
    })
    return {
      properties: Object.fromEntries(properties),
      required: members.map(([name]) => name),
      additionalProperties: false,
    }
  }

  const converted = convert(root, '#')
  const groups = Map.groupBy(definitions, ([ref]) => ref.split('/')[1] ?? '')
  const defined = Object.fromEntries(
    [...groups].map(([group, entries]) => [
      group,
      Object.fromEntries(entries.map(([ref, definition]) => [nameIn(ref), definition])),
    ]),
  )
  if (!wrapped) return { schema: { ...converted, ...defined }, wrapped, optional }
  const $defs = { ...fields(defined['$defs']), ...(recursive ? { [nameIn(ROOT)]: converted } : {}) }
  const schema = {
    type: 'object',
    properties: { value: recursive ? { $ref: ROOT } : converted },
    required: ['value'],
    additionalProperties: false,
    ...defined,
    ...(Object.keys($defs).length === 0 ? {} : { $defs }),
  }
  return { schema, wrapped, optional }
}

/** The definition that a reference names: `#/$defs/name` or `#/definitions/name`. */
export function targetOf(root: Fields, ref: string): unknown {
  const [start, group = '', , ...deeper] = ref.split('/')
  if (start !== '#' || !DEFINITIONS.has(group) || deeper.length > 0) return undefined
  const found = fields(root[group])
  const name = nameIn(ref)
  return Object.hasOwn(found, name) ? found[name] : undefined
}

const DEFINITIONS = new Set(['$defs', 'definitions'])
/** Where the root of a schema is that is not the root of its answers. */
const ROOT = '#/$defs/clinvk_root'
const NOTES = ['title', 'description']
/** What says what a value is, rather than only which of those values. */
const SHAPES = ['$ref', 'anyOf', 'oneOf', 'allOf', 'properties', 'items', 'prefixItems', 'enum', 'const']
const UNIONS = ['anyOf', 'oneOf', 'allOf']
/** The limits that strict mode knows, by OpenAI's documentation of November 2026. */
const LIMITS = [
  ...['multipleOf', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  ...['minItems', 'maxItems'],
]
const FORMATS = /^(?:date-time|time|date|duration|email|hostname|ipv4|ipv6|uuid)$/
const LOOKS_AROUND = /\(\?<?[=!]/

function refusal(place: string, why: string): ClinvkError {
  return new ClinvkError(
    'unsupported_option',
    `The answer's JSON schema cannot be made strict, as Codex needs it: at ${place}, ${why}.`,
  )
}

function isPlainObject(root: JsonSchema): boolean {
  const isObject = root['type'] === 'object' || (root['type'] === undefined && 'properties' in root)
  return isObject && !('$ref' in root || 'enum' in root || 'const' in root) && !unionOf(root, '#')
}

/** The schemas of which one holds, where there are any that say what the value is. */
function unionOf(all: Fields, place: string): { name: string; branches: readonly unknown[] } | undefined {
  const own = SHAPES.some((name) => !UNIONS.includes(name) && name in all)
  const unions = UNIONS.flatMap((name) => {
    const branches: readonly unknown[] = Array.isArray(all[name]) ? all[name] : []
    const shaped = branches.filter((branch) => SHAPES.some((shape) => shape in fields(branch)))
    if (name === 'allOf') return shaped.length === 0 ? [] : [{ name, branches: shaped }]
    return branches.length === 0 || (own && shaped.length === 0) ? [] : [{ name, branches }]
  })
  const [union] = unions
  if (!union) return undefined
  if (own || unions.length > 1) throw refusal(`${place}/${union.name}`, 'it adds to what stands beside it')
  if (union.name === 'allOf' && union.branches.length > 1)
    throw refusal(`${place}/allOf`, 'it joins several schemas')
  return union
}

function withType(branch: unknown, type: unknown): unknown {
  const inner = fields(branch)
  const has = 'type' in inner || SHAPES.some((name) => name in inner)
  return type === undefined || has ? branch : { ...inner, type }
}

function impliedType(all: Fields): string | undefined {
  if ('properties' in all) return 'object'
  return 'items' in all || 'prefixItems' in all ? 'array' : undefined
}

function limitsOf(all: Fields): Fields {
  const { pattern, format } = all
  return {
    ...pick(all, LIMITS),
    ...(typeof pattern === 'string' && !LOOKS_AROUND.test(pattern) ? { pattern } : {}),
    ...(typeof format === 'string' && FORMATS.test(format) ? { format } : {}),
  }
}

function allowsNull(root: Fields, schema: unknown, seen: readonly unknown[] = []): boolean {
  const all = fields(schema)
  if (seen.includes(schema)) return false
  const inner = (branch: unknown) => allowsNull(root, branch, [...seen, schema])
  if ('$ref' in all) return inner(all['$ref'] === '#' ? root : targetOf(root, word(all['$ref']) ?? ''))
  if ('const' in all) return all['const'] === null
  if (Array.isArray(all['enum'])) return all['enum'].includes(null)
  const branches = UNIONS.flatMap((name) => (Array.isArray(all[name]) ? all[name] : []))
  return [all['type']].flat().includes('null') || branches.some(inner)
}

function nameIn(ref: string): string {
  const name = ref.split('/')[2] ?? ''
  return decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')
}

function pick(all: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(names.filter((name) => name in all).map((name) => [name, all[name]]))
}
