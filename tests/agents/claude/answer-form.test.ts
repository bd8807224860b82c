import { expect, test } from 'bun:test'
import { answerForm } from '../../../src/agents/claude/answer-form.ts'
import type { JsonSchema } from '../../../src/agents/client-tools.ts'

const form = (schema: JsonSchema) => answerForm('claude', schema)

test('a schema goes without what Claude Code does not know, wherever it is', () => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://example.com/a',
    type: 'object',
    'x-own': 1,
    properties: {
      // Names of properties are no keywords, values are no schemas.
      'x-own': { type: 'string', 'x-own': 1, enum: [{ 'x-own': 1 }], default: { example: 2 } },
      pair: { type: 'array', prefixItems: [{ type: 'string' }], items: false, minItems: 2 },
      list: { type: 'array', items: { example: 1, type: 'string', format: 'date' } },
      either: { anyOf: [{ type: 'null' }, { discriminator: 1, $ref: '#/$defs/a' }] },
    },
    dependencies: { pair: ['list'], list: { example: 1, required: ['pair'] } },
    additionalProperties: false,
    unevaluatedProperties: false,
    $defs: { a: { example: 1, not: { example: 1, const: 5 } } },
  }
  expect(form(schema).schema).toEqual({
    $id: 'https://example.com/a',
    type: 'object',
    properties: {
      'x-own': { type: 'string', enum: [{ 'x-own': 1 }], default: { example: 2 } },
      pair: { type: 'array', minItems: 2 },
      list: { type: 'array', items: { type: 'string', format: 'date' } },
      either: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/a' }] },
    },
    dependencies: { pair: ['list'], list: { required: ['pair'] } },
    additionalProperties: false,
    $defs: { a: { not: { const: 5 } } },
  })
  expect(schema.properties.pair.prefixItems).toEqual([{ type: 'string' }])
})

test('what is no object is a property of one, and its references go there', () => {
  const tree = {
    $id: 'a',
    type: 'array',
    items: { anyOf: [{ $ref: '#' }, { $ref: '#/$defs/leaf' }, { $ref: 'other#/$defs/b' }] },
    $defs: { leaf: { type: 'string' } },
  }
  expect(form(tree).schema).toEqual({
    type: 'object',
    properties: {
      value: {
        type: 'array',
        items: {
          anyOf: [
            { $ref: '#/properties/value' },
            { $ref: '#/properties/value/$defs/leaf' },
            { $ref: 'other#/$defs/b' },
          ],
        },
        $defs: { leaf: { type: 'string' } },
      },
    },
    required: ['value'],
  })
})

test.each<[JsonSchema, unknown, string | undefined]>([
  [{ type: 'object' }, { value: 1 }, '{"value":1}'],
  [{ type: 'string' }, { value: 'a' }, '"a"'],
  [{}, { value: null }, 'null'],
  [{ type: ['object', 'null'] }, { value: {} }, '{}'],
  [{ type: 'object', oneOf: [] }, { value: {} }, '{}'],
  [{ type: 'object' }, undefined, undefined],
  [{ type: 'string' }, undefined, undefined],
  [{ type: 'string' }, { city: 'a' }, '{"city":"a"}'],
])('the answer to %j given as %j is %s', (schema, given, expected) => {
  expect(form(schema).answer(given)).toBe(expected)
})

test.each<[JsonSchema, string, string]>([
  [{ type: 'object' }, '{"value": {"a', '{"value": {"a'],
  [{ type: 'array' }, ' {"value": [1, 2', '[1, 2'],
  [{ type: 'array' }, '{"val', '{"val'],
])('what there is of an answer to %j, cut as %s, is %s', (schema, json, expected) => {
  expect(form(schema).begun(json)).toBe(expected)
})
