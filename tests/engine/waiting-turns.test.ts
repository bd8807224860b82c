import { afterEach, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import type { HistoryMessage } from '../../src/agents/messages.ts'
import type { TurnEvent } from '../../src/agents/types.ts'
import type { Engine, TurnRequest } from '../../src/engine/types.ts'
import { createFakeDriver } from '../support/fake-driver.ts'
import { waitUntil } from '../support/processes.ts'
import { createTestEngine } from '../support/test-engine.ts'

const engines: Engine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
})

/** An engine over one agent, which calls as the test says. */
function stage({ waitMs = 60_000, most = 4 } = {}) {
  const fake = createFakeDriver('fake', {
    clientTools: 'native',
    history: 'native',
    toolChoice: 'native',
    profiles: ['pure', 'full'],
  })
  fake.steps = () => calling('a')
  const engine = createTestEngine([fake], { waiting: { waitMs, most } })
  engines.push(engine)
  return { engine, fake }
}

const tools = [{ name: 'f', inputSchema: { type: 'object' } }]
const asked: HistoryMessage = { role: 'user', parts: [{ type: 'text', text: 'go' }] }
const first: TurnRequest = {
  parts: [{ type: 'text', text: 'go' }],
  clientTools: tools,
  scratch: true,
  ephemeral: true,
  caller: 'me',
}

function calling(...ids: string[]): TurnEvent[] {
  return [
    { type: 'init' },
    { type: 'text', text: 'I look.' },
    ...ids.flatMap((id): TurnEvent[] => [
      { type: 'call_start', id, name: 'f' },
      { type: 'call_delta', id, json: `{"of":"${id}"}` },
      { type: 'call_end', id, name: 'f', input: { of: id } },
    ]),
    { type: 'done', stopReason: 'tool_calls' },
  ]
}
const answered = (...ids: string[]): HistoryMessage => ({
  role: 'assistant',
  text: 'I look.',
  toolCalls: ids.map((id) => ({ id, name: 'f', input: { of: id } })),
})
const result = (callId: string, text = 'r'): HistoryMessage => ({
  role: 'tool',
  callId,
  parts: [{ type: 'text', text }],
  isError: false,
})
const next = (history: HistoryMessage[], more: Partial<TurnRequest> = {}): TurnRequest => ({
  ...first,
  parts: [],
  history,
  ...more,
})

async function run(engine: Engine, request: TurnRequest) {
  return await Array.fromAsync((await engine.start(request, new AbortController().signal)).events)
}
const idsOf = (events: readonly TurnEvent[]) =>
  events.flatMap((event) => (event.type === 'call_end' ? [event.id] : []))
const textOf = (events: readonly TurnEvent[]) =>
  events.map((event) => (event.type === 'text' ? event.text : '')).join('')

describe('a turn that waits for results', () => {
  test('goes on with them in the same agent', async () => {
    const { engine, fake } = stage()
    expect((await run(engine, first)).at(-1)).toMatchObject({ stopReason: 'tool_calls' })
    expect(fake.log).toEqual([])
    const events = await run(engine, next([asked, answered('a'), result('a', '22')]))
    expect(events.at(-1)).toMatchObject({ type: 'done', stopReason: 'end_turn' })
    expect(fake.opened).toHaveLength(1)
    expect(fake.answers).toEqual([[result('a', '22')]] as never)
    expect(fake.log).toEqual(['close agent-1'])
    expect(existsSync(fake.opened[0]?.workdir ?? '')).toBe(false)
  })

  test('goes on as often as it calls', async () => {
    const { engine, fake } = stage()
    await run(engine, first)
    fake.answerSteps = () => calling('b')
    await run(engine, next([asked, answered('a'), result('a')]))
    fake.answerSteps = () => [
      { type: 'text', text: 'end' },
      { type: 'done', stopReason: 'end_turn' },
    ]
    const history = [asked, answered('a'), result('a'), answered('b'), result('b')]
    expect(textOf(await run(engine, next(history)))).toBe('end')
    expect([fake.opened.length, fake.prompts.length, fake.answers.length]).toEqual([1, 1, 2])
  })

  test('is recognised where the client left out what was said beside the calls, or changed its spaces', async () => {
    for (const text of ['', ' I  look.\n']) {
      const { engine, fake } = stage()
      await run(engine, first)
      await run(engine, next([asked, { ...answered('a'), text } as HistoryMessage, result('a')]))
      expect(fake.answers).toHaveLength(1)
    }
  })

  test('is recognised where the client filled in defaults of its tool, or ordered the arguments anew', async () => {
    const clientTools = [
      {
        name: 'f',
        inputSchema: {
          type: 'object',
          properties: { of: {}, all: { default: false }, deep: { default: [] } },
        },
      },
    ]
    const kept = (input: object): HistoryMessage => ({
      ...(answered('a') as Extract<HistoryMessage, { role: 'assistant' }>),
      toolCalls: [{ id: 'a', name: 'f', input }],
    })
    const table: [input: object, gone: number][] = [
      [{ all: false, of: 'a' }, 1],
      [{ deep: [], all: false, of: 'a' }, 1],
      [{ all: true, of: 'a' }, 0],
      [{ of: 'a', other: false }, 0],
      [{ all: false, of: 'b' }, 0],
      [{ all: false }, 0],
    ]
    for (const [input, gone] of table) {
      const { engine, fake } = stage()
      await run(engine, { ...first, clientTools })
      await run(engine, next([asked, kept(input), result('a')], { clientTools }))
      expect([input, fake.answers.length]).toEqual([input, gone])
    }
  })

  const others: [title: string, request: TurnRequest][] = [
    ['of another caller', next([asked, answered('a'), result('a')], { caller: 'you' })],
    [
      'with other tools',
      next([asked, answered('a'), result('a')], { clientTools: [{ name: 'g', inputSchema: {} }] }),
    ],
    ['with another system prompt', next([asked, answered('a'), result('a')], { systemPrompt: 's' })],
    [
      'whose earlier message was edited',
      next([{ role: 'user', parts: [{ type: 'text', text: 'edited' }] }, answered('a'), result('a')]),
    ],
    [
      'whose answer was edited',
      next([asked, { ...answered('a'), text: 'Other.' } as HistoryMessage, result('a')]),
    ],
    ['of another call', next([asked, answered('z'), result('z')])],
    [
      'that says more than the results',
      { ...next([asked, answered('a'), result('a')]), parts: [{ type: 'text', text: 'and?' }] },
    ],
  ]
  test.each(others)('is told the whole conversation anew for a request %s', async (_, request) => {
    const { engine, fake } = stage()
    await run(engine, first)
    await run(engine, request)
    expect(fake.answers).toEqual([])
    expect(fake.opened.map(({ history }) => history)).toEqual([undefined, request.history])
    expect(fake.prompts.at(-1)).toEqual({ parts: request.parts })
  })

  test('is ended, and its results answered anew, when they come too late', async () => {
    const { engine, fake } = stage({ waitMs: 10 })
    await run(engine, first)
    await waitUntil(() => fake.log.includes('close agent-1'))
    await run(engine, next([asked, answered('a'), result('a')]))
    expect([fake.answers.length, fake.opened.length]).toEqual([0, 2])
  })

  test('is answered anew where its agent died meanwhile', async () => {
    const { engine, fake } = stage()
    await run(engine, first)
    fake.kill()
    await run(engine, next([asked, answered('a'), result('a')]))
    expect([fake.answers.length, fake.opened.length]).toEqual([0, 2])
  })

  test('is answered anew where its agent can’t be told such results but as history', async () => {
    const { engine, fake } = stage()
    fake.canAnswer = (results) => JSON.stringify(results).length < 1000
    await run(engine, first)
    const request = next([asked, answered('a'), result('a', 'x'.repeat(1000))])
    await run(engine, request)
    expect([fake.answers.length, fake.opened.length]).toEqual([0, 2])
    expect(fake.opened[1]?.history).toEqual(request.history)
    expect(fake.log).toContain('close agent-1')
  })

  test('is ended when its client goes on with something else', async () => {
    const { engine, fake } = stage()
    await run(engine, first)
    fake.steps = () => [{ type: 'done', stopReason: 'end_turn' }]
    const abandoned: HistoryMessage = { ...result('a', 'not carried out'), isError: true } as HistoryMessage
    await run(engine, { ...first, history: [asked, answered('a'), abandoned] })
    await waitUntil(() => fake.log.includes('close agent-1'))
  })

  test('gives way when too many wait', async () => {
    const { engine, fake } = stage({ most: 1 })
    await run(engine, first)
    await run(engine, { ...first, parts: [{ type: 'text', text: 'other' }] })
    await waitUntil(() => fake.log.length > 0)
    expect(fake.log).toEqual(['close agent-1'])
  })

  test('is ended with the engine', async () => {
    const { engine, fake } = stage()
    await run(engine, first)
    await engine.close()
    expect(fake.log).toEqual(['close agent-1', 'close driver'])
  })

  test('is gone on with once', async () => {
    const { engine, fake } = stage()
    await run(engine, first)
    const request = next([asked, answered('a'), result('a')])
    await Promise.all([run(engine, request), run(engine, request)])
    expect([fake.answers.length, fake.opened.length]).toEqual([1, 2])
  })
})

describe('a client that takes one call at a time', () => {
  test('is told one after the other, and the agent gets all results at once', async () => {
    const { engine, fake } = stage()
    fake.steps = () => calling('a', 'b', 'c')
    const serial = { serialCalls: true }
    expect(idsOf(await run(engine, { ...first, ...serial }))).toEqual(['a'])
    const history = [asked, answered('a'), result('a', '1')]
    const second = await run(engine, next(history, serial))
    expect([idsOf(second), textOf(second)]).toEqual([['b'], ''])
    const silent = (id: string): HistoryMessage => ({ ...answered(id), text: '' }) as HistoryMessage
    history.push(silent('b'), result('b', '2'))
    expect(idsOf(await run(engine, next(history, serial)))).toEqual(['c'])
    expect(fake.answers).toEqual([])
    history.push(silent('c'), result('c', '3'))
    await run(engine, next(history, serial))
    expect(fake.answers).toEqual([[result('a', '1'), result('b', '2'), result('c', '3')]] as never)
    expect(fake.opened).toHaveLength(1)
  })
})

describe('an answer in JSON', () => {
  const answer = {
    schema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
    strict: true,
  }
  const saying = (...texts: string[]) => {
    const { engine, fake } = stage()
    let turn = 0
    fake.steps = () => {
      turn += 1
      return [
        { type: 'init' },
        { type: 'text', text: texts[turn - 1] ?? '' },
        { type: 'done', stopReason: 'end_turn', usage: { inputTokens: 10, outputTokens: turn } },
      ]
    }
    return { engine, fake, request: { ...first, clientTools: [], answer } }
  }

  test('is passed on as it is where it fits, without a fence', async () => {
    for (const text of ['{"n": 1}', ' {"n": 1}\n', '```json\n{"n": 1}\n```']) {
      const { engine, fake, request } = saying(text)
      const events = await run(engine, request)
      expect(events.map((event) => (event.type === 'text' ? event.text : event.type))).toEqual([
        'init',
        '{"n": 1}',
        'done',
      ])
      expect(fake.prompts).toHaveLength(1)
    }
  })

  test('is asked for by the system prompt where the agent has no means of its own', async () => {
    const { engine, fake, request } = saying('{"n":1}')
    await run(engine, { ...request, systemPrompt: 'be brief' })
    expect(fake.opened[0]?.systemPrompt).toStartWith('be brief\n\nAnswer with exactly one JSON value')
    expect(fake.opened[0]?.systemPrompt).toContain(JSON.stringify(answer.schema))
    expect(fake.opened[0]).not.toHaveProperty('jsonSchema')
  })

  test('is repaired once, in the same agent, and both turns are counted', async () => {
    const { engine, fake, request } = saying('{"n":"x"}', '{"n":2}')
    const events = await run(engine, request)
    expect(textOf(events)).toBe('{"n":2}')
    expect(events.at(-1)).toMatchObject({ usage: { inputTokens: 20, outputTokens: 3 } })
    expect(events.filter(({ type }) => type === 'init')).toHaveLength(1)
    const [part] = fake.prompts[1]?.parts ?? []
    expect(part).toMatchObject({ text: expect.stringContaining('/n must be number') })
    expect(fake.opened).toHaveLength(1)
  })

  test('is an error where it does not fit twice, and nothing of it is told', async () => {
    const { engine, request } = saying('no json', '{}')
    const told: TurnEvent[] = []
    const turn = await engine.start(request, new AbortController().signal)
    const failure = await (async () => {
      for await (const event of turn.events) told.push(event)
    })().catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'answer_invalid', status: 502 })
    expect(textOf(told)).toBe('')
  })

  test('cut by a limit is passed on as it is', async () => {
    const { engine, fake, request } = saying()
    fake.steps = () => [
      { type: 'text', text: '{"n":' },
      { type: 'done', stopReason: 'max_tokens' },
    ]
    const events = await run(engine, request)
    expect([textOf(events), fake.prompts.length]).toEqual(['{"n":', 1])
  })

  test('is an error where a stop sequence cuts it so that it does not fit, and is not repaired', async () => {
    const { engine, fake, request } = saying('{"n": 1, "a": "one STOP two"}', '{"n":2}')
    const failure = await run(engine, { ...request, stop: ['STOP'] }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'answer_invalid', message: expect.stringContaining('"STOP"') })
    expect(fake.prompts).toHaveLength(1)
  })

  test('is stopped where what a stop sequence leaves of it fits', async () => {
    const { engine, request } = saying('{"n": 1}\n\nDONE, as you see')
    const events = await run(engine, { ...request, stop: ['DONE'] })
    expect(textOf(events)).toBe('{"n": 1}')
    expect(events.at(-1)).toEqual({ type: 'done', stopReason: 'stop_sequence', stopSequence: 'DONE' })
  })

  test('is not stopped by what does not occur in it, nor is its repair', async () => {
    const { engine, request } = saying('{"n":"x"}', '{"n":2}')
    const events = await run(engine, { ...request, stop: ['STOP'] })
    expect([textOf(events), events.at(-1)]).toMatchObject(['{"n":2}', { stopReason: 'end_turn' }])
  })

  test('is looked at once, however many lines a fence has that never ends', async () => {
    const { engine, request } = saying(`\`\`\`${'\n'.repeat(1_000_000)}x`, '{"n":2}')
    expect(textOf(await run(engine, request))).toBe('{"n":2}')
  })

  test('may come after calls of tools', async () => {
    const { engine, fake, request } = saying()
    fake.steps = () => calling('a')
    fake.answerSteps = () => [
      { type: 'text', text: '{"n":3}' },
      { type: 'done', stopReason: 'end_turn' },
    ]
    const withTools = { ...request, clientTools: tools }
    expect(textOf(await run(engine, withTools))).toBe('')
    const silent = { ...answered('a'), text: '' } as HistoryMessage
    const last = await run(engine, { ...withTools, parts: [], history: [asked, silent, result('a')] })
    expect([textOf(last), fake.opened.length]).toEqual(['{"n":3}', 1])
  })

  test('is one part of the text, the last that fits, or else all of it', async () => {
    for (const [texts, expected] of [
      [['I look.', '{"n":', '1}'], '{"n":1}'],
      [['{"n":1}', '{"n":2}', ''], '{"n":2}'],
      [['```json\n{"n":1}\n```', 'I have answered.', ''], '{"n":1}'],
      [['{"n":', '3', '}'], '{"n":3}'],
    ] as const) {
      const { engine, fake, request } = saying()
      const [first, second, third] = texts
      fake.steps = () => [
        { type: 'text', text: first, part: 'a' },
        { type: 'text', text: second, part: 'b' },
        { type: 'text', text: third, part: 'b' },
        { type: 'done', stopReason: 'end_turn' },
      ]
      const told = (await run(engine, request)).flatMap((event) => (event.type === 'text' ? event.text : []))
      expect([told, fake.prompts.length]).toEqual([[expected], 1])
    }
  })

  test('is not asked for again where the agent has had it corrected itself', async () => {
    const { engine, fake, request } = saying()
    const say = (text: string) => {
      fake.steps = () => [
        { type: 'text', text },
        { type: 'done', stopReason: 'end_turn', corrected: true },
      ]
    }
    say('{}')
    const failure = await run(engine, request).catch((error) => error)
    expect(failure).toMatchObject({
      code: 'answer_invalid',
      message: expect.stringContaining("required property 'n'"),
    })
    expect(fake.prompts).toHaveLength(1)
    say('{"n":1}')
    const events = await run(engine, request)
    expect(textOf(events)).toBe('{"n":1}')
    expect(events.at(-1)).not.toHaveProperty('corrected')
  })

  test('is not what is said before a call, which is told as thinking, at its place', async () => {
    const { engine, fake, request } = saying()
    fake.steps = () => calling('a')
    const events = await run(engine, { ...request, clientTools: tools })
    expect(events.map(({ type }) => type)).toEqual([
      'init',
      'thinking',
      'call_start',
      'call_delta',
      'call_end',
      'done',
    ])
  })

  test('with a schema that is none is refused before anything runs', async () => {
    const { engine, fake, request } = saying('{}')
    const schema = { type: 'object', properties: { n: { type: 'nope' } } }
    const failure = await run(engine, { ...request, answer: { schema, strict: true } }).catch(
      (error) => error,
    )
    expect(failure).toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('/properties/n/type'),
    })
    expect(fake.opened).toEqual([])
  })
})
