import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { createAcpDriver } from '../../../src/agents/acp/driver.ts'
import { fields, items } from '../../../src/agents/fields.ts'
import type { AgentDriver, AgentSession, SessionOptions, TurnEvent } from '../../../src/agents/types.ts'
import { type MockProvider, startMockProvider } from '../../support/mock-provider/index.ts'
import { processesIn } from '../../support/processes.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { errorOf, never, textOf } from './support.ts'

const INSTALL_MS = 600_000

/** Every tool of Gemini CLI's own, by the names that it has had too, and words that coding agents call theirs. */
const OWN_NAMES = [
  'read_file',
  'write_file',
  'replace',
  'glob',
  'list_directory',
  'grep_search',
  'search_file_content',
  'google_web_search',
  'web_fetch',
  'run_shell_command',
  'activate_skill',
  'ask_user',
  'list_background_processes',
  'read_background_output',
  'enter_plan_mode',
  'exit_plan_mode',
  'update_topic',
  'complete_task',
  'invoke_agent',
  'read_many_files',
  'write_todos',
  'save_memory',
  'get_internal_docs',
  'read_mcp_resource',
  'list_mcp_resources',
  'tracker_create_task',
  'codebase_investigator',
  'DiscoveredMCPTool',
  'mcp_read_file',
  'bash',
  'ReadFileTool',
]

describe('the tools that the real gemini is given or not', () => {
  let provider: MockProvider
  let home: AgentHome
  let driver: AgentDriver
  let before = 0
  const sessions: AgentSession[] = []

  beforeAll(async () => {
    provider = await startMockProvider()
    home = await createAgentHome()
    const env = { ...(await agentEnv(provider.url, home)), TMPDIR: home.home }
    driver = createAcpDriver({
      name: 'gemini',
      driver: 'acp',
      command: ['gemini'],
      env,
      models: [],
      extraFlags: [],
    })
  }, INSTALL_MS)
  afterAll(async () => {
    await driver.close()
    await provider.stop()
    expect(await processesIn(home.home)).toEqual([])
    await home.remove()
  })
  beforeEach(async () => {
    await Promise.all(sessions.splice(0).map((session) => session.close()))
    before = provider.calls.length
  })

  const open = async (more: Partial<SessionOptions> = {}) => {
    const session = await driver.open(
      {
        workdir: home.workdir,
        approvalMode: 'default',
        sandboxMode: 'default',
        ephemeral: true,
        profile: 'pure',
        model: 'gemini-2.5-flash',
        ...more,
      },
      never,
    )
    sessions.push(session)
    return session
  }
  const prompt = (session: AgentSession) =>
    Array.fromAsync(session.prompt({ parts: [{ type: 'text', text: 'Go.' }] }, never))
  const received = () => provider.calls.slice(before)
  const callsOf = (events: readonly TurnEvent[]) => events.filter((event) => event.type === 'call_end')
  const tools = (names: readonly string[]) =>
    names.map((name) => ({
      name,
      description: `The client's ${name}.`,
      inputSchema: { type: 'object', properties: { x: { type: 'string' } } },
    }))
  /** What the model knows a client's tool by, from what is told of it. */
  const offeredAs = (name: string): string | undefined => {
    const declared = items(received()[0]?.body['tools']).flatMap((tool) =>
      items(tool['functionDeclarations']),
    )
    const found = declared.find(({ description }) => description === `The client's ${name}.`)
    return typeof found?.['name'] === 'string' ? found['name'] : undefined
  }

  test.each([
    ['pure', 'default', 'default'],
    ['project', 'read-only', 'default'],
    ['project', 'workspace', 'always'],
    ['full', 'default', 'default'],
  ] as const)(
    "are all of its client's, those named like its own too, and each is called: %s, %s, %s",
    async (profile, sandboxMode, approvalMode) => {
      let at = 0
      provider.play(() =>
        at++ === 0
          ? {
              toolCalls: OWN_NAMES.map((name) => ({
                id: `id_${name}`,
                name: offeredAs(name) ?? `missing_${name}`,
                input: { x: name },
              })),
            }
          : { text: 'All.' },
      )
      const session = await open({ profile, sandboxMode, approvalMode, clientTools: tools(OWN_NAMES) })
      const legs = [await prompt(session)]
      expect(OWN_NAMES.filter((name) => offeredAs(name) === undefined)).toEqual([])
      for (let calls = callsOf(legs[0] ?? []); calls.length > 0; calls = callsOf(legs.at(-1) ?? []))
        legs.push(
          await Array.fromAsync(
            session.answer?.(
              calls.map(({ id, name }) => ({
                role: 'tool',
                callId: id,
                parts: [{ type: 'text', text: `RESULT-OF-${name};` }],
                isError: false,
              })),
              never,
            ) ?? [],
          ),
        )
      expect(legs.flatMap(callsOf).map(({ name, input }) => [name, input])).toEqual(
        OWN_NAMES.map((name) => [name, { x: name }]),
      )
      expect(textOf(legs.at(-1) ?? [])).toBe('All.')
      const last = JSON.stringify(items(received().at(-1)?.body['contents']).at(-1))
      expect(OWN_NAMES.filter((name) => !last.includes(`RESULT-OF-${name};`))).toEqual([])
    },
    120_000,
  )

  test.each([
    ['write_file', 'mcp_write_file'],
    ['ask_user', 'mcp_ask_user_2'],
  ])(
    "have one name in the conversation so far, in the choice and to the model: the client's %s",
    async (name, known) => {
      let at = 0
      provider.play(() =>
        at++ === 0 ? { toolCalls: [{ name: known, input: { x: 'y' }, id: 'c2' }] } : { text: 'So.' },
      )
      const session = await open({
        clientTools: tools(['write_file', 'ask_user']),
        toolChoice: { name },
        history: [
          { role: 'user', parts: [{ type: 'text', text: 'Begin.' }] },
          { role: 'assistant', text: '', toolCalls: [{ id: 'c1', name, input: { x: 'z' } }] },
          { role: 'tool', callId: 'c1', parts: [{ type: 'text', text: 'done' }], isError: false },
        ],
      })
      expect(callsOf(await prompt(session))).toMatchObject([{ id: 'c2', name, input: { x: 'y' } }])
      expect(received()[0]?.tools).toEqual([known])
      const said = JSON.stringify(received()[0]?.body['contents'])
      expect(said.split(`"name":"${known}"`)).toHaveLength(3)
    },
    180_000,
  )

  test('can be made to be called with the model of the environment, where the request names none', async () => {
    const env = { ...(await agentEnv(provider.url, home)), TMPDIR: home.home, GEMINI_MODEL: 'gemini-2.5-pro' }
    const other = createAcpDriver({
      name: 'gemini',
      driver: 'acp',
      command: ['gemini'],
      env,
      models: [],
      extraFlags: [],
    })
    provider.play(() => ({ text: 'No.' }))
    try {
      const session = await other.open(
        {
          workdir: home.workdir,
          approvalMode: 'default',
          sandboxMode: 'default',
          ephemeral: true,
          profile: 'pure',
          clientTools: tools(['look']),
          toolChoice: 'required',
        },
        never,
      )
      const events = await prompt(session)
      expect(events[0]).toMatchObject({ type: 'init', model: 'gemini-2.5-pro' })
      expect(events.at(-1)).toMatchObject({ type: 'done', model: 'gemini-2.5-pro' })
      const [call] = received()
      expect(call?.path).toContain('/gemini-2.5-pro:')
      expect(fields(call?.body['toolConfig'])).toEqual({ functionCallingConfig: { mode: 'ANY' } })
      await session.close()
    } finally {
      await other.close()
    }
  }, 180_000)

  test('are none where the client has none, and what the model calls all the same does not run', async () => {
    let at = 0
    provider.play(() =>
      at++ === 0 ? { toolCalls: [{ name: 'list_background_processes', input: {} }] } : { text: 'Well.' },
    )
    const events = await prompt(await open())
    for (const { body } of received()) {
      expect(items(body['tools']).flatMap((tool) => items(tool['functionDeclarations']))).toEqual([])
      // Gemini's API takes no list that is there and empty.
      expect(body['tools'] ?? []).toEqual([])
      expect(fields(body['toolConfig'])).toEqual({})
    }
    expect(events.find((event) => event.type === 'tool_result')).toMatchObject({ isError: true })
  }, 180_000)

  test('are asked for again and again though they are not there, until that is an error', async () => {
    for (const profile of ['pure', 'project'] as const) {
      let at = 0
      const vary = profile === 'pure'
      provider.play(() => ({
        toolCalls: [{ name: 'no_such_tool', input: vary ? { x: at++ } : {} }],
      }))
      expect(await errorOf(prompt(await open({ profile })))).toMatchObject({
        code: 'agent_failed',
        message: expect.stringContaining(vary ? 'calling tools that are not there' : 'went in circles'),
      })
    }
    // A chat of 20 turns may make as many calls, and these are counted together.
    expect(received().length).toBeLessThan(32)
  }, 180_000)

  test('are no hindrance to an answer that repeats itself', async () => {
    const text = 'All work and no play makes Jack a dull boy, as it is said.\n'.repeat(40)
    provider.play(() => ({ text }))
    const events = await prompt(await open())
    expect(textOf(events)).toBe(text)
    expect(events.at(-1)).toMatchObject({ type: 'done', stopReason: 'end_turn' })
  }, 180_000)
})
