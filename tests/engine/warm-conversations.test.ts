import { afterEach, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import type { HistoryMessage } from '../../src/agents/messages.ts'
import type { InputPart, TurnEvent } from '../../src/agents/types.ts'
import type { EngineOptions } from '../../src/engine/engine.ts'
import type { Engine, TurnRequest } from '../../src/engine/types.ts'
import { ClinvkError } from '../../src/errors.ts'
import { createFakeDriver } from '../support/fake-driver.ts'
import { waitUntil } from '../support/processes.ts'
import { createTestEngine } from '../support/test-engine.ts'

const engines: Engine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
})

const CAN = {
  history: 'native',
  clientTools: 'native',
  profiles: ['pure', 'full'],
  jsonSchema: 'native',
} as const

/** An engine over one agent that answers every prompt with `re: ` and the prompt. */
function stage(more: Partial<EngineOptions> = {}) {
  const fake = createFakeDriver('fake', CAN)
  fake.steps = ({ parts }) => answer(`re: ${textOf(parts)}`)
  const engine = createTestEngine([fake], more)
  engines.push(engine)
  return { engine, fake }
}

const answer = (text: string): TurnEvent[] => [
  { type: 'init' },
  { type: 'text', text },
  { type: 'done', stopReason: 'end_turn' },
]
const textOf = (parts: readonly InputPart[]) =>
  parts.map((part) => (part.type === 'text' ? part.text : `<${part.type}>`)).join('+')
const user = (text: string): HistoryMessage => ({ role: 'user', parts: [{ type: 'text', text }] })
const said = (text: string): HistoryMessage => ({ role: 'assistant', text, toolCalls: [] })

/** A chat request as the chat endpoints make it: what comes last is said now. */
function chat(messages: readonly HistoryMessage[], more: Partial<TurnRequest> = {}): TurnRequest {
  const last = messages.at(-1)
  return {
    parts: last?.role === 'user' ? last.parts : [],
    ...(messages.length > 1 ? { history: messages.slice(0, -1) } : {}),
    profile: 'pure',
    ephemeral: true,
    continuable: true,
    scratch: true,
    caller: 'me',
    ...more,
  }
}
const never = new AbortController().signal
async function run(engine: Engine, request: TurnRequest, signal = never) {
  return await Array.fromAsync((await engine.start(request, signal)).events)
}
const one = [user('one')]
const two = [...one, said('re: one'), user('two')]
const three = [...two, said('re: two'), user('three')]

describe('a chat that goes on', () => {
  test('goes on in its agent, which is told only what is new', async () => {
    const { engine, fake } = stage()
    for (const messages of [one, two, three]) await run(engine, chat(messages))
    expect(fake.opened).toHaveLength(1)
    expect(fake.opened[0]?.history).toBeUndefined()
    expect(fake.prompts.map(({ parts }) => textOf(parts))).toEqual(['one', 'two', 'three'])
    expect(fake.log).toEqual([])
  })

  test('takes messages of the user that follow each other for one, as they were told', async () => {
    const { engine, fake } = stage()
    await run(
      engine,
      chat([user('a'), user('b')], {
        parts: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
        history: [],
      }),
    )
    await run(engine, chat([user('a'), user('b'), said('re: a+b'), user('c')]))
    expect(fake.opened).toHaveLength(1)
  })

  const others: [string, Partial<TurnRequest>][] = [
    ['of another caller', { caller: 'you' }],
    ['of nobody in particular', { caller: undefined as never }],
    ['with another system prompt', { systemPrompt: 'Be brief.' }],
    ['with another model', { model: 'other' }],
    ['with another limit', { maxTokens: 10 }],
    ['with tools', { clientTools: [{ name: 'f', inputSchema: { type: 'object' } }] }],
    ['with another profile', { profile: 'full' }],
    ['in a folder', { scratch: false, workdir: '/tmp' }],
    ['that is not to be found again', { continuable: false }],
  ]
  for (const [name, more] of others)
    test(`is another one for a request ${name}`, async () => {
      const { engine, fake } = stage()
      await run(engine, chat(one))
      await run(engine, chat(two, more))
      expect(fake.opened).toHaveLength(2)
      expect(fake.opened[1]?.history).toEqual(two.slice(0, -1))
    })

  const branches: [string, HistoryMessage[]][] = [
    ['regenerated', two],
    ['edited in its last question', [...two.slice(0, -1), user('zwei')]],
    ['edited in its first question', [user('eins'), ...three.slice(1)]],
    ['with an answer that its user edited', [...two, said('re: zwei'), user('three')]],
    ['with an answer less a space', [...two, said('re:two'), user('three')]],
    ['without its last turn', [...one, said('re: one'), user('three')]],
    ['with a turn that was made up', [...three.slice(0, -1), user('x'), said('y'), user('three')]],
    ['from its middle on', [...three.slice(2)]],
    ['begun again', one],
  ]
  for (const [name, messages] of branches)
    test(`is told anew where it is ${name}, and the other branch goes on untouched`, async () => {
      const { engine, fake } = stage()
      await run(engine, chat(one))
      await run(engine, chat(two))
      await run(engine, chat(messages))
      expect(fake.opened).toHaveLength(2)
      expect(fake.opened[1]?.history ?? []).toEqual(messages.slice(0, -1))
      await run(engine, chat(three))
      expect(fake.opened).toHaveLength(2)
      expect(fake.prompts.map(({ parts }) => textOf(parts)).at(-1)).toBe('three')
    })

  test('is gone on with by one of two requests at once, and the other is told it', async () => {
    const { engine, fake } = stage()
    await run(engine, chat(one))
    const gate = Promise.withResolvers<void>()
    fake.steps = ({ parts }) => [{ after: gate.promise }, ...answer(`re: ${textOf(parts)}`)]
    const both = [run(engine, chat(two)), run(engine, chat(two))]
    await waitUntil(() => fake.prompts.length === 3)
    gate.resolve()
    await Promise.all(both)
    expect(fake.opened.map(({ history }) => history?.length ?? 0)).toEqual([0, 2])
    // Both can be gone on with now, each once.
    await Promise.all([run(engine, chat(three)), run(engine, chat(three))])
    expect(fake.opened).toHaveLength(2)
    await Promise.all([run(engine, chat(three)), run(engine, chat(three))])
    expect(fake.opened).toHaveLength(4)
  })

  test('goes on although its answer has been read to its end only by then', async () => {
    const { engine, fake } = stage()
    const { events } = await engine.start(chat(one), never)
    while ((await events.next()).value?.type !== 'done');
    const next = run(engine, chat(two))
    await Bun.sleep(20)
    expect(fake.prompts).toHaveLength(1)
    await events.return()
    await next
    expect(fake.opened).toHaveLength(1)
  })

  test('is left as it was by a request that went on with it and left before its turn', async () => {
    const { engine, fake } = stage()
    const { events } = await engine.start(chat(one), never)
    while ((await events.next()).value?.type !== 'done');
    const leaving = new AbortController()
    const next = run(engine, chat(two), leaving.signal).catch(() => 'left')
    await Bun.sleep(20)
    leaving.abort()
    expect(await next).toBe('left')
    await events.return()
    await waitUntil(() => fake.log.includes('close agent-1'))
  })

  test('is told all of it where its agent has died', async () => {
    const { engine, fake } = stage()
    await run(engine, chat(one))
    fake.kill()
    await run(engine, chat(two))
    expect(fake.opened[1]?.history).toEqual(two.slice(0, -1))
  })

  test('is told all of it where its agent dies at the moment at which it would go on', async () => {
    const { engine, fake } = stage()
    const { events } = await engine.start(chat(one), never)
    while ((await events.next()).value?.type !== 'done');
    const next = run(engine, chat(two))
    await Bun.sleep(20)
    fake.kill()
    await events.return()
    expect((await next).at(-1)).toMatchObject({ type: 'done' })
    expect(fake.opened[1]).toMatchObject({ history: two.slice(0, -1) })
    expect(fake.opened[1]).not.toHaveProperty('resume')
  })

  const ends: [string, Partial<TurnRequest>, TurnEvent[]][] = [
    ['at a stop sequence', { stop: ['ne'] }, answer('re: one')],
    [
      'at a limit',
      {},
      [
        { type: 'text', text: 're: one' },
        { type: 'done', stopReason: 'max_tokens' },
      ],
    ],
    [
      'with a refusal',
      {},
      [
        { type: 'text', text: 're: one' },
        { type: 'done', stopReason: 'refusal' },
      ],
    ],
    ['as JSON', { answer: { schema: { type: 'object' }, strict: false } }, answer('{"a":1}')],
    ['without a word', {}, [{ type: 'init' }, { type: 'done', stopReason: 'end_turn' }]],
  ]
  for (const [name, more, events] of ends)
    test(`is not kept after an answer that ended ${name}`, async () => {
      const { engine, fake } = stage()
      fake.steps = () => events
      const told = (await run(engine, chat(one, more))).flatMap((event) =>
        event.type === 'text' ? [event.text] : [],
      )
      await run(engine, chat([...one, said(told.join('')), user('two')], more))
      expect(fake.opened).toHaveLength(2)
    })

  test('is not kept after a turn that failed', async () => {
    const { engine, fake } = stage()
    fake.steps = () => [{ type: 'text', text: 're: one' }, new ClinvkError('upstream_error', 'no')]
    await run(engine, chat(one)).catch(() => {})
    await waitUntil(() => fake.log.length > 0)
    expect(fake.log).toEqual(['close agent-1'])
  })

  test('goes on after calls of tools of its client', async () => {
    const { engine, fake } = stage()
    const tools = { clientTools: [{ name: 'f', inputSchema: { type: 'object' } }] }
    fake.steps = ({ parts }) =>
      textOf(parts) === 'one'
        ? [
            { type: 'init' },
            { type: 'call_start', id: 'a', name: 'f' },
            { type: 'call_end', id: 'a', name: 'f', input: {} },
            { type: 'done', stopReason: 'tool_calls' },
          ]
        : answer('end')
    fake.answerSteps = () => answer('so it is')
    await run(engine, chat(one, tools))
    const called: HistoryMessage[] = [
      ...one,
      { role: 'assistant', text: '', toolCalls: [{ id: 'a', name: 'f', input: {} }] },
      { role: 'tool', callId: 'a', parts: [{ type: 'text', text: 'r' }], isError: false },
    ]
    await run(engine, chat(called, { ...tools, parts: [], history: called }))
    await run(engine, chat([...called, said('so it is'), user('two')], tools))
    expect(fake.opened).toHaveLength(1)
    expect(fake.prompts).toHaveLength(2)
    // Results that were edited since are those of another conversation.
    for (const isError of [true, false]) {
      const edited = called.map((message) =>
        message.role === 'tool' ? { ...message, isError, parts: [] } : message,
      )
      const said3 = [...edited, said('so it is'), user('two'), said('end'), user('three')]
      await run(engine, chat(said3, tools))
      expect(fake.opened.at(-1)?.history).toEqual(said3.slice(0, -1))
    }
    const failed = called.map((message) =>
      message.role === 'tool' ? { ...message, isError: true } : message,
    )
    await run(engine, chat([...failed, said('so it is'), user('two'), said('end'), user('three')], tools))
    expect(fake.opened).toHaveLength(4)
  })
})

describe('what is kept of chats', () => {
  test('is bounded: the agent that waits longest goes first, with its folder', async () => {
    const { engine, fake } = stage({ conversations: { keepAliveMs: 60_000, maxIdle: 2, maxShared: 0 } })
    for (const text of ['a', 'b', 'c']) await run(engine, chat([user(text)]))
    expect(fake.log).toEqual(['close agent-1'])
    expect(existsSync(fake.opened[0]?.workdir ?? '')).toBe(false)
    expect(existsSync(fake.opened[2]?.workdir ?? '')).toBe(true)
    await run(engine, chat([user('a'), said('re: a'), user('d')]))
    expect(fake.opened).toHaveLength(4)
  })

  test('ends after a while, with its folder', async () => {
    const { engine, fake } = stage({ conversations: { keepAliveMs: 20, maxIdle: 2, maxShared: 2 } })
    await run(engine, chat(one))
    await waitUntil(() => fake.log.length > 0 && !existsSync(fake.opened[0]?.workdir ?? ''))
    expect(fake.log).toEqual(['close agent-1'])
  })

  test('is nothing where agents are not kept', async () => {
    const { engine, fake } = stage({ conversations: { keepAliveMs: 0, maxIdle: 2, maxShared: 2 } })
    await run(engine, chat(one))
    expect(fake.log).toEqual(['close agent-1'])
  })

  test('is nothing of one whose process is to end', async () => {
    const { engine, fake } = stage()
    fake.worn = true
    await run(engine, chat(one))
    expect(fake.log).toEqual(['close agent-1'])
    await run(engine, chat(two))
    expect(fake.opened[1]?.history).toEqual(two.slice(0, -1))
  })

  test('is left as it was by a request that was refused because too many wait', async () => {
    const { engine, fake } = stage({ queue: { running: 1, waiting: 1, waitingPerBackend: 1 } })
    await run(engine, chat(one))
    const gate = Promise.withResolvers<void>()
    fake.steps = ({ parts }) => [{ after: gate.promise }, ...answer(`re: ${textOf(parts)}`)]
    const others = ['a', 'b'].map(async (text) => {
      const { events } = await engine.start(chat([user(text)]), never)
      return { events, first: events.next() }
    })
    const refused = await engine.start(chat(two), never)
    const [running, waiting] = await Promise.all(others)
    await waitUntil(() => {
      const { running, waiting } = engine.pool().queue
      return running['fake'] === 1 && waiting['fake'] === 1
    })
    expect(await refused.events.next().catch((error: ClinvkError) => error.code)).toBe('queue_full')
    gate.resolve()
    await running?.first
    await running?.events.return()
    await waiting?.first
    await waiting?.events.return()
    await run(engine, chat(two))
    expect(fake.opened.filter(({ history }) => history !== undefined)).toEqual([])
  })

  test('is nothing of a prompt that nobody can go on with', async () => {
    const { engine, fake } = stage()
    await run(engine, chat(one, { continuable: false }))
    expect(fake.log).toEqual(['close agent-1'])
  })

  test('leaves nothing behind where its agent has died, as soon as another turn is over', async () => {
    const { engine, fake } = stage()
    await run(engine, chat(one))
    const folder = fake.opened[0]?.workdir ?? ''
    expect(existsSync(folder)).toBe(true)
    fake.kill()
    await run(engine, chat([user('another')]))
    await waitUntil(() => !existsSync(folder))
  })

  test('ends with the engine', async () => {
    const { engine, fake } = stage()
    await run(engine, chat(one))
    await engine.close()
    expect(fake.log).toContain('close agent-1')
    expect(existsSync(fake.opened[0]?.workdir ?? '')).toBe(false)
  })
})
