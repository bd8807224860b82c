import { describe, expect, test } from 'bun:test'
import { threadConfig } from '../../../src/agents/codex/thread-config.ts'
import type { Fields } from '../../../src/agents/fields.ts'
import type { SessionOptions } from '../../../src/agents/types.ts'
import { RpcError } from '../../../src/process/json-rpc.ts'
import { options } from './support.ts'

const mcp = (...names: string[]) => ({ mcp_servers: Object.fromEntries(names.map((name) => [name, {}])) })
const answers: Readonly<Record<string, Fields>> = {
  'config/read': {
    config: mcp('mine', 'a.b', 'folders'),
    layers: [
      { name: { type: 'user' }, config: mcp('mine', 'a.b') },
      { name: { type: 'project' }, config: mcp('folders') },
    ],
  },
  'skills/list': {
    data: [
      {
        skills: [
          { name: 'a', scope: 'user', path: '/home/a' },
          { name: 'b', scope: 'repo', path: '/work/b' },
          { name: 'c', scope: 'system', path: '/home/c' },
        ],
      },
    ],
  },
}
const read = (more: Partial<SessionOptions>, known = answers) =>
  threadConfig(
    {
      async request(method) {
        const answer = known[method]
        if (answer) return answer
        throw new RpcError(-32601, method)
      },
    },
    options(more),
  )
const OFF = { enabled: false }
const ASK = { default_tools_approval_mode: 'prompt' }

describe('what a thread overrides', () => {
  test('is nothing for the agent as its user runs it', async () => {
    expect(await read({}, {})).toBeUndefined()
    expect(await read({ profile: 'full' }, {})).toBeUndefined()
  })

  test('is that results are not cut, where the client has some', async () => {
    const whole = { tool_output_token_limit: 1_000_000 }
    const history = [{ role: 'user', parts: [] }] as const
    expect(await read({ history }, {})).toEqual(whole)
    expect(await read({ clientTools: [{ name: 'f', inputSchema: {} }] }, {})).toEqual(whole)
    expect(await read({ history, profile: 'pure' })).toMatchObject({ ...whole, mcp_servers: { mine: OFF } })
  })

  test('is every MCP server for a mere model call', async () => {
    expect(await read({ profile: 'pure' })).toEqual({
      mcp_servers: { mine: OFF, 'a.b': OFF, folders: OFF },
    })
  })

  test("is the user's own MCP servers and skills for a project", async () => {
    expect(await read({ profile: 'project' })).toEqual({
      mcp_servers: { mine: OFF, 'a.b': OFF },
      skills: { config: [{ path: '/home/a', enabled: false }] },
    })
  })

  test('is all skills where they cannot be told apart', async () => {
    const { 'skills/list': _, ...older } = answers
    expect(await read({ profile: 'project' }, older)).toMatchObject({
      skills: { include_instructions: false },
    })
  })

  test('is that MCP servers ask, where everything is asked for', async () => {
    expect(await read({ approvalMode: 'always' })).toEqual({
      web_search: 'disabled',
      mcp_servers: { mine: ASK, 'a.b': ASK, folders: ASK },
    })
    expect(await read({ approvalMode: 'always', profile: 'project' })).toMatchObject({
      mcp_servers: { mine: OFF, 'a.b': OFF, folders: ASK },
    })
  })
})
