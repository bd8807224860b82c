import { describe, expect, test } from 'bun:test'
import type { ToolResult } from '../../../src/agents/messages.ts'
import type { AgentSession, TurnEvent } from '../../../src/agents/types.ts'
import type { CodexStep } from '../../support/fakes/codex.ts'
import { waitUntil } from '../../support/processes.ts'
import { drive, failure, kindsOf, never, options, take, textOf } from './support.ts'

const inputSchema = { type: 'object', properties: { city: { type: 'string' } } }
const clientTools = [
  { name: 'weather', inputSchema },
  { name: 'mcp__time', description: 'T', inputSchema },
]

const words = { totalTokens: 0, cachedInputTokens: 0, cacheWriteInputTokens: 0, reasoningOutputTokens: 0 }
const tokens = (inputTokens: number, outputTokens: number) => ({ ...words, inputTokens, outputTokens })
const usage = (inputTokens: number, outputTokens: number) => ({
  inputTokens,
  outputTokens,
  cachedTokens: 0,
  cacheCreationTokens: 0,
  reasoningTokens: 0,
})
/** An item of the model's answer that calls a tool. */
const raw = (id: string, more: object = {}): CodexStep => ({
  send: 'rawResponseItem/completed',
  params: {
    item: { type: 'function_call', call_id: id, name: 'weather', arguments: '{"city": "Rome"}', ...more },
  },
})
const script: CodexStep = {
  send: 'rawResponseItem/completed',
  params: { item: { type: 'custom_tool_call', call_id: 'x', name: 'exec', input: 'tools.weather()' } },
}
const whole = (input = 0, output = 0): CodexStep => ({
  send: 'rawResponse/completed',
  params: { usage: tokens(input, output) },
})
const total = (input: number, output: number): CodexStep => ({
  send: 'thread/tokenUsage/updated',
  params: { tokenUsage: { total: tokens(input, output), last: tokens(1, 1) } },
})
const asked = (callId: string, more: object = {}) => ({
  callId,
  namespace: null,
  tool: 'weather',
  arguments: { city: 'Rome' },
  ...more,
})
const result = (callId: string, text = '22C'): ToolResult => ({
  role: 'tool',
  callId,
  parts: [{ type: 'text', text }],
  isError: false,
})
const given = (text = '22C') => ({ contentItems: [{ type: 'inputText', text }], success: true })
const answer = (session: AgentSession, ...results: readonly ToolResult[]) =>
  Array.fromAsync(session.answer?.(results, never) ?? [])
const idsOf = (events: readonly TurnEvent[]) =>
  events.flatMap((event) => (event.type === 'call_end' ? [event.id] : []))
const ended = (events: readonly TurnEvent[]) => events.find((event) => event.type === 'done')?.stopReason
const CALL = ['call_start', 'call_delta', 'call_end'] as const

describe('a thread with tools of the client', () => {
  test('is offered them by names that Codex takes, and leaves their results whole', async () => {
    await using fake = drive()
    await fake.driver.open(options({ clientTools }), never)
    await fake.driver.open(options({ clientTools: [] }), never)
    const [first, second] = fake.sent('thread/start')
    expect(first).toMatchObject({
      dynamicTools: [
        { type: 'function', name: 'weather', description: '', inputSchema },
        { type: 'function', name: 'client_mcp__time', description: 'T', inputSchema },
      ],
      experimentalRawEvents: true,
      config: { tool_output_token_limit: 1_000_000 },
    })
    for (const name of ['dynamicTools', 'experimentalRawEvents', 'config'])
      expect(second).not.toHaveProperty(name)
  })

  test('lives in a process whose models call tools themselves', async () => {
    const model = { slug: 'm', tool_mode: 'code_mode_only', apply_patch_tool_type: 'freeform' }
    await using fake = drive({ catalog: { models: [model] } })
    for (const tools of [clientTools, [], clientTools])
      await fake.driver.open(options({ clientTools: tools }), never)
    const started = fake.recorded().flatMap(({ argv }) => (argv?.[0] === 'app-server' ? [argv] : []))
    expect(started).toHaveLength(2)
    const path = /^model_catalog_json=(.*)$/.exec(started[0].at(-1))?.[1] ?? '""'
    expect(await Bun.file(JSON.parse(path)).json()).toEqual({
      models: [{ slug: 'm', apply_patch_tool_type: 'freeform' }],
    })
    expect(started[1].join(' ')).not.toContain('model_catalog_json')
  })

  test('cannot be one that is resumed', async () => {
    await using fake = drive()
    const error = await failure(fake.driver.open(options({ clientTools, resume: 't1' }), never))
    expect(error).toMatchObject({ code: 'unsupported_option', status: 400 })
    expect(await Bun.file(`${fake.folder}/record`).exists()).toBe(false)
  })
})

describe('calls', () => {
  test('are told in the order and the words of the model, and answered in the order of Codex', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    const item = { type: 'dynamicToolCall', id: 'a', tool: 'weather', arguments: {}, status: 'inProgress' }
    const first = await take(session, [
      { say: 'I look.' },
      raw('a'),
      raw('b', { name: 'client_mcp__time', arguments: '{}', namespace: 'functions' }),
      whole(40, 9),
      { send: 'item/started', params: { item } },
      { calls: [asked('b', { tool: 'client_mcp__time', arguments: {} }), asked('a')] },
      { send: 'item/completed', params: { item: { ...item, status: 'completed', success: true } } },
      total(40, 9),
      whole(60, 4),
      total(100, 13),
    ])
    expect(first.slice(2)).toEqual([
      { type: 'call_start', id: 'a', name: 'weather' },
      { type: 'call_delta', id: 'a', json: '{"city": "Rome"}' },
      { type: 'call_end', id: 'a', name: 'weather', input: { city: 'Rome' } },
      { type: 'call_start', id: 'b', name: 'mcp__time' },
      { type: 'call_delta', id: 'b', json: '{}' },
      { type: 'call_end', id: 'b', name: 'mcp__time', input: {} },
      { type: 'done', stopReason: 'tool_calls', usage: usage(40, 9), model: 'm-1' },
    ])
    const second = await answer(session, result('a', 'of a'), result('b', 'of b'))
    expect(second).toEqual([
      first[0] as TurnEvent,
      { type: 'text', text: JSON.stringify([given('of b'), given('of a')]), part: expect.any(String) },
      { type: 'done', stopReason: 'end_turn', usage: usage(60, 4), model: 'm-1' },
    ])
    expect(textOf(await take(session, [{ say: 'next' }]))).toBe('next')
  })

  test.each<[string, CodexStep]>([
    ['arguments that cannot be read', raw('a', { arguments: '{"city":' })],
    ['no arguments', raw('a', { arguments: '' })],
    ['a tool that the client does not have', raw('a', { name: 'shell' })],
    ['a tool of an MCP server with the same name', raw('a', { namespace: 'mcp__docs' })],
  ])("with %s are Codex's own business", async (_, step) => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    const events = await take(session, [step, whole(1, 1), total(1, 1), { say: 'on' }, whole(), total(1, 1)])
    expect(kindsOf(events)).toEqual(['init', 'text', 'done'])
    expect(ended(events)).toBe('end_turn')
  })

  test('of tools that nobody has are refused', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    const events = await take(session, [{ calls: [asked('a', { tool: 'other' })] }])
    expect(textOf(events)).toContain('There is no such tool.')
  })

  test('with one id in one answer share a result, and one in the next answer is another', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    const first = await take(session, [
      raw('a'),
      raw('a'),
      whole(),
      { calls: [asked('a'), asked('a')] },
      raw('a'),
      whole(),
      { calls: [asked('a')] },
    ])
    expect(idsOf(first)).toEqual(['a'])
    const second = await answer(session, result('a', 'one'))
    expect(textOf(second)).toBe(JSON.stringify([given('one'), given('one')]))
    expect([idsOf(second), ended(second)]).toEqual([['a'], 'tool_calls'])
    expect(textOf(await answer(session, result('a', 'two')))).toBe(JSON.stringify([given('two')]))
  })

  test('of a script are told when Codex asks for them, those that come late in the next leg', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    const first = await take(session, [
      script,
      whole(7, 3),
      { calls: [asked('a'), asked('b', { arguments: null })] },
      total(7, 3),
    ])
    expect(kindsOf(first)).toEqual(['init', ...CALL, 'done'])
    expect(first.at(-1)).toMatchObject({ stopReason: 'tool_calls', usage: usage(7, 3) })
    const second = await answer(session, result('a'))
    expect(kindsOf(second)).toEqual(['init', ...CALL, 'done'])
    expect(second[3]).toEqual({ type: 'call_end', id: 'b', name: 'weather', input: {} })
    expect(second.at(-1)).toEqual({ type: 'done', stopReason: 'tool_calls', model: 'm-1' })
    const third = await answer(session, result('b'))
    expect([textOf(third), ended(third)]).toEqual([JSON.stringify([given(), given()]), 'end_turn'])
  })

  test("whose answer says nothing more end their leg; what it still makes is the next one's", async () => {
    await using fake = drive({}, {}, { quietMs: 100 })
    const session = await fake.driver.open(options({ clientTools }), never)
    const first = await take(session, [
      raw('a'),
      { calls: [asked('a')] },
      raw('b'),
      whole(5, 5),
      { calls: [asked('b')] },
    ])
    expect([idsOf(first), ended(first)]).toEqual([['a'], 'tool_calls'])
    expect(first.at(-1)).not.toHaveProperty('usage')
    const second = await answer(session, result('a'))
    expect([idsOf(second), ended(second)]).toEqual([['b'], 'tool_calls'])
    expect(second.at(-1)).toMatchObject({ usage: usage(5, 5) })
    expect(ended(await answer(session, result('b')))).toBe('end_turn')
  })
})

describe('while calls wait', () => {
  const twoCalls: readonly CodexStep[] = [raw('a'), raw('b'), whole(), { calls: [asked('a'), asked('b')] }]

  test.each([
    ['an unknown one', [result('a'), result('b'), result('c')], 'c'],
    ['too few', [result('b')], 'a'],
  ] as const)('%s among the results is refused, and the calls wait on', async (_, results, named) => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    await take(session, twoCalls)
    const error = await failure(answer(session, ...results))
    expect(error).toMatchObject({ code: 'agent_protocol', message: expect.stringContaining(` ${named}`) })
    expect(ended(await answer(session, result('a'), result('b')))).toBe('end_turn')
  })

  test('a result that Codex does not take is refused, and the calls wait on', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    await take(session, twoCalls)
    const document = { type: 'document', mediaType: 'application/pdf', data: 'AAAA' } as const
    const error = await failure(answer(session, { ...result('a'), parts: [document] }, result('b')))
    expect(error.code).toBe('unsupported_option')
    expect(ended(await answer(session, result('a'), result('b')))).toBe('end_turn')
  })

  test('no other turn is taken, and without them there is nothing to answer', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    expect((await failure(answer(session, result('a')))).code).toBe('agent_protocol')
    await take(session, twoCalls)
    expect((await failure(take(session, []))).code).toBe('session_busy')
    await answer(session, result('a'), result('b'))
    expect((await failure(answer(session, result('a'), result('b')))).code).toBe('agent_protocol')
  })

  test('what happens beside them is told with the next leg, the end of the turn too', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    const item = { type: 'commandExecution', id: 'own', command: 'ls', cwd: '/w', status: 'inProgress' }
    const first = await take(session, [
      raw('a'),
      { send: 'item/started', params: { item } },
      whole(),
      { send: 'item/completed', params: { item: { ...item, status: 'completed' } } },
      { say: 'went on' },
    ])
    expect(kindsOf(first)).toEqual(['init', ...CALL, 'tool_use', 'done'])
    const second = await answer(session, result('a'))
    expect(kindsOf(second)).toEqual(['init', 'tool_result', 'text', 'done'])
    expect(textOf(await take(session, [{ say: 'next' }]))).toBe('next')
  })

  test('closing ends the turn and leaves the others alone', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    const other = await fake.driver.open(options({ clientTools }), never)
    await take(session, twoCalls)
    await take(other, twoCalls)
    await session.close()
    expect(fake.sent('turn/interrupt')).toEqual([{ threadId: 't1', turnId: 'u1' }])
    expect(fake.sent('thread/unsubscribe')).toEqual([{ threadId: 't1' }])
    expect(ended(await answer(other, result('a'), result('b')))).toBe('end_turn')
  })

  test('aborting interrupts the turn without an answer', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    const params = { threadId: 't1', turnId: 'u1', ...asked('a') }
    const line = JSON.stringify({ id: 77, method: 'item/tool/call', params })
    await take(session, [raw('a'), { line }, whole(), { hang: 'interruptible' }])
    const leg = session.answer?.([result('a')], AbortSignal.abort())
    expect((await failure(Array.fromAsync(leg ?? []))).code).toBe('cancelled')
    expect([session.alive, fake.sent('turn/interrupt').length]).toEqual([true, 1])
    expect(textOf(await take(session, [{ say: 'next' }]))).toBe('next')
    expect(fake.recorded().filter(({ result }) => result !== undefined)).toEqual([])
  })

  test('the end of the process is noticed', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    const other = await fake.driver.open(options({ clientTools }), never)
    await take(session, twoCalls)
    expect((await failure(take(other, [{ exit: 3, stderr: 'boom' }]))).code).toBe('agent_crashed')
    await waitUntil(() => !session.alive)
    expect((await failure(answer(session, result('a'), result('b')))).code).toBe('agent_crashed')
  })

  test('a leg that is left is interrupted', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ clientTools }), never)
    await take(session, [raw('a'), whole(), { calls: [asked('a')] }, { hang: 'interruptible' }])
    for await (const event of session.answer?.([result('a')], never) ?? []) if (event.type === 'text') break
    expect(fake.sent('turn/interrupt')).toHaveLength(1)
    expect(textOf(await take(session, [{ say: 'next' }]))).toBe('next')
  })
})
