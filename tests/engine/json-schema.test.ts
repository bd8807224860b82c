import { describe, expect, test } from 'bun:test'
import type { JsonSchema } from '../../src/agents/client-tools.ts'
import { checkSchema, compileSchema } from '../../src/engine/json-schema.ts'
import { ClinvkError } from '../../src/errors.ts'

const check = async (schema: JsonSchema, value: unknown) => (await compileSchema(schema))(value)
const refusal = async (run: Promise<unknown>): Promise<ClinvkError> => {
  const error = await run.then(
    () => new Error('nothing was thrown'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ClinvkError)) throw error
  return error
}
const nested = (levels: number): JsonSchema => {
  let schema: JsonSchema = { type: 'string' }
  for (let count = 0; count < levels; count += 1) schema = { type: 'object', properties: { a: schema } }
  return schema
}
const properties = (count: number, of: JsonSchema): JsonSchema => ({
  type: 'object',
  properties: Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, of])),
})
/** Each of the definitions is asked for twice by the one before. */
const doubling = (times: number): JsonSchema => ({
  $ref: '#/$defs/0',
  $defs: {
    ...Object.fromEntries(
      Array.from({ length: times }, (_, index) => {
        const next = { $ref: `#/$defs/${index + 1}` }
        return [index, { allOf: [next, next] }]
      }),
    ),
    [times]: { type: 'string' },
  },
})

describe('a value', () => {
  const wrong: [title: string, schema: JsonSchema, value: unknown, problem: string][] = [
    ['without a property', { required: ['a'] }, {}, "required property 'a'"],
    ['with what every object inherits alone', { required: ['toString'] }, { a: 1 }, 'toString'],
    ['without __proto__', { required: ['__proto__'] }, { a: 1 }, '__proto__'],
    ['larger than any number', { type: 'number' }, JSON.parse('1e999'), 'must be number'],
    ['that a pattern does not match', { pattern: '^a+$' }, 'b', 'must match pattern'],
    ['with something twice', { uniqueItems: true }, [1, 1], 'duplicate items'],
    ['that a definition has otherwise', doubling(3), 7, 'must be string'],
    ['of a large schema', properties(500, { type: 'string' }), { p499: 7 }, '/p499 must be string'],
  ]
  test.each(wrong)('%s does not fit', async (_title, schema, value, problem) => {
    expect(await check(schema, value)).toContain(problem)
  })

  test('fits where nothing is wrong with it', async () => {
    expect(await check({ pattern: '^a+$' }, 'aa')).toBeUndefined()
    expect(await check({ required: ['toString'] }, { toString: 1 })).toBeUndefined()
    expect(await check(doubling(3), 'x')).toBeUndefined()
    const list = { type: ['object', 'null'], properties: { next: { $ref: '#' } } }
    expect(await check(list, { next: { next: null } })).toBeUndefined()
  })

  test('whose check would take for ever is told as too much, while everything else goes on', async () => {
    const items = { items: { pattern: '^(a+)+$' } }
    const failing = refusal(check(items, Array(200).fill(`${'a'.repeat(60)}b`)))
    let turns = 0
    const beat = setInterval(() => {
      turns += 1
    }, 10)
    const error = await failing
    clearInterval(beat)
    expect(error).toMatchObject({ code: 'answer_invalid', message: expect.stringContaining('took too long') })
    expect(turns).toBeGreaterThan(20)
  }, 180_000)

  test('that nests deeper than can be followed does not fit', async () => {
    let value: unknown = []
    for (let count = 0; count < 100_000; count += 1) value = [value]
    expect(await check({ items: { $ref: '#' } }, value)).toContain('nests too deep')
  })
})

describe('a schema is refused', () => {
  const bad: [title: string, schema: JsonSchema, why: string][] = [
    ['that ajv would wait for', { $async: true, type: 'object' }, '$async'],
    ['that ajv would wait for inside', { properties: { a: { $async: true, type: 'string' } } }, 'async'],
    ['that is only itself', { $ref: '#' }, 'without end'],
    ['that is all of itself', { allOf: [{ $ref: '#' }] }, 'without end'],
    ['that is itself for all but objects', { anyOf: [{ type: 'object' }, { $ref: '#' }] }, 'without end'],
    ['whose use would take for ever', doubling(60), 'takes too long'],
    ['of very many levels', nested(20_000), 'nests deeper than 50 levels'],
    ['of too many levels', nested(25), 'nests deeper than 50 levels'],
    ['of too many objects', properties(2000, {}), 'has 2002 objects and lists, and 2000 at most'],
    ['of too many values', { enum: Array(20_000).fill(0) }, 'has 20001 values, and 20000 at most'],
    ['whose pattern is none', { pattern: '(' }, 'nvalid regular expression'],
    ['that refers to nothing', { $ref: '#/$defs/a' }, "can't resolve reference"],
  ]
  test.each(bad)(
    '%s',
    async (_title, schema, why) => {
      expect(await refusal(compileSchema(schema))).toMatchObject({
        code: 'invalid_request',
        message: expect.stringContaining(why),
      })
    },
    180_000,
  )

  test('for a tool, too, where it nests too deep', () => {
    expect(checkSchema(nested(20_000))).toContain('nests deeper than 50 levels')
    expect(checkSchema(nested(24))).toBeUndefined()
  })
})

test('a property may be named as a word that is refused', async () => {
  expect(await check({ properties: { $async: { type: 'string' } } }, { $async: 1 })).toContain(
    'must be string',
  )
})
