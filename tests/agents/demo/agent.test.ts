import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import {
  type ActiveSession,
  type ClientConnection,
  client,
  type RequestPermissionRequest,
  type SessionUpdate,
} from '@agentclientprotocol/sdk'
import { createDemoAgent } from '../../../src/agents/demo/agent.ts'

const MARK = '[clinvk demo agent, no model]'

let connection: ClientConnection
let session: ActiveSession
let asked: RequestPermissionRequest[] = []
let decision: 'allow' | 'reject' | 'never' = 'allow'

beforeEach(async () => {
  asked = []
  decision = 'allow'
  connection = client()
    .onRequest('session/request_permission', ({ params }) => {
      asked.push(params)
      if (decision === 'never') return new Promise(() => {})
      return { outcome: { outcome: 'selected', optionId: decision } }
    })
    .connect(createDemoAgent({ version: '1.2.3', crash: () => {} }))
  await connection.agent.request('initialize', { protocolVersion: 1 })
  session = await connection.agent.buildSession('/work/folder').start()
})

afterEach(() => connection.close())

/** Takes one turn and returns all that came of it. `onUpdate` sees each update when it arrives. */
async function take(
  prompt: Parameters<ActiveSession['prompt']>[0],
  onUpdate: (update: SessionUpdate, updates: SessionUpdate[]) => void = () => {},
) {
  const answered = session.prompt(prompt)
  answered.catch(() => {})
  const updates: SessionUpdate[] = []
  for (;;) {
    const message = await session.nextUpdate()
    if (message.kind === 'stop') break
    updates.push(message.update)
    onUpdate(message.update, updates)
  }
  const response = (await answered) as { stopReason: string; usage?: unknown }
  return {
    ...response,
    updates,
    text: textOf(updates, 'agent_message_chunk'),
    thought: textOf(updates, 'agent_thought_chunk'),
  }
}

function textOf(updates: SessionUpdate[], kind: 'agent_message_chunk' | 'agent_thought_chunk'): string {
  return updates
    .map((update) =>
      update.sessionUpdate === kind && update.content.type === 'text' ? update.content.text : '',
    )
    .join('')
}

const cancel = () => connection.agent.notify('session/cancel', { sessionId: session.sessionId })

test('it introduces itself as an agent without a model that takes images and does not persist sessions', async () => {
  expect(await connection.agent.request('initialize', { protocolVersion: 1 })).toEqual({
    protocolVersion: 1,
    agentInfo: { name: 'clinvk-demo', title: 'clinvk demo agent (no model)', version: '1.2.3' },
    agentCapabilities: {
      loadSession: false,
      promptCapabilities: { image: true },
      sessionCapabilities: { close: {} },
    },
    authMethods: [],
  })
})

describe('the echo', () => {
  test('repeats the exact text word by word behind a mark, and counts words and messages', async () => {
    const turn = await take('Grüße   an 👩‍👩‍👧\n\tdich ')
    expect(turn.text).toBe(`${MARK} You said: Grüße   an 👩‍👩‍👧\n\tdich `)
    expect(turn.updates).toHaveLength(11)
    expect(turn.stopReason).toBe('end_turn')
    expect(turn.usage).toEqual({ inputTokens: 4, outputTokens: 11, thoughtTokens: 0, totalTokens: 15 })
  })

  test('notes number, type and size of images', async () => {
    const { text } = await take([
      { type: 'text', text: 'look' },
      { type: 'image', mimeType: 'image/png', data: btoa('12345') },
      { type: 'image', mimeType: 'image/jpeg', data: btoa('1') },
    ])
    expect(text).toBe(`${MARK} You said: look\n[2 attached: image/png, 5 bytes; image/jpeg, 1 bytes]`)
  })
})

describe('directives', () => {
  test('thinking arrives as thought, in the order of the steps, and is counted apart', async () => {
    const turn = await take('demo: say=first word; think=let me see; tokens=3 size=5')
    expect(turn.updates.map(({ sessionUpdate }) => sessionUpdate)).toEqual([
      ...Array(2).fill('agent_message_chunk'),
      ...Array(3).fill('agent_thought_chunk'),
      ...Array(3).fill('agent_message_chunk'),
    ])
    expect(turn.text).toBe('first word....1....2....3')
    expect(turn.thought).toBe('let me see')
    expect(turn.usage).toEqual({ inputTokens: 8, outputTokens: 5, thoughtTokens: 3, totalTokens: 16 })
  })

  test('a tool call shows its input, then its result', async () => {
    const { updates } = await take(
      'demo: tool=read_file {"path":"a.txt"}; tool-fails=run_command {"command":"ls"}',
    )
    expect<unknown>(updates).toEqual([
      {
        sessionUpdate: 'tool_call',
        toolCallId: 'demo-tool-1',
        title: 'read_file',
        name: 'read_file',
        kind: 'read',
        status: 'in_progress',
        rawInput: { path: 'a.txt' },
        locations: [{ path: '/work/folder/a.txt' }],
      },
      toolResult(
        'demo-tool-1',
        'completed',
        `${MARK} read_file was pretended: nothing was read, written or run.`,
      ),
      {
        sessionUpdate: 'tool_call',
        toolCallId: 'demo-tool-2',
        title: 'run_command',
        name: 'run_command',
        kind: 'execute',
        status: 'in_progress',
        rawInput: { command: 'ls' },
      },
      toolResult('demo-tool-2', 'failed', 'run_command failed, as asked.'),
    ])
  })

  test.each([
    ['allow', 'given', 'completed'],
    ['reject', 'denied', 'failed'],
  ] as const)(
    'ask: when the client answers %s, permission was %s and the tool %s',
    async (answer, word, status) => {
      decision = answer
      const { updates, text } = await take('demo: ask')
      expect(asked).toHaveLength(1)
      expect(asked[0]?.toolCall).toMatchObject({ kind: 'edit', rawInput: { path: 'demo.txt' } })
      expect(asked[0]?.options.map(({ kind }) => kind)).toEqual(['allow_once', 'reject_once'])
      expect(updates.filter(({ sessionUpdate }) => sessionUpdate === 'tool_call_update')).toMatchObject([
        { status },
      ])
      expect(text).toBe(`${MARK} Permission to use write_file was ${word}.`)
    },
  )

  test('history lists the earlier prompts of this session and of no other', async () => {
    const other = await connection.agent.buildSession('/elsewhere').start()
    await other.prompt('not mine')
    await take('one')
    await take('two\nlines')
    const { text } = await take('demo: say=so:; history')
    expect(text).toBe(`so:\n\n${MARK} Earlier prompts in this session: 2\n1. one\n2. two\nlines`)
  })

  test('session tells id, folder, number of the prompt and process', async () => {
    await take('demo: say=x')
    const { text } = await take('demo: session')
    expect(text).toBe(
      `${MARK} Session ${session.sessionId}, folder /work/folder, prompt 2, process ${process.pid}.`,
    )
  })

  test('a malformed directive does nothing but explain itself and list them all', async () => {
    const { text, thought, stopReason } = await take('demo: think=x; dance')
    expect(text).toStartWith(`${MARK} Nothing was done: "dance" is no directive.\n`)
    expect(text).toContain('\n- tokens=N [delay=20ms] [size=BYTES]: ')
    expect(text.match(/^- /gm)).toHaveLength(16)
    expect(thought).toBe('')
    expect(stopReason).toBe('end_turn')
  })

  test.each(['end_turn', 'max_tokens', 'max_turn_requests', 'refusal'])('stop=%s', async (reason) => {
    expect((await take(`demo: say=x; stop=${reason}`)).stopReason).toBe(reason)
  })
})

describe('failures', () => {
  test.each([
    ['fail=401 bad key', { code: 401, message: 'bad key', data: undefined }],
    ['fail=429 retry-after=2s', { code: 429, message: 'Too many requests.', data: { retryAfterMs: 2000 } }],
    ['not-logged-in', { code: -32000 }],
  ])('%s is the error of the prompt, and the session goes on', async (directive, error) => {
    await expect(take(`demo: say=part; ${directive}`)).rejects.toMatchObject(error)
    expect((await take('demo: say=again')).text).toEndWith('again')
  })

  test('a session that it does not know, MCP servers and a second prompt at a time are refused', async () => {
    const prompt = [{ type: 'text' as const, text: 'x' }]
    const unknown = connection.agent.request('session/prompt', { sessionId: 'nobody', prompt })
    await expect(unknown).rejects.toMatchObject({ code: -32602 })
    const mcpServers = [{ name: 'a', command: 'a', args: [], env: [] }]
    const served = connection.agent.request('session/new', { cwd: '/', mcpServers })
    await expect(served).rejects.toMatchObject({ code: -32602 })
    const first = session.prompt('demo: hang')
    const second = connection.agent.request('session/prompt', { sessionId: session.sessionId, prompt })
    await expect(second).rejects.toMatchObject({ code: -32600 })
    await cancel()
    expect((await first).stopReason).toBe('cancelled')
  })

  test('a closed session is forgotten and its turn cancelled', async () => {
    const running = session.prompt('demo: hang')
    await connection.agent.request('session/close', { sessionId: session.sessionId })
    expect((await running).stopReason).toBe('cancelled')
    await expect(session.prompt('x')).rejects.toMatchObject({ code: -32602 })
  })
})

describe('a cancel', () => {
  test.each(['demo: hang', 'demo: wait=3600s', 'demo: tokens=1000 delay=3600s'])(
    'ends %p that is sent just before it',
    async (prompt) => {
      const running = take(prompt)
      await cancel()
      expect((await running).stopReason).toBe('cancelled')
    },
  )

  test('ends a stream at full speed, and the next prompt is answered', async () => {
    const turn = await take('demo: tokens=100000000', (_, { length }) => {
      if (length === 10) void cancel()
    })
    expect(turn.stopReason).toBe('cancelled')
    expect(turn.usage).toMatchObject({ outputTokens: turn.updates.length })
    expect((await take('demo: say=here')).text).toBe('here')
  })

  test('ends a turn that waits for permission', async () => {
    decision = 'never'
    const turn = await take('demo: ask', () => void cancel())
    expect(turn.stopReason).toBe('cancelled')
    expect(asked).toHaveLength(1)
  })

  test('is not heard after ignore-cancel', async () => {
    const turn = await take('demo: ignore-cancel; tokens=50 delay=1ms', (_, { length }) => {
      if (length === 1) void cancel()
    })
    expect(turn.stopReason).toBe('end_turn')
    expect(turn.updates).toHaveLength(50)
  })
})

function toolResult(toolCallId: string, status: string, text: string) {
  const content = [{ type: 'content', content: { type: 'text', text } }]
  return { sessionUpdate: 'tool_call_update', toolCallId, status, content }
}
