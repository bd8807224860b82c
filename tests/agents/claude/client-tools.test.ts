import { describe, expect, test } from 'bun:test'
import { offerTools } from '../../../src/agents/claude/client-tools.ts'
import type { ClientTool, JsonSchema } from '../../../src/agents/client-tools.ts'
import type { SessionOptions } from '../../../src/agents/types.ts'
import { failure } from './support.ts'

const tool = (name: string, inputSchema: JsonSchema = { type: 'object' }): ClientTool => ({
  name,
  inputSchema,
})
const offer = (names: readonly string[], more: Partial<SessionOptions> = { profile: 'pure' }) =>
  offerTools({ clientTools: names.map((name) => tool(name)), ...more })
const refusal = (...clientTools: ClientTool[]) =>
  failure((async () => offerTools({ profile: 'pure', clientTools }))())

describe('names of tools', () => {
  test.each<[Partial<SessionOptions>, string, string]>([
    [{ profile: 'pure' }, 'Bash', 'Bash'],
    [{ profile: 'pure' }, 'n'.repeat(128), 'n'.repeat(128)],
    [{ profile: 'pure' }, 'ToolSearch', 'ToolSearch_2'],
    [{ profile: 'pure' }, 'StructuredOutput', 'StructuredOutput'],
    [{ profile: 'pure', jsonSchema: {} }, 'StructuredOutput', 'StructuredOutput_2'],
    [{ profile: 'project' }, 'Bash', 'mcp__client__Bash'],
    [{}, 'ToolSearch', 'mcp__client__ToolSearch'],
    [{}, 'n'.repeat(115), `mcp__client__${'n'.repeat(115)}`],
    [{}, 'n'.repeat(116), `mcp__client__${'n'.repeat(113)}_2`],
  ])('with %j: %s is %s to the model, and the client’s again on its way back', (more, name, inside) => {
    const made = offer([name], more)
    expect(made.inside(name)).toBe(inside)
    expect(made.outside(inside)).toBe(name)
    expect(inside.endsWith(String(made.list[0]?.['name']))).toBe(true)
    expect(made.inside('other')).toBe('other')
    expect(made.outside('other')).toBeUndefined()
  })

  test('stay different where very many begin alike', () => {
    const names = Array.from(
      { length: 50_000 },
      (_, index) => `${'n'.repeat(115)}${String(index).padStart(5, '0')}`,
    )
    const { list } = offer(names, { profile: 'project' })
    expect(new Set(list.map(({ name }) => name)).size).toBe(names.length)
  })

  test('stay different where they have to be others', () => {
    const names = ['ToolSearch', 'ToolSearch_2', '__proto__', 'constructor']
    expect(names.map(offer(names).inside)).toEqual([
      'ToolSearch_3',
      'ToolSearch_2',
      '__proto__',
      'constructor',
    ])
    const long = ['a', 'b'].map((end) => `${'n'.repeat(120)}${end}`)
    expect(new Set(long.map(offer(long, {}).inside)).size).toBe(2)
  })

  test.each(['', 'with space', 'with.dot', 'Größe', 'n'.repeat(129)])('can not be %j', async (name) => {
    expect(await refusal(tool('fine'), tool(name))).toMatchObject({ code: 'unsupported_option', status: 400 })
  })

  test('can not be twice the same', async () => {
    expect((await refusal(tool('one'), tool('two'), tool('one'))).message).toContain('"one"')
  })
})

describe('a tool is listed', () => {
  const listed = (schema: JsonSchema) =>
    offerTools({ profile: 'pure', clientTools: [{ ...tool('a', schema), description: 'does' }] }).list[0]

  test('as one whose calls need not wait for each other and whose results may be long', () => {
    expect(listed({ type: 'object', properties: { a: true }, 'x-own': 1 })).toEqual({
      name: 'a',
      description: 'does',
      inputSchema: { type: 'object', properties: { a: true }, 'x-own': 1 },
      annotations: { readOnlyHint: true },
      _meta: { 'anthropic/alwaysLoad': true, 'anthropic/maxResultSizeChars': 500_000 },
    })
    expect(offer(['a']).list[0]).toMatchObject({ description: '' })
  })

  test.each<[JsonSchema]>([[{}], [{ type: ['object', 'null'] }], [{ anyOf: [{ required: ['a'] }] }]])(
    'with arguments that are an object: %j',
    (schema) => {
      expect(listed(schema)).toMatchObject({ inputSchema: { ...schema, type: 'object' } })
    },
  )

  test.each<[JsonSchema]>([
    [{ type: 'string' }],
    [{ type: 'object', properties: [] }],
    [{ type: 'object', required: 'a' }],
    [{ type: 'object', required: [1] }],
    [{ type: 'object', properties: { a: { items: [{ type: 'nope' }] } } }],
    [{ type: 'object', $defs: { a: { anyOf: [{ type: ['string', 'nope'] }] } } }],
    [{ type: 'object', properties: { a: { type: {} } } }],
  ])('not where all would be lost with its schema: %j', async (schema) => {
    const refused = await refusal(tool('fine'), tool('broken', schema))
    expect(refused).toMatchObject({ code: 'unsupported_option', status: 400 })
    expect(refused.message).toContain('"broken"')
  })

  test('where what looks like a type is a name or a value', () => {
    const schema = {
      type: 'object',
      properties: { type: { const: { type: 'nope' }, enum: [{ type: 'x' }] } },
    }
    expect(listed(schema)).toMatchObject({ inputSchema: schema })
  })
})

test('a tool that was dropped is told by the client’s name', () => {
  const made = offer(['a', 'ToolSearch'])
  expect(made.dropped(['a', 'ToolSearch_2', 'more'])).toBeUndefined()
  expect(made.dropped(['a', 'ToolSearch'])?.message).toContain('"ToolSearch"')
})

test('a tool named Agent is there under the name Task', () => {
  const made = offer(['Agent'])
  expect(made.dropped(['Task'])).toBeUndefined()
  expect(made.dropped(['Agent'])).toBeUndefined()
  expect(made.dropped(['other'])?.message).toContain('"Agent"')
})
