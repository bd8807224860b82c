import { describe, expect, test } from 'bun:test'
import { testApp } from '../support.ts'

type Tool = (name: string, schema: object) => object
const chat: Tool = (name, parameters) => ({ type: 'function', function: { name, parameters } })
const response: Tool = (name, parameters) => ({ type: 'function', name, parameters })
const message: Tool = (name, input_schema) => ({ name, input_schema })
const space: Tool = (name, parameters) => ({
  type: 'namespace',
  name: `of_${name}`,
  tools: [response(name, parameters), response(`${name}_too`, parameters)],
})
const messages = [{ role: 'user', content: 'hi' }]
const DIALECTS: [path: string, body: object, tool: Tool, tools: number][] = [
  ['/openai/v1/chat/completions', { messages }, chat, 1000],
  ['/openai/v1/responses', { input: 'hi' }, response, 1000],
  ['/openai/v1/responses', { input: 'hi' }, space, 500],
  ['/anthropic/v1/messages', { messages, max_tokens: 9 }, message, 1000],
]
const many = (tool: Tool, count: number) =>
  Array.from({ length: count }, (_, index) => tool(`t${index}`, { type: 'object' }))
const nested = (levels: number): object =>
  levels === 0 ? { type: 'object' } : { type: 'object', properties: { a: nested(levels - 1) } }

describe.each(DIALECTS)('the tools of a request to %s', (path, body, tool, most) => {
  const post = (tools: object[]) => testApp().post(path, { model: 'fake', ...body, tools })

  test('are a thousand at most', async () => {
    expect((await post(many(tool, most))).status).toBe(200)
    const refused = await post(many(tool, most + 1))
    expect([refused.status, await refused.text()]).toEqual([
      400,
      expect.stringMatching(/tools.* 1000 at most/),
    ])
  })

  test('have schemas of fifty levels at most', async () => {
    expect((await post([tool('a', nested(24))])).status).toBe(200)
    const refused = await post([tool('a', nested(25))])
    expect([refused.status, await refused.text()]).toEqual([
      400,
      expect.stringMatching(/tools\[0\].*nests deeper than 50 levels/),
    ])
  })
})
