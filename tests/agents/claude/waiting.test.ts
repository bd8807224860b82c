/** Turns that wait for the client's tools, with a Claude Code that does what a real one does only at times. */
import { describe, expect, test } from 'bun:test'
import type { ToolResult } from '../../../src/agents/messages.ts'
import type { AgentSession, SessionOptions } from '../../../src/agents/types.ts'
import type { ClaudeStep } from '../../support/fakes/claude.ts'
import { waitUntil } from '../../support/processes.ts'
import {
  assistant,
  drive,
  failure,
  init,
  kindsOf,
  messageStart,
  never,
  options,
  result,
  say,
  stream,
  take,
  textDelta,
  textOf,
} from './support.ts'

const clientTools = [{ name: 'look', inputSchema: { type: 'object' } }]
const open = ({ driver }: ReturnType<typeof drive>, more: Partial<SessionOptions> = {}) =>
  driver.open(options({ profile: 'pure', clientTools, ...more }), never)
const returned = (callId: string, words = `of ${callId}`): ToolResult => ({
  role: 'tool',
  callId,
  parts: [{ type: 'text', text: words }],
  isError: false,
})
const answer = (session: AgentSession, results: readonly ToolResult[], signal = never) => {
  if (!session.answer) throw new Error('The session takes no results.')
  return Array.fromAsync(session.answer(results, signal))
}

const told = (id: string, index: number, json = '{}'): ClaudeStep[] =>
  [
    stream({ type: 'content_block_start', index, content_block: { type: 'tool_use', id, name: 'look' } }),
    stream({ type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json: json } }),
    stream({ type: 'content_block_stop', index }),
  ].map((send) => ({ send }))
const message = (request_id: string, body: Record<string, unknown>): ClaudeStep => ({
  send: {
    type: 'control_request',
    request_id,
    request: { subtype: 'mcp_message', server_name: 'client', message: { jsonrpc: '2.0', ...body } },
  },
})
/** Claude Code makes a call, by a request of the same name. */
const made = (id: string): ClaudeStep =>
  message(id, {
    id: id.length,
    method: 'tools/call',
    params: { name: 'look', arguments: {}, _meta: { 'claudecode/toolUseId': id } },
  })
const calling = (...steps: ClaudeStep[]): ClaudeStep[] => [init, { send: messageStart('m') }, ...steps]
const stops: ClaudeStep[] = [
  { send: stream({ type: 'message_delta', delta: { stop_reason: 'tool_use' } }) },
  { send: stream({ type: 'message_stop' }) },
]
const mcp = (id: number | string, result: unknown) => ({ mcp_response: { jsonrpc: '2.0', id, result } })
const answers = (id: string) => mcp(id.length, { content: [{ type: 'text', text: `of ${id}` }] })
/** What the fake was answered, as it tells it in the text of a turn. */
const heard = (events: Parameters<typeof textOf>[0]) =>
  events.flatMap((event) => (event.type === 'text' ? [JSON.parse(event.text).response] : []))

test('the server of the client’s tools tells what it has', async () => {
  const asked: ClaudeStep[] = [
    message('1', { id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25' } }),
    message('2', { method: 'notifications/initialized' }),
    message('3', { id: 1, method: 'tools/list' }),
  ]
  await using fake = drive({
    turns: [[init, ...asked, { answered: '1' }, { answered: '2' }, { answered: '3' }, { send: result() }]],
  })
  const session = await open(fake)
  const [initialized, notified, listed] = heard(await take(session))
  expect(initialized).toEqual(
    mcp(0, {
      protocolVersion: '2025-11-25',
      capabilities: { tools: {} },
      serverInfo: { name: 'client', version: '1' },
    }),
  )
  expect(notified).toEqual(mcp(0, {}))
  expect(listed).toMatchObject(mcp(1, { tools: [{ name: 'look', annotations: { readOnlyHint: true } }] }))
  const [start, opening] = fake.recorded()
  expect(opening.request).toMatchObject({
    sdkMcpServers: ['client'],
    sdkMcpServerConfigs: { client: { timeout: 86_400_000, disableAutoBackground: true } },
  })
  expect(start.argv).toContain('--allowedTools=mcp__client')
})

describe('a call', () => {
  test('is answered with its result, made before the answer ended, after it or after the result came', async () => {
    await using fake = drive({
      turns: [
        calling(
          ...told('one', 0),
          made('one'),
          ...told('second', 1),
          ...told('thirdly', 2),
          ...stops,
          made('second'),
          { answered: 'one' },
          { answered: 'second' },
          made('thirdly'),
          { answered: 'thirdly' },
          { send: result() },
        ),
      ],
    })
    const session = await open(fake)
    expect(kindsOf(await take(session)).at(-1)).toBe('done')
    const events = await answer(session, [returned('thirdly'), returned('one'), returned('second')])
    expect(heard(events)).toEqual([answers('one'), answers('second'), answers('thirdly')])
    expect(kindsOf(events)).toEqual(['init', 'text', 'text', 'text', 'done'])
  })

  test('that the client was not told of is answered, so that nothing waits', async () => {
    await using fake = drive({ turns: [[init, made('hidden'), { answered: 'hidden' }, { send: result() }]] })
    const [response] = heard(await take(await open(fake)))
    expect(response).toMatchObject(mcp('hidden'.length, { isError: true }))
  })

  test('that was cancelled is not answered', async () => {
    await using fake = drive({
      turns: [
        calling(
          ...told('one', 0),
          made('one'),
          ...stops,
          message('c', { method: 'notifications/cancelled', params: { requestId: 'one'.length } }),
          { answered: 'c' },
          { pause: 50 },
          { send: result() },
        ),
      ],
    })
    const session = await open(fake)
    await take(session)
    await waitUntil(() => fake.recorded().some(({ response }) => response?.request_id === 'c'))
    await failure(answer(session, [returned('one')])).catch(() => {})
    expect(fake.recorded().map(({ response }) => response?.request_id)).not.toContain('one')
  })

  test('with arguments that are no JSON has the agent interrupted, and the session goes on', async () => {
    await using fake = drive({
      turns: [
        calling(
          ...told('one', 0, '{"a": "Ro'),
          ...stops,
          { interrupted: true },
          {
            send: result({ subtype: 'error_during_execution', is_error: true }),
          },
        ),
        [init, { send: messageStart('n') }, { send: textDelta('next') }, { send: result() }],
      ],
    })
    const session = await open(fake)
    expect((await failure(take(session))).code).toBe('upstream_error')
    expect(textOf(await take(session))).toBe('next')
  })

  test('asks for no permission, and none is shown', async () => {
    const hook = (tool_name: string): ClaudeStep => ({
      ask: { subtype: 'hook_callback', input: { hook_event_name: 'PreToolUse', tool_name, tool_input: {} } },
    })
    const may = (tool_name: string): ClaudeStep => ({
      ask: { subtype: 'can_use_tool', tool_name, input: { a: 1 } },
    })
    await using fake = drive({
      turns: [[init, hook('look'), may('look'), hook('Bash'), may('StructuredOutput'), { send: result() }]],
    })
    const events = await take(await open(fake, { approvalMode: 'always' }))
    const [before, asked, own, form] = heard(events)
    expect(before.hookSpecificOutput.permissionDecision).toBe('allow')
    expect(asked).toEqual({ behavior: 'allow', updatedInput: { a: 1 } })
    expect(own.hookSpecificOutput.permissionDecision).toBe('deny')
    expect(form.behavior).toBe('deny')
    expect(events.flatMap((event) => (event.type === 'approval' ? [event.tool] : []))).toEqual([
      'Bash',
      'StructuredOutput',
    ])
  })
})

describe('a turn that waits', () => {
  const waits = calling(...told('one', 0), made('one'), ...stops)
  const ends: ClaudeStep[] = [{ answered: 'one' }, { send: result() }]

  test('waits on when its reader leaves at its last event, and takes no other prompt', async () => {
    await using fake = drive({ turns: [[...waits, ...ends]] })
    const session = await open(fake)
    for await (const event of say(session)) if (event.type === 'done') break
    expect(session.alive).toBe(true)
    expect((await failure(take(session))).code).toBe('session_busy')
    const aborted = AbortSignal.abort()
    expect((await failure(answer(session, [returned('one')], aborted))).code).toBe('cancelled')
    expect(heard(await answer(session, [returned('one')]))).toEqual([answers('one')])
    expect((await failure(answer(session, [returned('one')]))).code).toBe('invalid_request')
  })

  test('tells what the agent’s own tools did meanwhile when it goes on', async () => {
    const ran = {
      type: 'user',
      message: { content: [{ type: 'tool_result', tool_use_id: 'own', content: 'mine' }] },
    }
    const own = assistant('m', [{ type: 'tool_use', id: 'own', name: 'Bash', input: {} }])
    await using fake = drive({
      turns: [calling(...told('one', 0), { send: own }, ...stops, { send: ran }, made('one'), ...ends)],
    })
    const session = await open(fake)
    expect(kindsOf(await take(session)).slice(-2)).toEqual(['tool_use', 'done'])
    expect(kindsOf(await answer(session, [returned('one')]))).toEqual(['init', 'tool_result', 'text', 'done'])
  })

  test('is stopped where it is cancelled before that is read', async () => {
    const stopped: ClaudeStep[] = [
      { interrupted: true },
      { send: result({ subtype: 'error_during_execution', is_error: true }) },
    ]
    await using fake = drive({ turns: [[...waits, ...stopped]] })
    const session = await open(fake)
    const controller = new AbortController()
    const turn = async () => {
      for await (const event of say(session, 'hi', controller.signal))
        if (event.type === 'call_end') {
          await Bun.sleep(50)
          controller.abort()
        }
    }
    expect((await failure(turn())).code).toBe('cancelled')
    // The model would be told of it.
    expect(session.alive).toBe(false)
  })

  test('that ends by itself, or with its process, is of no use', async () => {
    for (const over of [{ send: result() }, { exit: 3 }]) {
      await using fake = drive({ turns: [[...waits, over]] })
      const session = await open(fake)
      await take(session)
      await waitUntil(() => !session.alive)
      expect((await failure(answer(session, [returned('one')]))).code).toBe('agent_crashed')
    }
  })

  test('is interrupted before its session is closed, or the model would be told of a failure', async () => {
    await using fake = drive({ turns: [waits] })
    const session = await open(fake)
    await take(session)
    await session.close()
    expect(fake.recorded().at(-1).request).toEqual({ subtype: 'interrupt' })
  })
})

test('tools that can’t be offered are refused before anything is started', async () => {
  await using fake = drive({})
  const refused = open(fake, { clientTools: [{ name: 'a b', inputSchema: { type: 'object' } }] })
  expect((await failure(refused)).code).toBe('unsupported_option')
  expect(fake.recorded).toThrow()
})
