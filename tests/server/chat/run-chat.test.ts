import { describe, expect, test } from 'bun:test'
import type { HistoryMessage } from '../../../src/agents/messages.ts'
import type { TurnEvent } from '../../../src/agents/types.ts'
import type { Config } from '../../../src/config/schema.ts'
import type { BackendInfo, TurnRequest } from '../../../src/engine/types.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { agentRan } from '../../../src/server/chat/agent-ran.ts'
import { splitMessages, startChat } from '../../../src/server/chat/run-chat.ts'
import type { ChatTurn } from '../../../src/server/chat/types.ts'
import { answer, backend, configWith, fakeEngine, type Script } from '../support.ts'

const user = (text: string): HistoryMessage => ({ role: 'user', parts: [{ type: 'text', text }] })
const assistant = (text: string): HistoryMessage => ({ role: 'assistant', text, toolCalls: [] })
const call: HistoryMessage = { role: 'assistant', text: '', toolCalls: [{ id: 'c', name: 'f', input: {} }] }
const result: HistoryMessage = {
  role: 'tool',
  callId: 'c',
  parts: [{ type: 'text', text: '22' }],
  isError: false,
}

describe('splitMessages', () => {
  test('takes the last message of the user for the new turn', () => {
    expect(splitMessages([user('a'), assistant('b'), user('c')])).toEqual({
      history: [user('a'), assistant('b')],
      parts: [{ type: 'text', text: 'c' }],
    })
  })

  test('takes all that the user said since the last answer', () => {
    const { history, parts } = splitMessages([assistant('b'), user('c'), user('d')])
    expect(history).toEqual([assistant('b')])
    expect(parts).toEqual([
      { type: 'text', text: 'c' },
      { type: 'text', text: 'd' },
    ])
  })

  test('keeps calls and their results', () => {
    expect(splitMessages([user('a'), call, result, user('c')]).history).toEqual([user('a'), call, result])
  })

  test('says nothing where the results come last: the agent goes on', () => {
    const { history, parts } = splitMessages([user('a'), call, result])
    expect(history).toEqual([user('a'), call, result])
    expect(parts).toEqual([])
  })

  test('leaves out an answer that says nothing', () => {
    expect(splitMessages([user('a'), assistant('')])).toEqual({
      history: [],
      parts: [{ type: 'text', text: 'a' }],
    })
  })

  const wrong: [string, HistoryMessage[]][] = [
    ['nothing', []],
    ['an answer', [user('a'), assistant('b')]],
    ['an empty message', [user(' \n')]],
  ]
  test.each(wrong)('refuses %s at the end', (_, messages) => {
    expect(() => splitMessages(messages)).toThrow(/^messages /)
  })
})

describe('startChat', () => {
  test('makes a model call of its own by default', async () => {
    const { requests, headers } = await start({ system: 's', stop: ['x'], effort: 'low', maxTokens: 5 })
    expect(requests).toEqual([
      {
        backend: 'fake',
        parts: [{ type: 'text', text: 'hi' }],
        profile: 'pure',
        ephemeral: true,
        continuable: true,
        scratch: true,
        systemPrompt: 's',
        stop: ['x'],
        effort: 'low',
        maxTokens: 5,
        caller: expect.any(String),
      },
    ])
    expect(headers).toEqual({
      'x-clinvk-run': 'run_1',
      'x-clinvk-backend': 'fake',
      'x-clinvk-profile': 'pure',
    })
  })

  test('names an effort that the agent itself finds without effect', async () => {
    const engine = fakeEngine(() => [
      { type: 'init', withoutEffect: ['effort'] },
      { type: 'done', stopReason: 'end_turn' },
    ])
    const { turn, late } = await start({ effort: 'low', effortField: 'reasoning.effort' }, {}, engine)
    await Array.fromAsync(turn.events)
    expect(late()['x-clinvk-without-effect']).toBe('reasoning.effort')
  })

  test("gives the client's tools and the form of the answer to the engine", async () => {
    const tools = [{ name: 'f', inputSchema: { type: 'object' } }]
    const answer = { schema: { type: 'object' }, strict: true }
    const { requests } = await start({ tools, toolChoice: 'required', serialCalls: true, answer })
    expect(requests).toMatchObject([
      { clientTools: tools, toolChoice: 'required', serialCalls: true, answer },
    ])
  })

  test('names who asks, by the keys of the request', async () => {
    const callers = await Promise.all(
      [{}, {}, { 'x-api-key': 'a' }].map(
        async (headers) => (await start({}, { headers })).requests[0]?.caller,
      ),
    )
    expect(callers[0]).toBe(callers[1])
    expect(callers[2]).not.toBe(callers[0])
  })

  test('gives history, model and metadata to the engine', async () => {
    const { requests } = await start({
      model: 'fake/m',
      messages: [user('a'), assistant('b'), user('c')],
      metadata: { a: 1 },
    })
    expect(requests).toMatchObject([
      { model: 'm', history: [user('a'), assistant('b')], parts: [{ text: 'c' }], metadata: { a: 1 } },
    ])
  })

  test('works in the configured folder', async () => {
    const { requests } = await start({}, { chat: { workdir: '/w' } })
    expect(requests[0]).toMatchObject({ workdir: '/w' })
    expect(requests[0]).not.toHaveProperty('scratch')
  })

  test('works in the folder that a header names', async () => {
    const { requests } = await start({}, { chat: { workdir: '/w' }, headers: { 'x-clinvk-workdir': '/v' } })
    expect(requests[0]).toMatchObject({ workdir: '/v' })
  })

  const profiles: [title: string, options: Options, profile: string][] = [
    ['the configured one', { chat: { profile: 'project' } }, 'project'],
    [
      'the one of a header below the ceiling',
      { chat: { max_profile: 'full' }, headers: asking('Full') },
      'full',
    ],
    [
      'the one of a header below the configured one',
      { chat: { profile: 'full' }, headers: asking('pure') },
      'pure',
    ],
    ['the least that the agent can, by default', { profiles: ['full'] }, 'full'],
    [
      'the configured one, where no other is closer',
      { chat: { profile: 'full' }, profiles: ['pure'] },
      'full',
    ],
    [
      'the one of a header, though the agent cannot: the engine says so',
      { headers: asking('pure'), profiles: ['full'] },
      'pure',
    ],
  ]
  test.each(profiles)('takes as profile %s', async (_, options, profile) => {
    const { requests, headers } = await start({}, options)
    expect(requests[0]?.profile).toBe(profile as 'pure')
    expect(headers['x-clinvk-profile']).toBe(profile)
  })

  const refused: [title: string, options: Options, code: string][] = [
    ['above the ceiling', { chat: { max_profile: 'project' }, headers: asking('full') }, 'forbidden'],
    ['above the configured one, which is the ceiling', { headers: asking('project') }, 'forbidden'],
    ['that there is none of', { headers: asking('most') }, 'invalid_request'],
    [
      'that the agent cannot go below, above the ceiling',
      { chat: { max_profile: 'pure' }, profiles: ['full'] },
      'forbidden',
    ],
  ]
  test.each(refused)('refuses a profile %s', async (_, options, code) => {
    const engine = fakeEngine()
    const error = await start({}, options, engine).catch((failed: unknown) => failed)
    expect(error).toBeInstanceOf(ClinvkError)
    expect((error as ClinvkError).code).toBe(code as 'forbidden')
    expect(engine.requests).toEqual([])
  })

  test('names what has no effect, as the dialect calls it', async () => {
    const turn = {
      effort: 'low',
      effortField: 'e',
      maxTokens: 1,
      maxTokensField: 'm',
      withoutEffect: ['t'],
    } as const
    const weak = { capabilities: { ...backend().capabilities, maxTokens: 'none', effort: 'none' } } as const
    const { requests, headers } = await start(turn, { info: weak })
    expect(headers['x-clinvk-without-effect']).toBe('t, m, e')
    expect(requests[0]).not.toHaveProperty('maxTokens')
    expect(requests[0]).not.toHaveProperty('effort')
  })

  test('marks what fails after the turn began', async () => {
    const failure = new ClinvkError('upstream_rate_limited', 'Slow down.')
    const { turn } = await start(
      {},
      {},
      fakeEngine(() => failing(failure)),
    )
    expect(agentRan(failure)).toBe(false)
    expect(await Array.fromAsync(turn.events).catch((error) => error)).toBe(failure)
    expect(agentRan(failure)).toBe(true)
  })

  const starts: [code: 'agent_crashed' | 'backend_not_installed', ran: boolean][] = [
    ['agent_crashed', true],
    ['backend_not_installed', false],
  ]
  test.each(starts)('tells of a start that failed with %s whether an agent ran: %p', async (code, ran) => {
    const failure = new ClinvkError(code, 'No.')
    const script: Script = () => {
      throw failure
    }
    expect(await start({}, {}, fakeEngine(script)).catch((error) => error)).toBe(failure)
    expect(agentRan(failure)).toBe(ran)
  })
})

interface Options {
  readonly chat?: Partial<Config['chat']>
  readonly headers?: Record<string, string>
  readonly profiles?: BackendInfo['capabilities']['profiles']
  readonly info?: Partial<BackendInfo>
}

function asking(profile: string) {
  return { 'x-clinvk-profile': profile }
}

async function start(turn: Partial<ChatTurn>, options: Options = {}, engine = fakeEngine()) {
  const { chat = {}, headers = {}, profiles = ['pure', 'project', 'full'], info = {} } = options
  const capabilities = { ...backend().capabilities, profiles, maxTokens: 'native', effort: 'native' } as const
  const run = await startChat({
    engine: { ...engine, backends: async () => [backend({ capabilities, ...info })] },
    chat: configWith({}, chat).chat,
    request: { model: 'fake', messages: [user('hi')], ...turn },
    signal: new AbortController().signal,
    headers: new Headers(headers),
  })
  const requests: TurnRequest[] = engine.requests
  return { ...run, headers: run.headers(), late: run.headers, requests }
}

async function* failing(error: Error): AsyncGenerator<TurnEvent, void> {
  yield* answer('a').slice(0, 1)
  throw error
}
