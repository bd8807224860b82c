import { expect, test } from 'bun:test'
import { understoodSchema } from '../../../src/agents/codex/tool-schema.ts'

test.each<[unknown, Record<string, unknown>]>([
  [{ const: 1 }, { type: 'integer', enum: [1] }],
  [
    { const: 'a', type: 'string' },
    { type: 'string', enum: ['a'] },
  ],
  [{ const: null }, { type: 'null', enum: [null] }],
  [{ const: { a: 1 } }, { type: 'object', enum: [{ a: 1 }] }],
  [{ enum: [1, 2] }, { type: 'integer', enum: [1, 2] }],
  [
    { enum: ['a', 1.5, true, null, []] },
    { type: ['string', 'number', 'boolean', 'null', 'array'], enum: ['a', 1.5, true, null, []] },
  ],
  [{ type: 'array' }, { type: 'array', items: {} }],
  [
    { type: 'array', items: true },
    { type: 'array', items: {} },
  ],
  [
    { type: 'array', prefixItems: [{ const: 1 }, true] },
    { type: 'array', items: { anyOf: [{ type: 'integer', enum: [1] }, {}] } },
  ],
  [{ items: [{ type: 'string' }] }, { items: { anyOf: [{ type: 'string' }] } }],
  [{ properties: { a: true } }, { properties: { a: {} } }],
  [
    { properties: { const: { type: 'string' }, enum: { const: 'x' } } },
    { properties: { const: { type: 'string' }, enum: { type: 'string', enum: ['x'] } } },
  ],
  [
    { $defs: { a: { anyOf: [{ const: 1 }] } }, additionalProperties: { const: true } },
    {
      $defs: { a: { anyOf: [{ type: 'integer', enum: [1] }] } },
      additionalProperties: { type: 'boolean', enum: [true] },
    },
  ],
  [
    { type: 'string', format: 'email', default: { const: 1 }, additionalProperties: false },
    { type: 'string', format: 'email', default: { const: 1 }, additionalProperties: false },
  ],
  [true, {}],
])('%j', (schema, expected) => {
  expect<unknown>(understoodSchema(schema)).toEqual(expected)
})
