import { describe, expect, test } from 'bun:test'
import { nameTools } from '../../../src/agents/acp/tool-names.ts'
import type { ClientTool } from '../../../src/agents/client-tools.ts'

const named = (...names: readonly string[]) =>
  nameTools(names.map((name) => ({ name, inputSchema: { type: 'object' } })))
const schemaOf = (inputSchema: ClientTool['inputSchema']) =>
  nameTools([{ name: 'x', inputSchema }]).tools[0]?.inputSchema

describe('the names of tools', () => {
  test('stay as they are where every agent takes them', () => {
    const tools = named('get_weather', 'mcp__server__tool', 'a-b')
    expect(tools.tools.map(({ name }) => name)).toEqual(['get_weather', 'mcp__server__tool', 'a-b'])
  })

  test('are made fit, each its own, and found again', () => {
    const long = 'x'.repeat(64)
    const names = ['a.b', 'a b', 'a_b', `${long}1`, `${long}2`]
    const tools = named(...names)
    const given = tools.tools.map(({ name }) => name)
    expect(given).toEqual(['a_b_2', 'a_b_3', 'a_b', 'x'.repeat(59), `${'x'.repeat(57)}_2`])
    expect(given.map((name) => tools.find(name)?.name)).toEqual(names)
    expect(names.map(tools.nameOf)).toEqual(given)
    expect(tools.nameOf('other')).toBeUndefined()
  })

  test('are others where the agent does not take them, though never those of other tools', () => {
    const names = ['glob', 'glob_2', 'g.ob', 'x']
    const tools = nameTools(
      names.map((name) => ({ name, inputSchema: {} })),
      new Set(['glob', 'g_ob']),
    )
    expect(names.map(tools.nameOf)).toEqual(['glob_3', 'glob_2', 'g_ob_2', 'x'])
    expect(tools.find('glob')).toBeUndefined()
    expect(tools.find('glob_3')?.name).toBe('glob')
  })

  test('are each their own where very many begin alike', () => {
    const names = Array.from({ length: 50_000 }, (_, index) => `${'x'.repeat(59)}${index}`)
    const { tools } = named(...names)
    expect(new Set(tools.map(({ name }) => name)).size).toBe(names.length)
    expect(tools.at(-1)?.name).toBe(`${'x'.repeat(53)}_50000`)
  })
})

test('schemas are objects with objects as properties, and else as they were', () => {
  expect(schemaOf({})).toEqual({ type: 'object', properties: {} })
  expect(
    schemaOf({
      $schema: 's',
      type: ['object', 'null'],
      properties: { a: true, b: false, c: { type: 'string' } },
      required: ['c'],
      anyOf: [{ required: ['a'] }],
    }),
  ).toEqual({
    $schema: 's',
    type: 'object',
    properties: { a: {}, b: { not: {} }, c: { type: 'string' } },
    required: ['c'],
    anyOf: [{ required: ['a'] }],
  })
  expect(schemaOf({ type: 'object', properties: 7, required: 'c' })).toEqual({
    type: 'object',
    properties: {},
  })
})
