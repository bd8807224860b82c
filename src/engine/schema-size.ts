import type { JsonSchema } from '../agents/client-tools.ts'

/** What a JSON Schema is made of, all of its own words and values counted. */
export interface SchemaSize {
  /** Objects and lists. */
  readonly parts: number
  /** What these hold. */
  readonly values: number
  /** It has words that repeat parts of it. */
  readonly refers: boolean
  /** It has these, or others for which a small value may take long. */
  readonly tricky: boolean
}

/** How deep objects and lists may nest. Codex 0.169.0 reads JSON of 128 levels, ours around a schema among them. */
const MOST_LEVELS = 50

/**
 * Measures a schema, without recursion: what comes from a client may nest deeper than any stack.
 *
 * @returns what is wrong where it nests too deep, in words that go behind "it".
 */
export function measureSchema(schema: JsonSchema): SchemaSize | string {
  let [parts, values, refers, searches] = [0, 0, false, false]
  let level: object[] = [schema]
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > MOST_LEVELS) return `nests deeper than ${MOST_LEVELS} levels, the most that is taken`
    parts += level.length
    const next: object[] = []
    for (const part of level) {
      const entries: readonly (readonly [unknown, unknown])[] = Array.isArray(part)
        ? [...part.entries()]
        : Object.entries(part)
      values += entries.length
      for (const [word, value] of entries) {
        if (REFERENCES.has(word)) refers = true
        if (SEARCHES.has(word)) searches = true
        if (typeof value === 'object' && value !== null) next.push(value)
      }
    }
    level = next
  }
  return { parts, values, refers, tricky: refers || searches }
}

const REFERENCES: ReadonlySet<unknown> = new Set(['$ref', '$dynamicRef', '$recursiveRef'])
const SEARCHES: ReadonlySet<unknown> = new Set(['pattern', 'patternProperties', 'uniqueItems'])
