import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { readdir } from 'node:fs/promises'
import { createAcpDriver } from '../../../src/agents/acp/driver.ts'
import type { ClientTool } from '../../../src/agents/client-tools.ts'
import { fields, items } from '../../../src/agents/fields.ts'
import type { AgentProfile, HistoryMessage, ToolResult } from '../../../src/agents/messages.ts'
import type {
  AgentDriver,
  AgentSession,
  ApprovalMode,
  InputPart,
  SandboxMode,
  SessionOptions,
  TurnEvent,
} from '../../../src/agents/types.ts'
import {
  type MockProvider,
  type RecordedRequest,
  type Reply,
  startMockProvider,
} from '../../support/mock-provider/index.ts'
import { processesIn, waitUntil } from '../../support/processes.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { errorOf, never, textOf } from './support.ts'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const INSTALL_MS = 600_000

const weather: ClientTool = {
  name: 'get_weather',
  description: 'The weather of a city.',
  inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}
/** Odd in every way that agents stumble over. */
const odd: ClientTool = { name: 'odd.näme', inputSchema: { properties: { any: true } } }

type Step = (request: RecordedRequest) => Reply

describe.each(['gemini', 'opencode'] as const)("a client's tools with the real %s", (name) => {
  const model = name === 'gemini' ? 'gemini-2.5-flash' : 'mock/m1'
  let provider: MockProvider
  let home: AgentHome
  let driver: AgentDriver
  let before = 0
  const sessions: AgentSession[] = []

  const start = async () => {
    const env = { ...(await agentEnv(provider.url, home)), TMPDIR: home.home }
    return createAcpDriver({ name, driver: 'acp', command: [name], env, models: [], extraFlags: [] })
  }
  beforeAll(async () => {
    provider = await startMockProvider()
    home = await createAgentHome()
    driver = await start()
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

  const open = async (more: Partial<SessionOptions> = {}, from = driver) => {
    const session = await from.open(
      {
        workdir: home.workdir,
        approvalMode: 'default',
        sandboxMode: 'default',
        ephemeral: true,
        profile: 'pure',
        clientTools: [weather, odd],
        model,
        ...more,
      },
      never,
    )
    sessions.push(session)
    return session
  }
  /** One step for each model call. */
  const play = (...steps: readonly Step[]) => {
    let at = 0
    provider.play((request) => steps[Math.min(at++, steps.length - 1)]?.(request) ?? { text: 'no step' })
  }
  /** The model calls tools by the client's names, as it finds them. */
  const calling =
    (...calls: readonly (readonly [tool: string, input: Record<string, unknown>, id?: string])[]): Step =>
    ({ tools }) => ({
      text: 'Let me see.',
      toolCalls: calls.map(([tool, input, id]) => ({
        name: tools.find((offered) => offered.endsWith(`_${tool}`)) ?? `missing_${tool}`,
        input,
        ...(id === undefined ? {} : { id }),
      })),
    })
  const saying =
    (text: string): Step =>
    () => ({ text })
  const prompt = (session: AgentSession, text = 'Weather?', signal = never) =>
    Array.fromAsync(session.prompt({ parts: [{ type: 'text', text }] }, signal))
  const answer = (session: AgentSession, results: readonly ToolResult[], signal = never) =>
    Array.fromAsync(session.answer?.(results, signal) ?? [])
  const result = (callId: string, parts: string | readonly InputPart[], isError = false): ToolResult => ({
    role: 'tool',
    callId,
    parts: typeof parts === 'string' ? [{ type: 'text', text: parts }] : parts,
    isError,
  })
  const callsOf = (events: readonly TurnEvent[]) =>
    events.filter((event) => event.type === 'call_end').map(({ id, name, input }) => ({ id, name, input }))
  const idsOf = (events: readonly TurnEvent[]) => callsOf(events).map(({ id }) => id)
  const received = () => provider.calls.slice(before)
  /** What the last model call got last, as text. */
  const last = () => {
    const body = provider.calls.at(-1)?.body ?? {}
    const messages = body[name === 'gemini' ? 'contents' : 'messages']
    return JSON.stringify(Array.isArray(messages) ? messages.at(-1) : undefined)
  }
  /** Takes the turn to its end, each call answered by the same function. */
  const toEnd = async (
    session: AgentSession,
    first: readonly TurnEvent[],
    give: (id: string) => ToolResult,
  ) => {
    const legs = [first]
    for (let leg = first; leg.at(-1)?.type === 'done' && idsOf(leg).length > 0; legs.push(leg))
      leg = await answer(session, idsOf(leg).map(give))
    return legs
  }

  test('are called, and the turn goes on with the result', async () => {
    play(calling(['get_weather', { city: 'Bern' }, 'call-of-the-provider']), saying('It is sunny.'))
    const session = await open()
    const first = await prompt(session)
    expect(first.map(({ type }): string => type)).toEqual([
      'init',
      ...first.filter(({ type }) => type === 'text').map(() => 'text'),
      'call_start',
      'call_delta',
      'call_end',
      'done',
    ])
    expect(textOf(first)).toBe('Let me see.')
    expect(first.slice(-4)).toEqual([
      { type: 'call_start', id: 'call-of-the-provider', name: 'get_weather' },
      { type: 'call_delta', id: 'call-of-the-provider', json: '{"city":"Bern"}' },
      { type: 'call_end', id: 'call-of-the-provider', name: 'get_weather', input: { city: 'Bern' } },
      { type: 'done', stopReason: 'tool_calls' },
    ])
    expect(session.alive).toBe(true)
    expect(received()).toHaveLength(1)

    const second = await answer(session, [result('call-of-the-provider', 'sunny')])
    expect(second[0]).toMatchObject({ type: 'init', agentSessionId: session.id ?? '' })
    expect(textOf(second)).toBe('It is sunny.')
    expect(second.at(-1)).toMatchObject({ type: 'done', stopReason: 'end_turn' })
    expect(second.some(({ type }) => type.startsWith('tool_') || type === 'approval')).toBe(false)
    expect(received()).toHaveLength(2)
    expect(last()).toContain('sunny')
    expect(last()).toContain('call-of-the-provider')

    play(saying('Bye.'))
    expect(textOf(await prompt(session, 'Thanks'))).toBe('Bye.')
  }, 180_000)

  test('are all that is offered, by names and schemas that every provider takes', async () => {
    play(calling(['odd_n_me', { any: [1] }]), saying('ok'))
    const session = await open({ systemPrompt: 'Be brief.' })
    const first = await prompt(session)
    expect(callsOf(first)).toMatchObject([{ name: 'odd.näme', input: { any: [1] } }])
    const [call] = received()
    expect(call?.tools.map((tool) => tool.replace(/^(?:mcp|s\d+)_/, '')).toSorted()).toEqual([
      'get_weather',
      'odd_n_me',
    ])
    expect(call?.system).not.toContain('You have no tools')
    expect(JSON.stringify(call?.body['tools'])).toContain('The weather of a city.')
    expect(JSON.stringify(call?.body).length).toBeLessThan(4000)
    await answer(session, [result(idsOf(first)[0] ?? '', 'fine')])
  }, 180_000)

  test('are called several at once, and the model gets all results in one turn', async () => {
    play(
      calling(['get_weather', { city: 'Bern' }, 'c1'], ['get_weather', { city: 'Rome' }, 'c2']),
      saying('Both.'),
    )
    const session = await open()
    const legs = await toEnd(session, await prompt(session), (id) => result(id, `of ${id}`))
    expect(legs.flatMap(callsOf)).toMatchObject([{ input: { city: 'Bern' } }, { input: { city: 'Rome' } }])
    expect(new Set(legs.flatMap(idsOf)).size).toBe(2)
    if (name === 'opencode') expect(legs).toHaveLength(2)
    expect(textOf(legs.at(-1) ?? [])).toBe('Both.')
    expect(received()).toHaveLength(2)
    for (const id of legs.flatMap(idsOf)) expect(last()).toContain(`of ${id}`)
  }, 180_000)

  test('give back text, images, nothing, and failures', async () => {
    const call = calling(['get_weather', { city: 'Bern' }])
    play(call, call, call, call, saying('ok'))
    const session = await open()
    let leg = await prompt(session)
    const give = async (parts: string | readonly InputPart[], isError = false) => {
      leg = await answer(session, [result(idsOf(leg)[0] ?? '', parts, isError)])
      return last()
    }
    const image = await give([
      { type: 'text', text: 'first' },
      { type: 'text', text: 'second' },
      { type: 'image', mediaType: 'image/png', data: PNG },
    ])
    expect(image).toMatch(/first.*second/)
    expect(image).toContain(PNG)
    expect(await give([])).toContain(name === 'gemini' ? '"response":{}' : '"content":""')
    const failed = await give('no such city', true)
    expect(failed).toContain('no such city')
    expect(failed).toContain(name === 'gemini' ? 'The tool failed: ' : '"is_error":true')
    const long = 'x'.repeat(200_000)
    expect(await give(long)).toContain(long)
    expect(leg.at(-1)).toMatchObject({ type: 'done', stopReason: 'end_turn' })
  }, 180_000)

  test('are called round after round, the same call too', async () => {
    const call = calling(['get_weather', { city: 'Bern' }])
    play(call, call, call, call, call, call, saying('Enough.'))
    const session = await open()
    const legs = await toEnd(session, await prompt(session), (id) => result(id, 'rain'))
    expect(legs).toHaveLength(7)
    expect(new Set(legs.flatMap(idsOf)).size).toBe(6)
    expect(textOf(legs.at(-1) ?? [])).toBe('Enough.')
    expect(received()).toHaveLength(7)
    // Nothing is told before the end: then all that the turn took, or what its last model call did.
    expect(legs.map((leg) => leg.at(-1)).map((event) => event?.type === 'done' && event.usage)).toEqual([
      ...Array.from({ length: 6 }, () => undefined),
      name === 'gemini' ? { inputTokens: 70, outputTokens: 35 } : { inputTokens: 10, outputTokens: 5 },
    ])
  }, 180_000)

  const limits =
    name === 'gemini'
      ? ([
          ['full', 'default', 'default', 'read_file'],
          ['full', 'default', 'always', 'read_file'],
          ['project', 'read-only', 'default', 'read_file'],
          ['project', 'workspace', 'always', 'write_file'],
        ] as const)
      : ([
          ['full', 'default', 'default', 'bash'],
          ['full', 'workspace', 'always', 'read'],
        ] as const)
  test.each<readonly [AgentProfile, SandboxMode, ApprovalMode, string]>(limits)(
    'stand beside those of the agent: %s, %s, %s',
    async (profile, sandboxMode, approvalMode, own) => {
      play(calling(['get_weather', { city: 'Bern' }, 'p1']), saying('Sun.'))
      const session = await open({ profile, sandboxMode, approvalMode })
      const first = await prompt(session)
      expect(received()[0]?.tools).toContain(own)
      expect(first.slice(-4).map(({ type }): string => type)).toEqual([
        'call_start',
        'call_delta',
        'call_end',
        'done',
      ])
      const second = await answer(session, [result('p1', 'sunny')])
      expect(last()).toContain('sunny')
      expect(textOf(second)).toBe('Sun.')
      const types = new Set([...first, ...second].map(({ type }): string => type))
      for (const type of ['tool_use', 'tool_result', 'approval']) expect(types).not.toContain(type)
    },
    180_000,
  )

  if (name === 'gemini')
    test('have to be called where that is asked for, once', async () => {
      const modes = () =>
        received().map(({ body }) => fields(fields(body['toolConfig'])['functionCallingConfig'])['mode'])
      play(calling(['get_weather', { city: 'Bern' }]), saying('Sun.'), saying('x'))
      const session = await open({ toolChoice: 'required' })
      const first = await prompt(session)
      expect(first[0]).toMatchObject({ type: 'init', model })
      const second = await answer(session, [result(idsOf(first)[0] ?? '', 'sun')])
      expect(second.at(-1)).toMatchObject({ type: 'done', model })
      expect(modes()).toEqual(['ANY', undefined])
      for (const { path } of received()) expect(path).toContain(`/models/${model}:`)

      const named = await open({ toolChoice: { name: 'get_weather' }, effort: 'low' })
      const events = await prompt(named)
      expect(events.at(-1)).toMatchObject({ type: 'done', stopReason: 'end_turn', model })
      expect(modes()).toEqual(['ANY', undefined, 'ANY'])
      expect(received().at(-1)?.tools).toEqual(['mcp_get_weather'])
      expect(JSON.stringify(received().at(-1)?.body['generationConfig'])).toContain('"thinkingBudget":1024')
    }, 180_000)

  describe('are known to a conversation that goes on from its history', () => {
    const history: readonly HistoryMessage[] = [
      { role: 'user', parts: [{ type: 'text', text: '/weather?' }] },
      {
        role: 'assistant',
        text: 'I look.',
        toolCalls: [
          { id: 'h1', name: 'odd.näme', input: { any: 1 } },
          { id: 'h2', name: 'get_weather', input: { city: 'Bern' } },
          { id: 'h3', name: 'other tool', input: [] },
        ],
      },
      result('h1', 'SUNNY-RESULT'),
      result('h2', [{ type: 'image', mediaType: 'image/png', data: PNG }]),
      result('h3', 'NO-SUCH-CITY', true),
    ]
    const MARKS = ['Be brief.', '/weather?', 'I look.', 'SUNNY-RESULT', PNG, 'NO-SUCH-CITY']

    test('which ends with results', async () => {
      play(calling(['get_weather', { city: 'Rome' }]), saying('So it is sunny.'))
      const session = await open({ history, systemPrompt: 'Be brief.' })
      const events = await Array.fromAsync(session.prompt({ parts: [] }, never))
      expect(events[0]).toMatchObject({ type: 'init' })
      expect(textOf(events)).toBe('Let me see.')
      const [call] = received()
      const body = JSON.stringify(call?.body)
      const places = MARKS.map((mark) => body.indexOf(mark))
      expect(places).not.toContain(-1)
      expect(places).toEqual(places.toSorted((one, other) => one - other))
      for (const mark of MARKS) expect(body.split(mark)).toHaveLength(2)
      if (name === 'gemini') {
        expect(call?.tools).toEqual(['mcp_get_weather', 'mcp_odd_n_me'])
        expect(turnsOf(call)).toEqual([
          ['user', 'text', 'text', 'text'],
          ['model', 'text', 'mcp_odd_n_me', 'mcp_get_weather', 'other_tool'],
          ['user', 'mcp_odd_n_me', 'mcp_get_weather', 'inlineData', 'other_tool', 'text'],
        ])
      } else expect(body.split(call?.tools.find((tool) => tool.endsWith('odd_n_me')) ?? '-')).toHaveLength(3)

      const second = await answer(session, [result(idsOf(events)[0] ?? '', 'RAIN')])
      expect(textOf(second)).toBe('So it is sunny.')
      expect(last()).toContain('RAIN')
    }, 180_000)

    test('and with what the user says then', async () => {
      play(saying('Yes.'))
      const session = await open({
        history: [...history, { role: 'assistant', text: 'Sunny.', toolCalls: [] }],
      })
      expect(textOf(await prompt(session, '/sure?'))).toBe('Yes.')
      const [call] = received()
      expect(JSON.stringify(call?.body)).toMatch(/NO-SUCH-CITY.*Sunny\..*\/sure\?/)
      if (name === 'gemini')
        expect(turnsOf(call).slice(-2)).toEqual([
          ['model', 'text'],
          ['user', 'text'],
        ])
    }, 180_000)
  })

  test('are those of the session alone, where several wait at once and one has none', async () => {
    play((request) => {
      const mine = request.tools.find((tool) => tool.includes('only_'))
      if (mine === undefined) return { text: 'no tools' }
      return last().includes('RESULT') ? { text: last() } : { toolCalls: [{ name: mine, input: {} }] }
    })
    const only = (tool: string): Partial<SessionOptions> => ({
      clientTools: [{ name: tool, inputSchema: { type: 'object' } }],
    })
    const [one, two, none] = await Promise.all([
      open(only('only_a')),
      open(only('only_b')),
      open({ clientTools: [] }),
    ])
    const first = await prompt(one)
    const second = await prompt(two)
    expect([...callsOf(first), ...callsOf(second)]).toMatchObject([{ name: 'only_a' }, { name: 'only_b' }])
    expect(textOf(await prompt(none))).toBe('no tools')
    for (const { tools } of received())
      expect(tools.filter((tool) => tool.includes('only_')).length).toBeLessThan(2)
    expect(textOf(await answer(two, [result(idsOf(second)[0] ?? '', 'RESULT-B')]))).toContain('RESULT-B')
    expect(textOf(await answer(one, [result(idsOf(first)[0] ?? '', 'RESULT-A')]))).toContain('RESULT-A')
  }, 180_000)

  test('can be left waiting: a turn that is closed then calls no model any more', async () => {
    play(calling(['get_weather', { city: 'Bern' }]), saying('never'))
    const session = await open()
    const first = await prompt(session)
    expect(await errorOf(prompt(session))).toMatchObject({ code: 'session_busy' })
    expect(await errorOf(answer(session, [result('other', 'x')]))).toMatchObject({ code: 'invalid_request' })
    await session.close()
    expect(session.alive).toBe(false)
    expect(await errorOf(answer(session, [result(idsOf(first)[0] ?? '', 'x')]))).toMatchObject({
      code: 'agent_crashed',
    })
    await Bun.sleep(300)
    expect(received()).toHaveLength(1)
  }, 180_000)

  test('can be called in a leg that is aborted', async () => {
    play(calling(['get_weather', { city: 'Bern' }]), () => ({ text: 'a b c', stallAfter: 1 }))
    const session = await open()
    const first = await prompt(session)
    const stop = new AbortController()
    const error = await errorOf(
      (async () => {
        const leg = session.answer?.([result(idsOf(first)[0] ?? '', 'sunny')], stop.signal)
        for await (const event of leg ?? []) if (event.type === 'text') stop.abort()
      })(),
    )
    expect(error).toMatchObject({ code: 'cancelled' })
    await provider.idle()
    expect(session.alive).toBe(name === 'opencode')
  }, 180_000)

  test('cannot be answered when the process has gone', async () => {
    play(calling(['get_weather', { city: 'Bern' }]), saying('never'))
    const own = await createAgentHome()
    const env = { ...(await agentEnv(provider.url, own)), TMPDIR: own.home }
    const other = createAcpDriver({ name, driver: 'acp', command: [name], env, models: [], extraFlags: [] })
    try {
      const session = await open({}, other)
      const first = await prompt(session)
      for (const pid of await pidsIn(own.home)) process.kill(pid, 'SIGKILL')
      await waitUntil(() => !session.alive)
      expect(await errorOf(answer(session, [result(idsOf(first)[0] ?? '', 'x')]))).toMatchObject({
        code: 'agent_crashed',
      })
    } finally {
      await other.close()
      expect(await processesIn(own.home)).toEqual([])
      await own.remove()
    }
  }, 180_000)
})

/** The turns of a request of Gemini's, each with its role and what its parts are. */
function turnsOf(request: RecordedRequest | undefined): unknown[] {
  return items(request?.body['contents']).map(({ role, parts }) => [
    role,
    ...items(parts).map(
      (part) =>
        fields(part['functionCall'] ?? part['functionResponse'])['name'] ?? Object.keys(part).toSorted()[0],
    ),
  ])
}

/** The processes whose `HOME` is this folder. */
async function pidsIn(home: string): Promise<number[]> {
  const found: number[] = []
  for (const entry of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const environment = await Bun.file(`/proc/${entry}/environ`)
      .text()
      .catch(() => '')
    if (environment.split('\0').includes(`HOME=${home}`)) found.push(Number(entry))
  }
  return found
}
