import { describe, expect, test } from 'bun:test'
import { gemini } from '../../../src/agents/acp/gemini.ts'
import { opencode } from '../../../src/agents/acp/opencode.ts'
import type { ClientToolsWay, ToolServers } from '../../../src/agents/acp/profile.ts'
import { fields, items, word } from '../../../src/agents/fields.ts'
import type { ToolResult } from '../../../src/agents/messages.ts'
import type { AgentSession, SessionOptions, TurnEvent } from '../../../src/agents/types.ts'
import type { AcpScenario, AcpStep } from '../../support/fakes/acp.ts'
import { isAlive, waitUntil } from '../../support/processes.ts'
import { errorOf, never, rig, textOf, turn } from './support.ts'

const [GEMINI, OPENCODE] = [gemini, opencode].map(({ clientTools }) => clientTools) as [
  ClientToolsWay,
  ClientToolsWay,
]
const agentOf = (
  way: ClientToolsWay,
  turns: readonly AcpStep[][],
  more: AcpScenario = {},
  toolServers: ToolServers = way.quietMs === 0
    ? { names: ['mcp'], shared: true }
    : { names: ['s1', 's2'], modes: true },
) =>
  rig(
    { turns, answers: { 'session/set_mode': {} }, ...more },
    {
      clientTools: way,
      startup: ({ clientTools }) => ({
        args: [],
        env: {},
        ...(clientTools ? { toolServers } : {}),
      }),
    },
  )

const tools: Partial<SessionOptions> = {
  clientTools: ['a', 'a__b'].map((name) => ({ name, inputSchema: { type: 'object', properties: {} } })),
}
const announce = (toolCallId: string, more: object = {}): AcpStep => ({
  update: { sessionUpdate: 'tool_call', toolCallId, status: 'in_progress', ...more },
})
const call = (name: string, input: Record<string, unknown> = {}): AcpStep => ({
  call: { name, arguments: input },
})
const beside = (name: string, input: Record<string, unknown> = {}): AcpStep => ({
  call: { name, arguments: input },
  beside: true,
})
const result = (callId: string, text = 'R'): ToolResult => ({
  role: 'tool',
  callId,
  parts: [{ type: 'text', text }],
  isError: false,
})
const isError = (value: unknown) => fields(value)['isError'] === true
const answer = (session: AgentSession, ...results: ToolResult[]) =>
  Array.fromAsync(session.answer?.(results, never) ?? [])
const callsOf = (events: readonly TurnEvent[]) =>
  events.filter((event) => event.type === 'call_end').map(({ id, name, input }) => ({ id, name, input }))
const typesOf = (events: readonly TurnEvent[]) => events.map(({ type }) => type)

describe('a call of a client tool', () => {
  test('is told with the id of the provider, after what the model said before it', async () => {
    await using agent = agentOf(GEMINI, [
      [
        { say: 'before' },
        announce('mcp_a__b__p1'),
        call('a__b'),
        { say: 'between' },
        announce('mcp_a__mcp_a_1795485485432_0'),
        call('a', { wait_for_previous: true, x: 1 }),
      ],
    ])
    const session = await agent.open(tools)
    const first = await turn(session)
    expect(typesOf(first)).toEqual(['init', 'text', 'call_start', 'call_delta', 'call_end', 'done'])
    expect(callsOf(first)).toEqual([{ id: 'p1', name: 'a__b', input: {} }])
    const second = await answer(session, result('p1'))
    // The result, as the fake says it, and what it says then.
    expect(textOf(second)).toBe('{"content":[{"type":"text","text":"R"}]}between')
    expect(callsOf(second)).toEqual([
      { id: expect.stringMatching(/^call_[0-9a-f]{24}$/), name: 'a', input: { x: 1 } },
    ])
    expect((await answer(session, result(callsOf(second)[0]?.id ?? ''))).at(-1)).toEqual({
      type: 'done',
      stopReason: 'end_turn',
    })
  })

  test('has an id of its own where the conversation has had that of the provider', async () => {
    const twice = [announce('mcp_a__same'), call('a')]
    await using agent = agentOf(GEMINI, [[...twice], [announce('mcp_a__old'), call('a')]])
    const session = await agent.open({
      ...tools,
      history: [{ role: 'assistant', text: '', toolCalls: [{ id: 'same', name: 'a', input: {} }] }],
    })
    const [made] = callsOf(await turn(session))
    expect(made?.id).toStartWith('call_')
    await answer(session, result(made?.id ?? ''))
    expect(callsOf(await turn(session))).toMatchObject([{ id: 'old' }])
  })

  test('is told even if nothing announces it, or too late', async () => {
    await using agent = agentOf({ ...OPENCODE, announcedMs: 50 }, [
      [
        beside('a'),
        { pause: 600 },
        announce('p1', { title: 's1_a' }),
        announce('p2', { title: 's1_a' }),
        call('a'),
      ],
    ])
    const session = await agent.open(tools)
    const [one] = callsOf(await turn(session))
    expect(one).toEqual({ id: expect.stringMatching(/^call_/), name: 'a', input: {} })
    expect(callsOf(await answer(session, result(one?.id ?? '')))).toMatchObject([{ id: 'p2' }])
  })

  test('is allowed without a word where the agent asks', async () => {
    const options = [
      { optionId: 'always', kind: 'allow_always' },
      { optionId: 'once', kind: 'allow_once' },
    ]
    await using agent = agentOf(GEMINI, [
      [{ ask: { toolCall: { toolCallId: 'mcp_a__p1', kind: 'other' }, options } }, call('a')],
    ])
    const session = await agent.open({ ...tools, sandboxMode: 'read-only' })
    const events = await turn(session)
    expect(textOf(events)).toBe('once')
    expect(typesOf(events)).not.toContain('approval')
    expect(callsOf(events)).toMatchObject([{ id: 'p1' }])
  })

  test('comes with those that are made beside it, each with its own id', async () => {
    const s1a = (toolCallId: string, more: object = {}) => announce(toolCallId, { title: 's1_a', ...more })
    await using agent = agentOf(OPENCODE, [
      [
        s1a('p1', { status: 'pending', rawInput: {} }),
        beside('a', { n: 1 }),
        s1a('p2', { rawInput: { n: 2 } }),
        beside('a', { n: 2 }),
        { pause: 400 },
        s1a('p1', { rawInput: { n: 1 } }),
        { pause: 300 },
      ],
    ])
    const session = await agent.open(tools)
    const events = await turn(session)
    expect(callsOf(events)).toEqual([
      { id: 'p2', name: 'a', input: { n: 2 } },
      { id: 'p1', name: 'a', input: { n: 1 } },
    ])
    expect(await errorOf(answer(session, result('p1')))).toMatchObject({ code: 'invalid_request' })
    expect(await errorOf(answer(session, result('p1'), result('p1')))).toMatchObject({
      code: 'invalid_request',
    })
    expect(textOf(await answer(session, result('p1', 'one'), result('p2', 'two')))).toMatch(/one.*two/)
  })

  test('comes with those that the model writes slowly, or that nothing announces', async () => {
    const slowly = Array.from({ length: 4 }, (): AcpStep[] => [{ pause: 150 }, { say: '.' }]).flat()
    await using agent = agentOf({ ...OPENCODE, announcedMs: 500 }, [
      [
        announce('p1', { title: 's1_a' }),
        beside('a'),
        ...slowly,
        announce('p2', { title: 's1_a' }),
        beside('a'),
        beside('a__b'),
        { pause: 1500 },
      ],
    ])
    const events = await turn(await agent.open(tools))
    expect(textOf(events)).toBe('....')
    expect(callsOf(events)).toEqual([
      { id: 'p1', name: 'a', input: {} },
      { id: 'p2', name: 'a', input: {} },
      { id: expect.stringMatching(/^call_/), name: 'a__b', input: {} },
    ])
  })

  test('is told in the next leg where it comes after the end of one', async () => {
    await using agent = agentOf(OPENCODE, [
      [
        announce('p1', { title: 's1_a' }),
        beside('a'),
        { pause: 600 },
        { say: 'And ' },
        announce('p2', { title: 's1_a__b' }),
        call('a__b'),
      ],
    ])
    const session = await agent.open(tools)
    expect(callsOf(await turn(session))).toMatchObject([{ id: 'p1' }])
    await Bun.sleep(700)
    const second = await answer(session, result('p1'))
    expect(typesOf(second).slice(0, 2)).toEqual(['init', 'text'])
    expect(textOf(second)).toStartWith('And ')
    expect(callsOf(second)).toMatchObject([{ id: 'p2', name: 'a__b' }])
    expect((await answer(session, result('p2'))).at(-1)).toMatchObject({ stopReason: 'end_turn' })
  })
})

describe('a turn that waits for the client', () => {
  test.each([
    ['gemini', GEMINI, 'mcp_a__p1'],
    ['opencode', OPENCODE, 'p1'],
  ])('is given up before %s gives the call up, and its session with it', async (_, way, id) => {
    await using agent = agentOf({ ...way, longestMs: 100 }, [
      [announce(id, { title: 's1_a' }), beside('a'), { cancelled: true }, { hang: true }],
    ])
    const session = await agent.open(tools)
    await turn(session)
    expect(session.alive).toBe(true)
    await waitUntil(() => !session.alive)
    await waitUntil(() => agent.sent('session/cancel').length === 1)
    expect(await errorOf(answer(session, result('p1')))).toMatchObject({ code: 'agent_crashed' })
  })

  test('is over where the agent ends it by itself, and its calls with it', async () => {
    await using agent = agentOf(GEMINI, [[announce('mcp_a__p1'), beside('a'), { pause: 100 }]])
    const session = await agent.open(tools)
    await turn(session)
    await waitUntil(() => !session.alive)
    await waitUntil(() => agent.records().some((record) => 'result' in record && isError(record['result'])))
  })

  test('gets no calls that are made outside a turn', async () => {
    await using agent = agentOf({ ...OPENCODE, announcedMs: 10 }, [[{ pause: 400 }]], {
      after: { 'session/new': [call('a')] },
    })
    const session = await agent.open(tools)
    expect(callsOf(await turn(session))).toEqual([])
    expect(agent.records().some((record) => 'result' in record && isError(record['result']))).toBe(true)
  })
})

test('neither process nor port stays of a turn that waits when the driver is closed', async () => {
  const agent = agentOf(GEMINI, [[announce('mcp_a__p1'), call('a')]])
  try {
    const session = await agent.open(tools)
    await turn(session)
    const [opening] = agent.sent('session/new')
    const url = word(items(opening?.['mcpServers'])[0]?.['url']) ?? ''
    expect((await fetch(url)).status).toBe(401)
    await agent.driver.close()
    expect(String(await errorOf(fetch(url)))).toContain('Unable to connect')
    expect(agent.pids().filter(isAlive)).toEqual([])
    expect(session.alive).toBe(false)
  } finally {
    await agent[Symbol.asyncDispose]()
  }
})

test('a session without its tools is none, and leaves its place to the next', async () => {
  await using agent = agentOf(OPENCODE, [[]], { noTools: true }, { names: ['s1'] })
  for (let count = 0; count < 2; count += 1)
    expect(await errorOf(agent.open(tools))).toMatchObject({ code: 'agent_protocol' })
  await agent.open()
})

test('a server of OpenCode is one session’s at a time', async () => {
  await using agent = agentOf(OPENCODE, [[]])
  const [one] = await Promise.all([agent.open(tools), agent.open(tools)])
  expect(await errorOf(agent.open(tools))).toMatchObject({ code: 'unsupported_option' })
  await one?.close()
  await agent.open(tools)
  const names = agent.sent('session/new').map(({ mcpServers }) => items(mcpServers)[0]?.['name'])
  expect(names).toEqual(['s1', 's2', 's1'])
  expect(agent.sent('session/set_mode').map(({ modeId }) => modeId)).toEqual(names)
})
