import { describe, expect, test } from 'bun:test'
import type { JsonSchema } from '../../../src/agents/client-tools.ts'
import { answerForm } from '../../../src/agents/codex/strict-answer.ts'
import { strictSchema } from '../../../src/agents/codex/strict-schema.ts'

const text = { type: 'string' } as const
const nothing = { type: 'null' } as const
const object = (properties: object, required?: readonly string[], more: object = {}) => ({
  type: 'object',
  properties,
  ...(required === undefined ? {} : { required }),
  ...more,
})
const strict = (properties: object, more: object = {}) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
})

describe('a schema that is an object', () => {
  test.each<[string, JsonSchema, object]>([
    ['that is strict stays as it is', strict({ a: text }), strict({ a: text })],
    [
      'has all its members',
      object({ a: text, b: text }, ['a']),
      strict({ a: text, b: { anyOf: [text, nothing] } }),
    ],
    [
      'keeps members that may be null already',
      object({ a: { type: ['string', 'null'] }, b: { anyOf: [text, nothing] }, c: { enum: ['x', null] } }),
      strict({
        a: { type: ['string', 'null'] },
        b: { anyOf: [text, nothing] },
        c: { type: ['string', 'null'], enum: ['x', null] },
      }),
    ],
    [
      'allows no others, wherever it is',
      object({ a: object({ b: { type: 'array', items: object({ c: text }, ['c']) } }, ['b']) }, ['a'], {
        additionalProperties: true,
      }),
      strict({ a: strict({ b: { type: 'array', items: strict({ c: text }) } }) }),
    ],
    [
      'loses what strict mode does not know',
      object(
        { a: { ...text, minLength: 1, default: 'x', examples: ['y'], format: 'uri', pattern: '(?=x)' } },
        ['a'],
        {
          $schema: 'https://json-schema.org/draft/2020-12/schema',
          $id: 'x',
          minProperties: 1,
          else: {},
          not: {},
        },
      ),
      strict({ a: text }),
    ],
    [
      'keeps the limits that it knows',
      object(
        {
          a: { ...text, pattern: '^x', format: 'date', description: 'A', title: 'T' },
          b: { type: 'integer', minimum: 1, maximum: 2, multipleOf: 1 },
          c: { type: 'array', items: text, minItems: 1, maxItems: 2, uniqueItems: true },
        },
        ['a', 'b', 'c'],
      ),
      strict({
        a: { ...text, pattern: '^x', format: 'date', description: 'A', title: 'T' },
        b: { type: 'integer', minimum: 1, maximum: 2, multipleOf: 1 },
        c: { type: 'array', items: text, minItems: 1, maxItems: 2 },
      }),
    ],
    [
      'may hold values, and unions of any name',
      object(
        { a: { const: 1 }, b: { oneOf: [text, { const: 2 }] }, c: { allOf: [object({ d: text }, ['d'])] } },
        ['a', 'b', 'c'],
      ),
      strict({
        a: { type: 'integer', enum: [1] },
        b: { anyOf: [text, { type: 'integer', enum: [2] }] },
        c: { anyOf: [strict({ d: text })] },
      }),
    ],
    [
      'loses unions that only limit it',
      object({ a: text, b: text }, ['a', 'b'], { anyOf: [{ required: ['a'] }, { required: ['b'] }] }),
      strict({ a: text, b: text }),
    ],
    [
      'may say its type for all branches of a union',
      object({ a: { ...text, anyOf: [{ format: 'date' }, { format: 'uri' }] } }, ['a']),
      strict({ a: { anyOf: [{ ...text, format: 'date' }, text] } }),
    ],
    [
      'keeps the definitions that are used, and notes beside references',
      object({ a: { $ref: '#/$defs/x', description: 'A' }, b: { $ref: '#/definitions/y~1z' } }, ['a'], {
        $defs: { x: object({ again: { $ref: '#/$defs/x' } }), unused: true },
        definitions: { 'y/z': text },
      }),
      strict(
        {
          a: { description: 'A', anyOf: [{ $ref: '#/$defs/x' }] },
          b: { anyOf: [{ $ref: '#/definitions/y~1z' }, nothing] },
        },
        {
          $defs: { x: strict({ again: { anyOf: [{ $ref: '#/$defs/x' }, nothing] } }) },
          definitions: { 'y/z': text },
        },
      ),
    ],
    [
      'may refer to itself',
      object({ next: { $ref: '#' } }),
      strict({ next: { anyOf: [{ $ref: '#' }, nothing] } }),
    ],
    [
      'may hold references that go in circles',
      object({ a: { $ref: '#/$defs/x' } }, [], { $defs: { x: { anyOf: [{ $ref: '#/$defs/x' }, text] } } }),
      strict(
        { a: { anyOf: [{ $ref: '#/$defs/x' }, nothing] } },
        { $defs: { x: { anyOf: [{ $ref: '#/$defs/x' }, text] } } },
      ),
    ],
    ['may have no members', object({}, [], { additionalProperties: false }), strict({})],
    ['needs not say that it is one', { properties: { a: text }, required: ['a'] }, strict({ a: text })],
    [
      'has members with names of keywords',
      object({ enum: text, $ref: text }, ['enum', '$ref']),
      strict({ enum: text, $ref: text }),
    ],
    ['knows members that are never there', object({ a: text, b: false }, ['a']), strict({ a: text })],
  ])('%s', (_, schema, expected) => {
    const { schema: made, wrapped } = strictSchema(schema)
    expect<unknown>(made).toEqual(expected)
    expect(wrapped).toBe(false)
  })
})

describe('a schema that is no object', () => {
  test.each<[string, JsonSchema, object]>([
    ['an array', { type: 'array', items: text }, strict({ value: { type: 'array', items: text } })],
    ['a value', { enum: ['a', 'b'] }, strict({ value: { type: 'string', enum: ['a', 'b'] } })],
    [
      'a union',
      { anyOf: [object({ a: text }, ['a']), nothing] },
      strict({ value: { anyOf: [strict({ a: text }), nothing] } }),
    ],
    [
      'a reference',
      { $ref: '#/definitions/x', definitions: { x: object({ a: text }, ['a']) } },
      strict({ value: { $ref: '#/definitions/x' } }, { definitions: { x: strict({ a: text }) } }),
    ],
    [
      'a tree',
      { anyOf: [text, { type: 'array', items: { $ref: '#' } }], $defs: {} },
      strict(
        { value: { $ref: '#/$defs/clinvk_root' } },
        {
          $defs: {
            clinvk_root: { anyOf: [text, { type: 'array', items: { $ref: '#/$defs/clinvk_root' } }] },
          },
        },
      ),
    ],
  ])('is asked for as a member: %s', (_, schema, expected) => {
    const { schema: made, wrapped } = strictSchema(schema)
    expect<unknown>(made).toEqual(expected)
    expect(wrapped).toBe(true)
  })
})

test.each<[string, JsonSchema]>([
  ['#/properties/a/additionalProperties', object({ a: object({}, [], { additionalProperties: text }) })],
  ['#/additionalProperties', object({ a: text }, ['a'], { additionalProperties: text })],
  ['#/patternProperties', object({}, [], { patternProperties: { x: text } })],
  ['#', { type: 'object' }],
  ['#', {}],
  ['#/properties/a', object({ a: {} })],
  ['#/properties/a', object({ a: true })],
  ['#/required', object({ a: text }, ['b'])],
  ['#/properties/a/items', object({ a: { type: 'array', items: {} } })],
  ['#', { type: 'array' }],
  ['#', { type: 'array', prefixItems: [text] }],
  ['#', { type: 'array', items: [text] }],
  ['#/anyOf/1', { anyOf: [text, {}] }],
  ['#/anyOf', object({ a: text }, [], { anyOf: [object({ b: text })] })],
  ['#/allOf', { allOf: [object({ a: text }), object({ b: text })] }],
  ['#/$defs/x', { $ref: '#/$defs/x', $defs: { x: {} } }],
  ['#/properties/b', object({ a: text, b: { $ref: '#/properties/a' } })],
  ['#', { $ref: '#/$defs/x/y', $defs: { x: text } }],
  ['#', { $ref: '#/$defs/x', properties: {}, $defs: { x: text } }],
])('what cannot be made strict is refused with its place, %s', (place, schema) => {
  expect(() => strictSchema(schema)).toThrow(
    expect.objectContaining({
      code: 'unsupported_option',
      message: expect.stringContaining(` at ${place}, `),
    }),
  )
})

describe('an answer', () => {
  const tree = {
    $ref: '#/$defs/n',
    $defs: { n: object({ v: text, kids: { type: 'array', items: { $ref: '#/$defs/n' } } }) },
  }
  test.each<[string, JsonSchema, string, string]>([
    [
      'loses the nulls of members that are not there',
      object({ a: text, b: text }, ['a']),
      '{"a":"x","b":null}',
      '{"a":"x"}',
    ],
    [
      'keeps nulls that mean something',
      object({ a: { type: ['string', 'null'] }, b: text }),
      '{"a": null, "b": "x"}',
      '{"a": null, "b": "x"}',
    ],
    [
      'is left as it was written where nothing is lost',
      object({ a: text }),
      ' {"a" : "x"} ',
      ' {"a" : "x"} ',
    ],
    ['is taken out of its object', { type: 'array', items: text }, '{ "value" : [ "x" ] }', '[ "x" ]'],
    [
      'is taken out of its object, the members of its own too',
      { anyOf: [object({ value: text }), nothing] },
      '{"value":{"value":null}}',
      '{}',
    ],
    [
      'is known by its branch',
      {
        anyOf: [
          object({ k: { const: 'a' }, x: text }, ['k']),
          object({ k: { const: 'b' }, x: nothing }, ['k', 'x']),
        ],
      },
      '{"value":{"k":"b","x":null}}',
      '{"k":"b","x":null}',
    ],
    [
      'may be deep',
      tree,
      '{"value":{"v":null,"kids":[{"v":"x","kids":null},{"v":null,"kids":[]}]}}',
      '{"kids":[{"v":"x"},{"kids":[]}]}',
    ],
    [
      'keeps numbers as they are',
      object({ a: { type: 'integer' }, b: text }, ['a']),
      '{"a":12345678901234567890,"b":null}',
      '{"a":12345678901234567890}',
    ],
    [
      'in a union keeps numbers too',
      object({ a: { anyOf: [text, { type: 'integer' }] }, b: text }, ['a']),
      '{"a":12345678901234567890,"b":null}',
      '{"a":12345678901234567890}',
    ],
    ['that is none stays', { type: 'array', items: text }, 'I cannot', 'I cannot'],
    ['that was cut stays', { type: 'array', items: text }, '{"value":["x"', '{"value":["x"'],
    ['of another form stays', { type: 'array', items: text }, '["x"]', '["x"]'],
  ])('%s', (_, schema, written, expected) => {
    expect(answerForm(schema).restore?.(written)).toBe(expected)
  })

  test('that needs no change may be told while it is written', () => {
    expect(answerForm(strict({ a: text }))).not.toHaveProperty('restore')
  })
})
