import { describe, expect, test } from 'bun:test'
import { KindGuard, type TSchema } from '@sinclair/typebox'
import { ConfigSchema } from '../../src/config/schema.ts'

describe('every key of the schema', () => {
  const keys = [...keysOf(ConfigSchema, '')]

  test.each(keys)('%s is described', (_, schema) => {
    expect(schema.description).toMatch(/\.$/)
  })

  test.each(keys.filter(([key]) => /_(secs|days|bytes|rps)$/.test(key)))('%s has its unit', (_, schema) => {
    expect(schema['unit']).toMatch(/^(seconds|days|bytes|requests per second)$/)
  })

  test('can be written as JSON Schema', () => {
    const written = JSON.parse(JSON.stringify(ConfigSchema))
    expect(written.properties.server.properties.port).toMatchObject({
      type: 'integer',
      minimum: 0,
      maximum: 65_535,
      default: 8080,
    })
  })
})

function* keysOf(schema: TSchema, path: string): Generator<[string, TSchema]> {
  if (KindGuard.IsRecord(schema))
    for (const part of Object.values(schema.patternProperties)) yield* keysOf(part, `${path}.<name>`)
  if (!KindGuard.IsObject(schema)) return
  for (const [name, part] of Object.entries(schema.properties)) {
    const key = path === '' ? name : `${path}.${name}`
    yield [key, part]
    yield* keysOf(part, key)
  }
}
