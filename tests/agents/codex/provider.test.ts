import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createCodexDriver } from '../../../src/agents/codex/driver.ts'
import { items } from '../../../src/agents/fields.ts'
import type { HistoryMessage } from '../../../src/agents/messages.ts'
import type { AgentDriver, AgentSession, SessionOptions } from '../../../src/agents/types.ts'
import { type MockProvider, startMockProvider } from '../../support/mock-provider/index.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { failure, never, options, textOf } from './support.ts'

/** What the real Codex sends to its provider, from a home with everything that a profile may leave out. */
let provider: MockProvider
let home: AgentHome
let driver: AgentDriver

// The first test of all may have to install the agents.
const INSTALL_MS = 600_000

beforeAll(async () => {
  provider = await startMockProvider()
  provider.play({ text: 'fine' })
  home = await createAgentHome()
  const env = await agentEnv(provider.url, home)
  await furnish(env['CODEX_HOME'] ?? '')
  driver = createCodexDriver({
    name: 'codex',
    driver: 'codex',
    command: ['codex'],
    env,
    models: [],
    extraFlags: [],
  })
}, INSTALL_MS)
afterAll(async () => {
  await driver.close()
  await provider.stop()
  await home.remove()
})

/** Each file says whose it is. The MCP server only leaves a trace. */
async function furnish(own: string): Promise<void> {
  const write = async (path: string, text: string) => {
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, text)
  }
  const skill = (whose: string) => `---\nname: skill-${whose}\ndescription: ${whose}-skill\n---\n`
  const config = join(own, 'config.toml')
  const server = `[mcp_servers.mine]\ncommand = "touch"\nargs = ["${mcpTrace()}"]\n`
  const instructions = 'developer_instructions = "user-developer"\n'
  await write(config, `${instructions}${await readFile(config, 'utf8')}\n${server}`)
  await write(join(own, 'AGENTS.md'), 'user-agents')
  await write(join(own, 'skills', 'a', 'SKILL.md'), skill('user'))
  await write(join(home.workdir, 'AGENTS.md'), 'folder-agents')
  await write(join(home.workdir, '.agents', 'skills', 'b', 'SKILL.md'), skill('folder'))
}

const mcpTrace = () => join(home.home, 'mcp-was-started')

/** Takes turns in a session of its own, and gives the bodies that the provider was sent. */
async function ask(more: Partial<SessionOptions>, ...turns: readonly (readonly string[])[]) {
  const before = provider.calls.length
  const session = await driver.open(options({ workdir: home.workdir, ...more }), never)
  for (const texts of turns) {
    const parts = texts.map((text) => ({ type: 'text', text }) as const)
    expect(textOf(await Array.fromAsync(session.prompt({ parts }, never)))).toBe('fine')
  }
  await session.close()
  return provider.calls.slice(before).map(({ body }) => body)
}

/** The items of a request, without what Codex numbers them with. */
function itemsOf(body: Readonly<Record<string, unknown>> | undefined): unknown[] {
  return items(body?.['input']).map(({ id: _, ...item }) => item)
}

const message = (role: string, ...content: unknown[]) => ({ type: 'message', role, content })
const said = (text: string) => ({ type: 'input_text', text })
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const image = { type: 'image', mediaType: 'image/png', data: PNG } as const
const seen = expect.objectContaining({ type: 'input_image', image_url: `data:image/png;base64,${PNG}` })

const HISTORY: readonly HistoryMessage[] = [
  { role: 'user', parts: [{ type: 'text', text: 'look, $a @b' }, image] },
  {
    role: 'assistant',
    text: 'I look',
    toolCalls: [
      { id: 'c1', name: 'weather', input: { city: 'Paris' } },
      { id: 'c2', name: 'camera', input: {} },
    ],
  },
  { role: 'tool', callId: 'c1', isError: false, parts: [{ type: 'text', text: '22C' }] },
  { role: 'tool', callId: 'c2', isError: false, parts: [image] },
]
const AS_SENT: readonly unknown[] = [
  message('user', said('look, $a @b'), seen),
  message('assistant', { type: 'output_text', text: 'I look' }),
  { type: 'function_call', call_id: 'c1', name: 'weather', arguments: '{"city":"Paris"}' },
  { type: 'function_call', call_id: 'c2', name: 'camera', arguments: '{}' },
  { type: 'function_call_output', call_id: 'c1', output: '22C' },
  { type: 'function_call_output', call_id: 'c2', output: [seen] },
]

// A model that Codex does not know, one that brings tools of its own, and one that gets its tools as a message.
describe.each(['gpt-5', 'gpt-5.5', 'gpt-6-sol'])('a mere model call to %s', (model) => {
  test('is sent the conversation and nothing else, without any tool', async () => {
    const more = { profile: 'pure', model, systemPrompt: 'be kind', history: HISTORY } as const
    const [first, second] = await ask(more, ['hi'], ['$x'])
    const start = [message('developer', said('be kind')), ...AS_SENT, message('user', said('hi'))]
    expect(itemsOf(first)).toEqual(start)
    expect(itemsOf(second)).toEqual([
      ...start,
      expect.objectContaining({ role: 'assistant', content: [expect.objectContaining({ text: 'fine' })] }),
      message('user', said('$x')),
    ])
    expect([first?.['tools'] ?? [], first?.['instructions'] ?? '']).toEqual([[], ''])
    expect(existsSync(mcpTrace())).toBe(false)
  })

  test('may end with the result of a tool, and is small', async () => {
    const [body] = await ask({ profile: 'pure', model, history: HISTORY }, [])
    expect(itemsOf(body)).toEqual([...AS_SENT])
    const [small] = await ask({ profile: 'pure', model }, ['hi'])
    expect(itemsOf(small)).toEqual([message('user', said('hi'))])
    expect(JSON.stringify(small).length).toBeLessThan(2048)
  })
})

test('a project brings its own instructions and skills, and tools, but nothing of the user', async () => {
  const [body] = await ask({ profile: 'project', systemPrompt: 'be kind', history: HISTORY }, ['hi'])
  const sent = JSON.stringify(body)
  for (const there of ['folder-agents', 'folder-skill', 'be kind', 'exec_command'])
    expect(sent).toContain(there)
  for (const absent of ['user-agents', 'user-skill', 'user-developer', 'mcp__mine'])
    expect(sent).not.toContain(absent)
  expect(itemsOf(body).slice(-AS_SENT.length - 1)).toEqual([...AS_SENT, message('user', said('hi'))])
  expect(existsSync(mcpTrace())).toBe(false)
})

test('the agent as its user runs it brings everything, and the history before the prompt', async () => {
  const [body] = await ask({ history: HISTORY }, ['hi'])
  const sent = JSON.stringify(body)
  for (const there of ['folder-agents', 'folder-skill', 'user-agents', 'user-skill', 'user-developer'])
    expect(sent).toContain(there)
  expect(itemsOf(body).slice(-AS_SENT.length - 1)).toEqual([...AS_SENT, message('user', said('hi'))])
  expect(existsSync(mcpTrace())).toBe(true)
})

test('the effort reaches the provider in a word that the model takes', async () => {
  const [unknown] = await ask({ profile: 'pure', model: 'gpt-5', effort: 'minimal' }, ['hi'])
  const [known] = await ask({ profile: 'pure', model: 'gpt-5.5', effort: 'max' }, ['hi'])
  expect(unknown?.['reasoning']).toMatchObject({ effort: 'minimal' })
  expect(known?.['reasoning']).toMatchObject({ effort: 'xhigh' })
})

describe('where the stream breaks and Codex tries again by itself', () => {
  afterAll(() => provider.play({ text: 'fine' }))

  test('the answer is told once', async () => {
    const pieces = ['Par', 'is is', ' in', ' France']
    provider.play([{ text: pieces, dropAfter: 2 }, { text: pieces }])
    const session = await driver.open(options({ workdir: home.workdir, profile: 'pure' }), never)
    const events = await Array.fromAsync(session.prompt({ parts: [{ type: 'text', text: 'hi' }] }, never))
    await session.close()
    expect(textOf(events)).toBe('Paris is in France')
    const parts = events.flatMap((event) => (event.type === 'text' ? [event.part] : []))
    expect(new Set(parts).size).toBe(1)
  })
})

test.each([
  ['full', false],
  ['pure', true],
] as const)(
  'the tokens of an answer that was cut are those of its own turn (%s)',
  async (profile, ephemeral) => {
    const cut = { text: 'half', stopReason: 'max_tokens', usage: { input: 40, output: 9 } } as const
    const others = [
      { ...cut, usage: { input: 50, output: 8 } },
      { ...cut, usage: { input: 60, output: 7 } },
    ]
    provider.play([cut, ...others])
    const usageOf = async (session: AgentSession) => {
      const events = await Array.fromAsync(session.prompt({ parts: [{ type: 'text', text: 'hi' }] }, never))
      return events.flatMap((event) => (event.type === 'done' ? [event.stopReason, event.usage] : []))
    }
    const session = await driver.open(options({ workdir: home.workdir, profile, ephemeral }), never)
    const { id } = session
    expect(await usageOf(session)).toMatchObject(['max_tokens', { inputTokens: 40, outputTokens: 9 }])
    expect(await usageOf(session)).toMatchObject(['max_tokens', { inputTokens: 50, outputTokens: 8 }])
    await session.close()
    if (ephemeral || id === undefined) return
    // Codex tells what a conversation had spent when it is opened again.
    const again = await driver.open(options({ workdir: home.workdir, profile, resume: id, ephemeral }), never)
    expect(await usageOf(again)).toMatchObject(['max_tokens', { inputTokens: 60, outputTokens: 7 }])
    await again.close()
    provider.play({ text: 'fine' })
  },
)

test.each([
  ['insufficient_quota', 'upstream_billing'],
  ['usage_limit_reached', 'upstream_rate_limited'],
] as const)('a 429 for %s is told as %s', async (errorType, code) => {
  provider.play({ status: 429, errorType, message: 'No more.' })
  const session = await driver.open(options({ workdir: home.workdir, profile: 'pure' }), never)
  const turn = Array.fromAsync(session.prompt({ parts: [{ type: 'text', text: 'hi' }] }, never))
  expect((await failure(turn)).code).toBe(code)
  await session.close()
  provider.play({ text: 'fine' })
})
