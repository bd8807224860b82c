/** Tools of the client's with a real Claude Code: asserted on what reaches the provider. */
import { describe, expect, test } from 'bun:test'
import type { ClientTool } from '../../../src/agents/client-tools.ts'
import type { ToolResult } from '../../../src/agents/messages.ts'
import type { AgentSession, InputPart, SessionOptions } from '../../../src/agents/types.ts'
import { processesIn, waitUntil } from '../../support/processes.ts'
import { answer, callsOf, dialogueOf, endOf, useClaude } from './real-claude.ts'
import { failure, never, options as plainOptions, textOf } from './support.ts'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
/** One that takes system messages between the others and chooses its thinking, and one that does neither. */
const MODELS = ['claude-opus-5-5', 'claude-sonnet-4-5']

const weather: ClientTool = {
  name: 'get_weather',
  description: `Tells the weather.${' Really.'.repeat(700)}`,
  inputSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
}
const toolCalled = (name: string): ClientTool => ({ name, inputSchema: { type: 'object', properties: {} } })
const call = (city: string, name = 'get_weather') => ({ name, input: { city } })
const text = (words: string) => ({ type: 'text' as const, text: words })
const image: InputPart = { type: 'image', mediaType: 'image/png', data: PNG }
const imageBlock = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }
const returned = (callId: string, ...parts: InputPart[]): ToolResult => ({
  role: 'tool',
  callId,
  parts,
  isError: false,
})

const claude = useClaude()

const open = (more: Partial<SessionOptions> = {}) =>
  claude.driver.open(
    plainOptions({
      workdir: claude.home.workdir,
      ephemeral: true,
      profile: 'pure',
      clientTools: [weather],
      ...more,
    }),
    never,
  )
const ask = (session: AgentSession, signal = never) =>
  Array.fromAsync(session.prompt({ parts: [text('Go.')] }, signal))
const results = () =>
  ((dialogueOf(claude.model.calls.at(-1)).at(-1)?.[1] ?? []) as Record<string, unknown>[]).map(
    ({ content, is_error }) => [content, is_error],
  )

describe.each(MODELS)('a tool of the client’s, for %s', (name) => {
  test('is offered as it is, called, and its result told to the model', async () => {
    const usage = { input: 100, cachedInput: 40, output: 7 }
    claude.model.play([
      { text: 'Let me see.', toolCalls: [call('Rome')], usage },
      { text: 'Warm.', usage: { input: 130, cachedInput: 100, output: 3 } },
    ])
    const session = await open({ model: name })
    const events = await ask(session)
    const [made] = callsOf(events)
    if (!made) throw new Error('There is no call.')
    expect(events.map(({ type }) => type).filter((type) => type !== 'text')).toEqual([
      'init',
      'call_start',
      'call_delta',
      'call_end',
      'done',
    ])
    expect(textOf(events)).toBe('Let me see.')
    expect(made).toMatchObject({ name: 'get_weather', input: { city: 'Rome' } })
    expect(endOf(events)).toEqual({
      type: 'done',
      stopReason: 'tool_calls',
      model: name,
      usage: { inputTokens: 100, outputTokens: 7, cachedTokens: 40, cacheCreationTokens: 0 },
    })
    expect(claude.model.calls[0]?.body['tools']).toEqual([
      { name: weather.name, description: weather.description, input_schema: weather.inputSchema },
    ])
    expect(session.alive).toBe(true)
    expect(claude.model.calls.length).toBe(1)

    const rest = await answer(session, [returned(made.id, text('22 C'))])
    expect(rest.map(({ type }) => type)).toEqual(['init', 'text', 'done'])
    expect(textOf(rest)).toBe('Warm.')
    expect(endOf(rest)).toMatchObject({
      stopReason: 'end_turn',
      usage: { inputTokens: 130, outputTokens: 3, cachedTokens: 100, cacheCreationTokens: 0 },
    })
    expect(dialogueOf(claude.model.calls.at(-1))).toEqual([
      ['user', [text('Go.')]],
      [
        'assistant',
        [
          text('Let me see.'),
          { type: 'tool_use', id: made.id, name: 'get_weather', input: { city: 'Rome' } },
        ],
      ],
      ['user', [{ type: 'tool_result', tool_use_id: made.id, content: [text('22 C')] }]],
    ])
    expect(claude.model.calls.length).toBe(2)

    claude.model.play({ text: 'Bye.' })
    expect(textOf(await ask(session))).toBe('Bye.')
  })

  test('goes on from its results in the history, with nothing added', async () => {
    const session = await open({
      model: name,
      history: [
        { role: 'user', parts: [text('Go.')] },
        {
          role: 'assistant',
          text: '',
          toolCalls: [
            { id: 'call_1', name: 'get_weather', input: { city: 'Rome' } },
            { id: 'call_1_1', name: 'get_weather', input: { city: 'Oslo' } },
          ],
        },
        returned('call_1', text('22 C')),
        returned('call_1_1', text('2 C')),
      ],
    })
    const events = await Array.fromAsync(session.prompt({ parts: [] }, never))
    expect(textOf(events)).toBe('Fine.')
    const use = (id: string, city: string) => ({ type: 'tool_use', id, name: 'get_weather', input: { city } })
    const [question, said, told] = dialogueOf(claude.model.calls.at(-1))
    expect([question, said]).toEqual([
      ['user', [text('Go.')]],
      ['assistant', [use('call_1', 'Rome'), use('call_1_1-2', 'Oslo')]],
    ])
    // Claude Code tells its reminders behind the last one's text to models that take no system messages.
    expect(told?.[1]).toMatchObject([
      { type: 'tool_result', tool_use_id: 'call_1', content: [text('22 C')], is_error: false },
      { type: 'tool_result', tool_use_id: 'call_1_1-2', is_error: false },
    ])
    expect(JSON.stringify(told)).toContain('2 C')
    expect(dialogueOf(claude.model.calls.at(-1)).length).toBe(3)
    expect(claude.model.calls.length).toBe(1)
  })
})

describe('calls', () => {
  test('of one answer are told together, and their results go back together', async () => {
    claude.model.play([{ toolCalls: ['Rome', 'Oslo', 'Bern'].map((city) => call(city)) }, { text: 'Fine.' }])
    const session = await open()
    const made = callsOf(await ask(session))
    expect(made.map(({ input }) => input)).toEqual([{ city: 'Rome' }, { city: 'Oslo' }, { city: 'Bern' }])
    const [one, two, three] = made.map(({ id }) => id) as [string, string, string]
    await answer(session, [
      returned(three, text('a'), image, text(' ')),
      { ...returned(one, text('no such'), text('city')), isError: true },
      { ...returned(two), isError: true },
    ])
    expect(dialogueOf(claude.model.calls.at(-1)).at(-1)?.[0]).toBe('user')
    type Told = { tool_use_id: string; content: unknown; is_error?: boolean }
    const told = ((dialogueOf(claude.model.calls.at(-1)).at(-1)?.[1] ?? []) as Told[]).map(
      ({ tool_use_id, content, is_error = false }) => [tool_use_id, content, is_error] as const,
    )
    expect(new Map(told.map(([id, ...rest]) => [id, rest as readonly unknown[]]))).toEqual(
      new Map<string, readonly unknown[]>([
        [one, ['no such\ncity', true]],
        [two, ['(no content)', true]],
        [three, [[text('a'), imageBlock], false]],
      ]),
    )
    expect(claude.model.calls.length).toBe(2)
  })

  test('may come in every one of many answers', async () => {
    claude.model.play((request) => ({
      toolCalls: [call(`city ${(request.body['messages'] as unknown[]).length}`)],
    }))
    const session = await open()
    let events = await ask(session)
    for (let round = 0; round < 5; round += 1) {
      expect(endOf(events)).toMatchObject({
        stopReason: 'tool_calls',
        usage: { inputTokens: 10, outputTokens: 5 },
      })
      const [made] = callsOf(events)
      events = await answer(session, [returned(made?.id ?? '', text(`weather ${round}`))])
    }
    expect(claude.model.calls.length).toBe(6)
    expect(JSON.stringify(dialogueOf(claude.model.calls.at(-1)))).toContain('weather 4')
    expect(dialogueOf(claude.model.calls.at(-1)).length).toBe(11)
  })

  test('ask for no permission, whatever may be done otherwise', async () => {
    for (const more of [
      { approvalMode: 'always' },
      { approvalMode: 'none' },
      { sandboxMode: 'read-only' },
      { allowedTools: ['Read'] },
      { profile: 'pure', approvalMode: 'always', allowedTools: [] },
    ] satisfies Partial<SessionOptions>[]) {
      const profile = 'profile' in more ? {} : { profile: 'full' as const }
      claude.model.play((request) =>
        JSON.stringify(request.body['messages']).includes('22 C')
          ? { text: 'Fine.' }
          : { toolCalls: [call('Rome', request.tools.find((tool) => tool.endsWith('get_weather')) ?? '')] },
      )
      const session = await open({ ...profile, ...more })
      const events = await ask(session)
      const [made] = callsOf(events)
      const rest = await answer(session, [returned(made?.id ?? '', text('22 C'))])
      expect(textOf(rest)).toBe('Fine.')
      expect([...events, ...rest].map(({ type }) => type)).not.toContain('approval')
      await session.close()
    }
  })

  test('have names of their own beside the agent’s tools, which are the agent’s to use', async () => {
    const bash = toolCalled('Bash')
    const long = toolCalled('n'.repeat(128))
    claude.model.play([
      {
        toolCalls: [
          { name: 'mcp__client__Bash', input: { a: 1 } },
          { name: 'Bash', input: { command: 'echo mine' } },
        ],
      },
      { text: 'Fine.' },
    ])
    const session = await open({
      profile: 'full',
      approvalMode: 'none',
      clientTools: [bash, long],
      history: [
        { role: 'user', parts: [text('Before?')] },
        { role: 'assistant', text: '', toolCalls: [{ id: 'x', name: 'Bash', input: {} }] },
        returned('x', text('done')),
        { role: 'assistant', text: 'There.', toolCalls: [] },
      ],
    })
    const events = await ask(session)
    const made = callsOf(events)
    expect(made).toMatchObject([{ name: 'Bash', input: { a: 1 } }])
    const offered = claude.model.calls[0]?.tools ?? []
    expect(offered).toContain('Bash')
    expect(offered.filter((name) => name.startsWith('mcp__client__')).map((name) => name.length)).toEqual([
      17, 128,
    ])
    expect(JSON.stringify(dialogueOf(claude.model.calls.at(-1))[1])).toContain('"mcp__client__Bash"')
    const rest = await answer(session, [returned(made[0]?.id ?? '', text('22 C'))])
    expect(textOf(rest)).toBe('Fine.')
    const own = [...events, ...rest].flatMap((event) =>
      event.type === 'tool_use' || event.type === 'tool_result'
        ? [[event.type, event.id !== made[0]?.id]]
        : [],
    )
    expect(own).toEqual([
      ['tool_use', true],
      ['tool_result', true],
    ])
    expect(results().flat()).toContain('mine')
  })

  test('of a tool with a name that Claude Code uses itself are told by the client’s name', async () => {
    claude.model.play([{ toolCalls: [{ name: 'ToolSearch_2', input: {} }] }, { text: 'Fine.' }])
    const session = await open({ clientTools: ['ToolSearch', 'Read', '__proto__'].map(toolCalled) })
    const [made] = callsOf(await ask(session))
    expect(made?.name).toBe('ToolSearch')
    expect(claude.model.calls[0]?.tools.toSorted()).toEqual(['Read', 'ToolSearch_2', '__proto__'])
    expect(JSON.stringify(claude.model.calls[0]?.body['tools'])).not.toContain('defer_loading')
    expect(textOf(await answer(session, [returned(made?.id ?? '', text('x'))]))).toBe('Fine.')
  })

  test('that break off with the connection fail the turn', async () => {
    claude.model.play([{ toolCalls: [call('Rome'), call('Oslo')], dropAfter: 2 }, { text: 'Fine.' }])
    const session = await open()
    expect(await failure(ask(session))).toMatchObject({ code: 'upstream_error', status: 502 })
    expect(claude.model.calls.length).toBeLessThanOrEqual(2)
  })

  test('are told from an answer that was not streamed', async () => {
    claude.model.play((request) =>
      request.body['stream'] !== true
        ? { text: 'Whole.', toolCalls: [call('Rome'), call('Oslo')] }
        : claude.model.calls.length < 3
          ? { status: 529, text: 'never', failAfter: 0 }
          : { text: 'Fine.' },
    )
    const session = await open()
    const events = await ask(session)
    const made = callsOf(events)
    expect(made.map(({ input }) => input)).toEqual([{ city: 'Rome' }, { city: 'Oslo' }])
    expect(endOf(events)).toMatchObject({
      stopReason: 'tool_calls',
      usage: { inputTokens: 10, outputTokens: 5 },
    })
    const rest = await answer(
      session,
      made.map(({ id }) => returned(id, text('22 C'))),
    )
    expect(textOf(rest)).toBe('Fine.')
  })

  test('are not made where the answer was cut', async () => {
    claude.model.play([{ toolCalls: [call('Rome')], stopReason: 'max_tokens' }, { text: 'Fine.' }])
    const session = await open()
    expect(endOf(await ask(session)).stopReason).toBe('max_tokens')
    expect(claude.model.calls.length).toBe(1)
  })
})

describe('a turn that waits', () => {
  const waiting = async () => {
    claude.model.play([{ toolCalls: [call('Rome'), call('Oslo')] }, { text: 'Fine.' }])
    const session = await open()
    const ids = callsOf(await ask(session)).map(({ id }) => id)
    return { session, ids, answers: ids.map((id) => returned(id, text('22 C'))) }
  }

  test('leaves nothing behind when the session is closed', async () => {
    const { session, answers } = await waiting()
    await session.close()
    expect(session.alive).toBe(false)
    expect(await processesIn(claude.home.home)).toEqual([])
    expect(claude.model.calls.length).toBe(1)
    expect((await failure(answer(session, answers))).code).toBe('cancelled')
  })

  test('is lost with the process', async () => {
    const { session, answers } = await waiting()
    const [pid] = await claude.pids()
    if (pid === undefined) throw new Error('There is no process.')
    process.kill(pid, 'SIGKILL')
    await waitUntil(() => !session.alive)
    expect((await failure(answer(session, answers))).code).toBe('agent_crashed')
  })

  test('wants a result for each of its calls, and waits on without', async () => {
    const { session, answers } = await waiting()
    const first = answers.slice(0, 1)
    expect((await failure(answer(session, first))).code).toBe('invalid_request')
    expect((await failure(answer(session, [...answers, returned('x')]))).code).toBe('invalid_request')
    expect((await failure(answer(session, [...first, ...first]))).code).toBe('invalid_request')
    expect(textOf(await answer(session, answers))).toBe('Fine.')
  })

  test('can’t be told results that would not reach the model whole', async () => {
    const { session, ids, answers } = await waiting()
    const pdf = { type: 'document', mediaType: 'application/pdf', data: 'AAAA' } as const
    for (const [parts, isError] of [
      [[text('x'.repeat(250_000)), text('x'.repeat(250_001))], false],
      [[pdf], false],
      [[image], true],
    ] as const) {
      const results = ids.map((id) => ({ ...returned(id, ...parts), isError }))
      expect(session.canAnswer?.(results)).toBe(false)
      expect((await failure(answer(session, results))).code).toBe('agent_crashed')
    }
    expect(session.canAnswer?.(answers)).toBe(true)
    expect(textOf(await answer(session, answers))).toBe('Fine.')
  })

  test('is told as much as a result can be', async () => {
    const { session, ids } = await waiting()
    const long = text('ö'.repeat(500_000))
    await answer(
      session,
      ids.map((id) => returned(id, long)),
    )
    expect(results()).toEqual(ids.map(() => [[long], undefined]))
  })

  test('is interrupted when what it goes on with is cancelled', async () => {
    const { session, answers } = await waiting()
    claude.model.play({ text: 'One two three', stallAfter: 1 })
    const controller = new AbortController()
    const going = answer(session, answers, controller.signal)
    await claude.model.waitFor(() => (claude.model.calls.at(-1)?.deltas ?? 0) > 0)
    controller.abort()
    expect((await failure(going)).code).toBe('cancelled')
    claude.model.play({ text: 'Fine.' })
    expect(textOf(await ask(session))).toBe('Fine.')
  })
})

describe('a call that is forced', () => {
  test.each([
    ['required' as const, { type: 'any' }],
    [{ name: 'get_weather' }, { type: 'tool', name: 'get_weather' }],
  ])('by %j is so for one answer', async (toolChoice, forced) => {
    claude.model.play({ toolCalls: [call('Rome')] })
    const session = await open({ toolChoice, effort: 'high', model: 'claude-sonnet-4-5' })
    const events = await ask(session)
    const [made] = callsOf(events)
    expect(endOf(events).stopReason).toBe('tool_calls')
    expect(claude.model.calls[0]?.body).toMatchObject({ tool_choice: forced, thinking: { type: 'disabled' } })
    expect(session.alive).toBe(false)
    expect((await failure(answer(session, [returned(made?.id ?? '')]))).code).toBe('agent_crashed')
    await session.close()
    expect(claude.model.calls.length).toBe(1)
  })
})

test('a tool that Claude Code drops unsaid fails the turn', async () => {
  const odd = { ...weather, inputSchema: { type: 'object', properties: { a: { minLength: 'x' } } } }
  const session = await open({ clientTools: [toolCalled('fine'), odd] })
  expect(await failure(ask(session))).toMatchObject({
    code: 'unsupported_option',
    message: expect.stringContaining('"get_weather"'),
  })
})
