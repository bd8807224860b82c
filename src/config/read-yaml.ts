import { type Document, isAlias, isMap, isScalar, type Node, parseDocument, Scalar, type YAMLMap } from 'yaml'
import type { Place, Problem } from './problems.ts'

/** A value of the file with the place where it begins. */
export type YamlValue = { readonly place: Place } & (
  | { readonly kind: 'mapping'; readonly entries: readonly YamlEntry[] }
  | { readonly kind: 'list'; readonly items: readonly YamlValue[] }
  | { readonly kind: 'scalar'; readonly value: unknown; readonly quoted: boolean }
)

/** A key of a mapping, at its place, with its value. A key can be there twice. */
export interface YamlEntry {
  readonly key: string
  readonly place: Place
  readonly value: YamlValue
}

/**
 * Parses YAML 1.2, with anchors, aliases and the merge key `<<` of 1.1, which files of release 0.2 may use.
 * `value` is absent for an empty file and for one whose syntax is broken.
 */
export function readYaml(text: string, file: string): { value?: YamlValue; problems: Problem[] } {
  const document = parseDocument(text, { prettyErrors: false, uniqueKeys: false, merge: true })
  const at = (offset: number) => placeOf(text, offset, file)
  const problems = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
    place: at(pos[0]),
    message: SYNTAX_MESSAGES[code] ?? `not valid YAML: ${message}`,
  }))
  if (problems.length > 0 || document.contents === null) return { problems }
  try {
    return { value: convert(document.contents, { document, at, open: new Set() }), problems }
  } catch (error) {
    if (!(error instanceof BadAlias)) throw error
    return { problems: [{ place: at(error.offset), message: error.message }] }
  }
}

interface Context {
  readonly document: Document
  readonly at: (offset: number) => Place
  /** The nodes around the one that is converted. */
  readonly open: Set<unknown>
}

class BadAlias extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(message)
  }
}

// Where the parser's own words explain too little. Others are shown as they are.
const SYNTAX_MESSAGES: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'a tab is no indentation in YAML: use spaces',
  MULTIPLE_DOCS: 'a second document begins here: the file must be one, without a line of ---',
  TAG_RESOLVE_FAILED: 'a YAML tag (!…) means nothing here: leave it out',
}

function convert(node: unknown, context: Context): YamlValue {
  const { at, open } = context
  const offset = offsetOf(node)
  const place = at(offset)
  if (isAlias(node)) {
    const target = node.resolve(context.document)
    if (target === undefined) throw new BadAlias(`no anchor &${node.source} before this alias`, offset)
    if (open.has(target)) throw new BadAlias(`the alias *${node.source} contains itself`, offset)
    return { ...convert(target, context), place }
  }
  if (isScalar(node)) {
    const quoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE
    return { place, kind: 'scalar', value: node.value, quoted }
  }
  open.add(node)
  try {
    if (isMap(node)) return { place, kind: 'mapping', entries: entriesOf(node, context) }
    const items = (node as { items?: unknown[] } | null)?.items ?? []
    return { place, kind: 'list', items: items.map((item) => convert(item, context)) }
  } finally {
    open.delete(node)
  }
}

/** A mapping's own entries and, for keys that it has not itself, those that it merges. */
function entriesOf(map: YAMLMap, context: Context): YamlEntry[] {
  const own: YamlEntry[] = []
  const merged: YamlEntry[] = []
  for (const { key, value } of map.items) {
    const isMerge = isScalar(key) && typeof key.value === 'symbol'
    const name = isScalar(key) ? String(key.value) : String(key)
    const place = context.at(offsetOf(key))
    const converted: YamlValue =
      value === null ? { place, kind: 'scalar', value: null, quoted: false } : convert(value, context)
    if (isMerge) merged.push(...mergedEntries(converted))
    else own.push({ key: name, place, value: converted })
  }
  const taken = new Set(own.map((entry) => entry.key))
  for (const entry of merged) {
    if (taken.has(entry.key)) continue
    taken.add(entry.key)
    own.push(entry)
  }
  return own
}

function mergedEntries(value: YamlValue): readonly YamlEntry[] {
  if (value.kind === 'mapping') return value.entries
  return value.kind === 'list' ? value.items.flatMap(mergedEntries) : []
}

function offsetOf(node: unknown): number {
  return (node as Node | null)?.range?.[0] ?? 0
}

function placeOf(text: string, offset: number, file: string): Place {
  const before = text.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  return { file, line: before.split('\n').length, column: offset - lineStart + 1 }
}
