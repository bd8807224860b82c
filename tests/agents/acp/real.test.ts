import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createAcpDriver } from '../../../src/agents/acp/driver.ts'
import { type Fields, fields } from '../../../src/agents/fields.ts'
import type { HistoryMessage } from '../../../src/agents/messages.ts'
import type { AgentDriver, SessionOptions, TurnEvent } from '../../../src/agents/types.ts'
import {
  type MockProvider,
  type RecordedRequest,
  startMockProvider,
} from '../../support/mock-provider/index.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { errorOf, never, textOf } from './support.ts'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const PDF = 'JVBERi0='
const INSTALL_MS = 600_000

const history: readonly HistoryMessage[] = [
  {
    role: 'user',
    parts: [
      { type: 'text', text: 'What is this?' },
      { type: 'image', mediaType: 'image/png', data: PNG },
    ],
  },
  { role: 'assistant', text: '', toolCalls: [{ id: 'c1', name: 'look', input: { closely: true } }] },
  { role: 'tool', callId: 'c1', parts: [{ type: 'text', text: 'It is a dot.' }], isError: false },
  { role: 'assistant', text: 'A dot.', toolCalls: [] },
]

/** What the provider has to see in this order, each once. */
const ORDER = ['Be brief.', 'What is this?', PNG, 'closely', 'It is a dot.', 'A dot.', PDF, 'And this?']

describe.each([
  ['gemini', 'gemini-2.5-flash'],
  ['opencode', 'mock/m1'],
] as const)('a pure model call by the real %s', (name, model) => {
  let provider: MockProvider
  let home: AgentHome
  let driver: AgentDriver
  let events: TurnEvent[]
  let call: RecordedRequest | undefined
  const open = (options: Partial<SessionOptions>) =>
    driver.open(
      {
        workdir: home.workdir,
        approvalMode: 'default',
        sandboxMode: 'default',
        ephemeral: true,
        profile: 'pure',
        ...options,
      },
      never,
    )

  beforeAll(async () => {
    provider = await startMockProvider()
    home = await createAgentHome()
    const env = { ...(await agentEnv(provider.url, home)), TMPDIR: home.home }
    await setUp(home)
    driver = createAcpDriver({ name, driver: 'acp', command: [name], env, models: [], extraFlags: [] })
    const session = await open({ systemPrompt: 'Be brief.', effort: 'low', model, history })
    const parts = [
      { type: 'document', mediaType: 'application/pdf', data: PDF, name: 'dot.pdf' },
      { type: 'text', text: 'And this?' },
    ] as const
    events = await Array.fromAsync(session.prompt({ parts }, never))
    await session.close()
    call = provider.calls[0]
  }, INSTALL_MS)
  afterAll(async () => {
    await driver.close()
    await provider.stop()
    await home.remove()
  })

  test('answers', () => {
    expect(events.at(-1)).toMatchObject({ type: 'done', stopReason: 'end_turn' })
    expect(provider.calls).toHaveLength(1)
  })

  test('is lean, and offers no tool', () => {
    expect(call?.tools).toEqual([])
    expect(call?.system.length).toBeLessThan(1000)
    expect(JSON.stringify(call?.body).length).toBeLessThan(4000)
  })

  test("has nothing of the user's set-up or the folder's", () => {
    expect(JSON.stringify(call?.body)).not.toContain('MARK-OF-')
  })

  test('has every message once and in order, images and documents too', () => {
    const body = JSON.stringify(call?.body)
    const places = ORDER.map((mark) => body.indexOf(mark))
    expect(places).not.toContain(-1)
    expect(places).toEqual(places.toSorted((one, other) => one - other))
    for (const mark of ORDER) expect(body.split(mark)).toHaveLength(2)
  })

  if (name === 'opencode')
    test('refuses an image that the model cannot see', async () => {
      const before = provider.calls.length
      const session = await open({ model: 'mock/blind' })
      const image = { type: 'image', mediaType: 'image/png', data: PNG } as const
      const error = await errorOf(Array.fromAsync(session.prompt({ parts: [image] }, never)))
      expect(error).toMatchObject({ code: 'unsupported_option', details: { option: 'images' } })
      expect(provider.calls).toHaveLength(before)
      await session.close()
    }, 180_000)

  // OpenCode always tries again, and does not tell so (1.18.33).
  if (name === 'gemini')
    test('fails where the stream breaks, rather than say its beginning twice', async () => {
      const text = ['Par', 'is is', ' in', ' France']
      provider.play([{ text, dropAfter: 2 }, { text }])
      const session = await open({ model })
      const said: TurnEvent[] = []
      const reading = (async () => {
        for await (const event of session.prompt({ parts: [{ type: 'text', text: 'Where?' }] }, never))
          said.push(event)
      })()
      expect(await errorOf(reading)).toMatchObject({ code: 'upstream_error' })
      expect(textOf(said)).toBe('Paris is')
      await session.close()
    })

  test('starts neither plugins nor MCP servers', async () => {
    expect((await readdir(home.home)).filter((file) => file.startsWith('RAN-'))).toEqual([])
  })
})

/** Gives each agent memory, a plugin and an MCP server of the user's and of the folder's. */
async function setUp({ home, workdir }: AgentHome): Promise<void> {
  const server = (mark: string) => ['sh', '-c', `touch '${join(home, `RAN-${mark}`)}'`]
  const plugin = (mark: string) =>
    `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(join(home, `RAN-${mark}`))}, '')\nexport const P = async () => ({})\n`
  const write = async (path: string, text: string) => {
    await mkdir(join(path, '..'), { recursive: true })
    await writeFile(path, text)
  }
  const change = async (path: string, changed: (settings: Fields) => unknown) =>
    write(path, JSON.stringify(changed(await Bun.file(path).json())))
  const mcpServers = (mark: string) => {
    const [command, ...args] = server(mark)
    return { mcpServers: { [mark]: { command, args } } }
  }
  const mcp = (mark: string) => ({ mcp: { [mark]: { type: 'local', command: server(mark) } } })

  await change(join(home, '.gemini/settings.json'), (settings) => ({ ...settings, ...mcpServers('user') }))
  await write(join(workdir, '.gemini/settings.json'), JSON.stringify(mcpServers('folder')))
  await write(join(home, '.gemini/GEMINI.md'), 'MARK-OF-USER')
  await write(join(workdir, 'GEMINI.md'), 'MARK-OF-FOLDER')

  const models = {
    m1: {
      attachment: true,
      modalities: { input: ['text', 'image', 'pdf'], output: ['text'] },
      reasoning: true,
    },
    blind: {},
  }
  await change(join(home, '.config/opencode/opencode.json'), ({ provider, ...settings }) => ({
    ...settings,
    ...mcp('user'),
    provider: { mock: { ...fields(fields(provider)['mock']), models } },
  }))
  await write(join(workdir, 'opencode.json'), JSON.stringify(mcp('folder')))
  await write(join(home, '.config/opencode/AGENTS.md'), 'MARK-OF-USER')
  await write(join(workdir, 'AGENTS.md'), 'MARK-OF-FOLDER')
  await write(join(home, '.config/opencode/plugin/p.js'), plugin('user-plugin'))
  await write(join(workdir, '.opencode/plugin/p.js'), plugin('folder-plugin'))
}
