import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import type { ClientTool } from '../../../src/agents/client-tools.ts'
import { createCodexDriver } from '../../../src/agents/codex/driver.ts'
import { type Fields, items } from '../../../src/agents/fields.ts'
import type { HistoryMessage, ToolResult } from '../../../src/agents/messages.ts'
import type {
  AgentDriver,
  AgentSession,
  InputPart,
  SessionOptions,
  TurnEvent,
} from '../../../src/agents/types.ts'
import { type MockProvider, type Reply, startMockProvider } from '../../support/mock-provider/index.ts'
import { runningIn, waitUntil } from '../../support/processes.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { failure, kindsOf, never, options, textOf } from './support.ts'

/** What the real Codex does with the client's tools, and what its provider is sent. */
let provider: MockProvider
let home: AgentHome
let driver: AgentDriver

// The first test of all may have to install the agents.
const INSTALL_MS = 600_000

beforeAll(async () => {
  provider = await startMockProvider()
  home = await createAgentHome()
  driver = await makeDriver()
}, INSTALL_MS)
afterAll(async () => {
  await driver.close()
  await provider.stop()
  await home.remove()
})

const makeDriver = async (place = home) =>
  createCodexDriver(
    {
      name: 'codex',
      driver: 'codex',
      command: ['codex'],
      env: await agentEnv(provider.url, place),
      models: [],
      extraFlags: [],
    },
    { quietMs: 500 },
  )

const weather: ClientTool = {
  name: 'weather',
  description: 'Tells the weather.',
  inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}
const text = (words: string) => ({ type: 'text', text: words }) as const
const result = (callId: string, ...parts: readonly InputPart[]): ToolResult => ({
  role: 'tool',
  callId,
  parts,
  isError: false,
})
const call = (id: string, name = 'weather', city = 'Paris') => ({ id, name, input: { city } })
const told = (id: string, name = 'weather', city = 'Paris') => [
  { type: 'call_start', id, name },
  { type: 'call_delta', id, json: JSON.stringify({ city }) },
  { type: 'call_end', id, name, input: { city } },
]
const open = (more: Partial<SessionOptions> = {}, from = driver) =>
  from.open(options({ workdir: home.workdir, profile: 'pure', clientTools: [weather], ...more }), never)
/** Without what Codex warns of. */
const eventsOf = async (turn: AsyncIterable<TurnEvent> | undefined) => {
  const events = turn ? await Array.fromAsync(turn) : []
  return events.filter(({ type }) => type !== 'progress')
}
const ask = (session: AgentSession, ...parts: readonly InputPart[]) =>
  eventsOf(session.prompt({ parts }, never))
const answer = (session: AgentSession, ...results: readonly ToolResult[]) =>
  eventsOf(session.answer?.(results, never))
const doneOf = (events: readonly TurnEvent[]) => events.find((event) => event.type === 'done')
const callsIn = (events: readonly TurnEvent[]) => events.filter(({ type }) => type.startsWith('call_'))
const play = (...replies: readonly Reply[]) => {
  provider.play(replies)
  const before = provider.calls.length
  return () => provider.calls.slice(before).map(({ body }) => body)
}
/** The items of a request from its first call on, without what Codex numbers them with. */
const exchange = (body: Fields | undefined) => {
  const all = items(body?.['input']).map(({ id: _, status: _status, ...item }) => item)
  return all.slice(all.findIndex(({ type }) => type === 'function_call'))
}
const called = (id: string, name = 'weather', city = 'Paris') => ({
  type: 'function_call',
  call_id: id,
  name,
  arguments: JSON.stringify({ city }),
})
const output = (id: string, content: unknown) => ({
  type: 'function_call_output',
  call_id: id,
  output: content,
})

// A model that Codex does not know, one that brings tools of its own, and one that gets its tools as a message.
describe.each(['gpt-5', 'gpt-5.5', 'gpt-6.1-sol'])('a tool of the client offered to %s', (model) => {
  test('is called, answered, and the turn goes on', async () => {
    const sent = play(
      {
        text: 'I look.',
        toolCalls: [call('c1')],
        usage: { input: 40, cachedInput: 10, output: 9, reasoning: 3 },
      },
      { text: 'Sunny.', usage: { input: 60, output: 4 } },
    )
    const session = await open({ model })
    const first = await ask(session, text('hi'))
    const { id } = session
    const init = { type: 'init', agentSessionId: id, model, agentVersion: expect.any(String) }
    expect(first).toEqual([
      init,
      { type: 'text', text: 'I ', part: expect.any(String) },
      { type: 'text', text: 'look.', part: expect.any(String) },
      ...told('c1'),
      {
        type: 'done',
        stopReason: 'tool_calls',
        usage: {
          inputTokens: 40,
          outputTokens: 9,
          cachedTokens: 10,
          cacheCreationTokens: 0,
          reasoningTokens: 3,
        },
        model,
      },
    ] as unknown as TurnEvent[])
    const second = await answer(session, result('c1', text('22C')))
    expect(kindsOf(second)).toEqual(['init', 'text', 'done'])
    expect(second[0]).toEqual(first[0] as TurnEvent)
    expect(doneOf(second)).toMatchObject({
      stopReason: 'end_turn',
      usage: { inputTokens: 60, outputTokens: 4, cachedTokens: 0 },
    })
    const bodies = sent()
    expect(bodies).toHaveLength(2)
    expect(exchange(bodies[1])).toEqual([called('c1'), output('c1', '22C')])
    const offered = JSON.stringify(bodies[0])
    expect(offered).toContain(JSON.stringify('Tells the weather.'))
    const tools =
      bodies[0]?.['tools'] ?? items(items(items(bodies[0]?.['input'])[0]?.['tools'])[0]?.['tools'])
    expect(items(tools).map(({ name }) => name)).toEqual(['weather'])
    await session.close()
  })

  test('is called three times at once', async () => {
    const sent = play(
      { toolCalls: [call('a'), call('b', 'weather', 'Rome'), call('c')], usage: { input: 7, output: 8 } },
      { text: 'ok', usage: { input: 9, output: 1 } },
    )
    const session = await open({ model })
    const first = await ask(session, text('hi'))
    const ids = callsIn(first).flatMap((event) => (event.type === 'call_end' ? [event.id] : []))
    expect(ids).toHaveLength(3)
    expect<string[]>(kindsOf(first)).toEqual([
      'init',
      ...ids.flatMap(() => ['call_start', 'call_delta', 'call_end']),
      'done',
    ])
    const second = await answer(session, ...ids.map((id) => result(id, text(`of ${id}`))).reverse())
    expect(doneOf(second)).toMatchObject({ usage: { inputTokens: 9, outputTokens: 1 } })
    expect(exchange(sent()[1]).slice(3)).toEqual(ids.map((id) => output(id, `of ${id}`)))
    expect(sent()).toHaveLength(2)
    await session.close()
  })

  test('is used in five rounds, each counted once', async () => {
    const rounds = [1, 2, 3, 4, 5]
    const sent = play(
      ...rounds.map((round) => ({ toolCalls: [call('same')], usage: { input: 10 * round, output: round } })),
      { text: 'done', usage: { input: 60, output: 6 } },
    )
    const session = await open({ model })
    const usages = [doneOf(await ask(session, text('hi')))]
    for (const round of rounds) usages.push(doneOf(await answer(session, result('same', text(`${round}`)))))
    expect<unknown[]>(usages.map((done) => [done?.stopReason, done?.usage?.inputTokens])).toEqual([
      ...rounds.map((round) => ['tool_calls', 10 * round]),
      ['end_turn', 60],
    ])
    expect(sent()).toHaveLength(6)
    expect(exchange(sent()[5])).toEqual(
      rounds.flatMap((round) => [called('same'), output('same', `${round}`)]),
    )
    await session.close()
  })
})

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const image = { type: 'image', mediaType: 'image/png', data: PNG } as const
const said = (words: string) => ({ type: 'input_text', text: words })
const seen = expect.objectContaining({ type: 'input_image', image_url: `data:image/png;base64,${PNG}` })
const long = 'x'.repeat(200_000)

describe('a result', () => {
  test.each<[string, readonly InputPart[], boolean, unknown]>([
    ['of several texts', [text('a'), text('b')], false, [said('a'), said('b')]],
    ['with an image', [text('see'), image], false, [said('see'), seen]],
    ['of a call that failed', [text('no')], true, [said('The tool call failed.'), said('no')]],
    ['of a call that failed without a word', [], true, 'The tool call failed.'],
    ['without anything', [], false, ''],
    ['that is long', [text(long)], false, long],
  ])('%s reaches the model whole', async (_, parts, isError, expected) => {
    const sent = play({ toolCalls: [call('c1')] }, { text: 'ok' })
    const session = await open()
    await ask(session, text('hi'))
    expect(textOf(await answer(session, { ...result('c1', ...parts), isError }))).toBe('ok')
    expect(exchange(sent()[1])).toEqual([called('c1'), output('c1', expected)])
    await session.close()
  })

  test('that is in the history is not cut either, and the model goes on from it', async () => {
    const sent = play({ toolCalls: [call('c2')] }, { text: 'ok' })
    const history: readonly HistoryMessage[] = [
      { role: 'user', parts: [text('hi')] },
      { role: 'assistant', text: '', toolCalls: [call('c1')] },
      result('c1', text(long)),
    ]
    const session = await open({ history })
    const first = await ask(session)
    expect<unknown[]>(callsIn(first)).toEqual(told('c2'))
    expect(textOf(await answer(session, result('c2', text('22C'))))).toBe('ok')
    const hi = { type: 'message', role: 'user', content: [said('hi')] }
    const items0 = items(sent()[0]?.['input']).map(({ id: _, ...item }) => item)
    expect(items0).toEqual([hi, called('c1'), output('c1', long)])
    expect(exchange(sent()[1]).slice(2)).toEqual([called('c2'), output('c2', '22C')])
    expect(sent()).toHaveLength(2)
    await session.close()
  })
})

test('a name that Codex keeps to itself is offered as another, in the history too', async () => {
  const sent = play({ toolCalls: [call('c2', 'client_exec_command')] }, { text: 'ok' })
  const history: readonly HistoryMessage[] = [
    { role: 'user', parts: [text('hi')] },
    { role: 'assistant', text: '', toolCalls: [call('c1', 'exec_command')] },
    result('c1', text('22C')),
  ]
  const session = await open({ history, clientTools: [{ ...weather, name: 'exec_command' }] })
  expect<unknown[]>(callsIn(await ask(session))).toEqual(told('c2', 'exec_command'))
  expect(textOf(await answer(session, result('c2', text('23C'))))).toBe('ok')
  expect(exchange(sent()[1])).toEqual([
    called('c1', 'client_exec_command'),
    output('c1', '22C'),
    called('c2', 'client_exec_command'),
    output('c2', '23C'),
  ])
  await session.close()
})

test.each([
  ['gpt-5', 'full'],
  ['gpt-6.1-sol', 'full'],
  ['gpt-6.1-sol', 'project'],
] as const)("is called beside the agent's own tools (%s, %s)", async (model, profile) => {
  const shell = { id: 'own', name: 'exec_command', input: { cmd: 'echo own-$((40+2))' } }
  const sent = play({ toolCalls: [shell, call('mine')] }, { text: 'ok' })
  const session = await open({ model, profile, approvalMode: 'none', sandboxMode: 'full' })
  const first = await ask(session, text('hi'))
  const ids = callsIn(first).flatMap((event) => (event.type === 'call_end' ? [event.id] : []))
  expect(ids).toHaveLength(1)
  const second = await answer(session, result(ids[0] ?? '', text('22C')))
  const all = [...first, ...second]
  expect(all.filter(({ type }) => type === 'tool_use')).toHaveLength(1)
  expect(all.flatMap((event) => (event.type === 'tool_result' ? [event.output] : []))).toEqual([
    expect.stringContaining('own-42'),
  ])
  expect(textOf(second)).toBe('ok')
  expect(exchange(sent()[1]).slice(2)).toEqual([
    output('own', expect.stringContaining('own-42')),
    output(ids[0] ?? '', '22C'),
  ])
  await session.close()
})

describe('while a call waits', () => {
  test('an answer that is aborted interrupts the turn, and the conversation takes another', async () => {
    const sent = play({ toolCalls: [call('c1')] }, { text: 'ok' })
    const session = await open()
    await ask(session, text('hi'))
    const gone = session.answer?.([result('c1', text('22C'))], AbortSignal.abort())
    expect((await failure(eventsOf(gone))).code).toBe('cancelled')
    expect(session.alive).toBe(true)
    expect(textOf(await ask(session, text('again')))).toBe('ok')
    expect(exchange(sent()[1]).slice(0, 2)).toEqual([
      called('c1'),
      output('c1', expect.stringContaining('cancelled')),
    ])
    expect(sent()).toHaveLength(2)
    await session.close()
  })

  test('other conversations of the process go on, also when it is closed', async () => {
    const sent = play(
      { toolCalls: [call('c1')] },
      { text: 'other' },
      { toolCalls: [call('c1')] },
      { text: 'late' },
    )
    const [waiting, other, third] = [await open(), await open(), await open()]
    await ask(waiting, text('hi'))
    expect(textOf(await ask(other, text('hi')))).toBe('other')
    await ask(third, text('hi'))
    await waiting.close()
    expect(waiting.alive).toBe(false)
    expect((await failure(answer(waiting, result('c1', text('22C'))))).code).toBe('cancelled')
    expect(textOf(await answer(third, result('c1', text('22C'))))).toBe('late')
    expect(sent()).toHaveLength(4)
    expect(other.alive && third.alive).toBe(true)
    await Promise.all([other.close(), third.close()])
  })

  test('the process may die', async () => {
    play({ toolCalls: [call('c1')] })
    const place = await createAgentHome()
    const own = await makeDriver(place)
    const session = await open({}, own)
    await ask(session, text('hi'))
    const [server] = (await runningIn(place.home)).filter(({ command }) => command.includes(' app-server '))
    process.kill(server?.pid ?? Number.NaN, 'SIGKILL')
    await waitUntil(() => !session.alive)
    expect((await failure(answer(session, result('c1', text('22C'))))).code).toBe('agent_crashed')
    await own.close()
    await place.remove()
  })
})

test('an answer whose stream breaks after a call ends its leg all the same, and is asked for again', async () => {
  const sent = play({ toolCalls: [call('a'), call('b'), call('c')], dropAfter: 2 }, { text: 'ok' })
  const session = await open()
  const first = await ask(session, text('hi'))
  expect<unknown[]>(callsIn(first)).toEqual(told('a'))
  expect(doneOf(first)?.stopReason).toBe('tool_calls')
  expect(textOf(await answer(session, result('a', text('22C'))))).toBe('ok')
  expect(exchange(sent()[1])).toEqual([called('a'), output('a', '22C')])
  await session.close()
})

describe('what Codex would not read', () => {
  const nested = (levels: number): Record<string, unknown> =>
    levels === 0 ? { type: 'string' } : { type: 'object', properties: { a: nested(levels - 1) } }

  test('half a character is told as a whole one', async () => {
    const session = await open({ clientTools: [{ ...weather, description: 'cut \ud83d off' }] })
    const bodies = play({ text: 'fine' })
    expect(doneOf(await ask(session, { type: 'text', text: 'y \ud800 z' }))).toBeDefined()
    expect(JSON.stringify(bodies())).toContain('y \ufffd z')
    await session.close()
  })

  test('a schema that is nested too deeply is refused, and the deepest one that is not is read', async () => {
    await expect(open({ clientTools: [{ ...weather, inputSchema: nested(62) }] })).rejects.toMatchObject({
      code: 'invalid_request',
    })
    const session = await open({ clientTools: [{ ...weather, inputSchema: nested(60) }] })
    play({ text: 'fine' })
    expect(doneOf(await ask(session, { type: 'text', text: 'x' }))).toBeDefined()
    await session.close()
  })
})
