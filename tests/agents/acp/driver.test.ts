import { describe, expect, spyOn, test } from 'bun:test'
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { PLACE } from '../../../src/agents/acp/profile.ts'
import type { InputPart, SessionOptions, TurnEvent } from '../../../src/agents/types.ts'
import type { AcpScenario } from '../../support/fakes/acp.ts'
import { isAlive, waitUntil } from '../../support/processes.ts'
import { errorOf, never, type Rig, rig, textOf, turn } from './support.ts'

const chunk = (text: string) => ({
  sessionUpdate: 'agent_message_chunk',
  content: { type: 'text', text },
})

describe('a turn over ACP', () => {
  test('begins with init, streams what the agent says, and ends with done', async () => {
    await using agent = rig({
      initialize: { agentInfo: { name: 'fake', version: '1.2.3' } },
      turns: [
        [
          { update: { sessionUpdate: 'agent_thought_chunk', content: { type: 'text', text: 'hm' } } },
          { say: 'one ' },
          { say: 'two' },
        ],
      ],
    })
    const session = await agent.open()
    expect(await turn(session)).toEqual([
      { type: 'init', agentSessionId: session.id ?? '', agentVersion: '1.2.3' },
      { type: 'thinking', text: 'hm', part: 'thought-0-0' },
      { type: 'text', text: 'one ', part: 'message-0' },
      { type: 'text', text: 'two', part: 'message-0' },
      { type: 'done', stopReason: 'end_turn' },
    ])
  })

  test('has the last piece of the answer even where it comes in one write with the end', async () => {
    await using agent = rig({ turns: [[{ answer: { stopReason: 'end_turn' }, before: chunk('last') }]] })
    const session = await agent.open()
    for (let count = 0; count < 20; count += 1) expect(textOf(await turn(session))).toBe('last')
  })

  test('skips lines that are no messages, and answers to nothing', async () => {
    await using agent = rig({
      turns: [
        [
          { line: 'Loading credentials {"half":' },
          { line: '{"jsonrpc":"2.0","id":999,"result":{}}' },
          { line: '{"jsonrpc":"2.0","method":"session/update"}' },
          { line: '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"x","update":7}}' },
          { line: '{"jsonrpc":"2.0","method":"made/up","params":{}}' },
          { line: '[1,2]' },
          { update: { sessionUpdate: 'from_the_future', what: 1 } },
          { update: { sessionUpdate: 'agent_message_chunk', content: 'no block' } },
          { update: { sessionUpdate: 'tool_call', toolCallId: 5, status: 'odd' } },
          { say: 'fine' },
        ],
      ],
    })
    using complaints = spyOn(console, 'error')
    const events = await turn(await agent.open())
    expect(complaints).not.toHaveBeenCalled()
    expect(textOf(events)).toBe('fine')
    expect(events.at(-1)).toMatchObject({ type: 'done' })
  })

  test('refuses what an agent asks of an editor', async () => {
    await using agent = rig({
      turns: [
        [
          {
            request: { method: 'fs/read_text_file', params: { sessionId: '$session', path: '/etc/passwd' } },
          },
        ],
      ],
    })
    expect(textOf(await turn(await agent.open()))).toContain('-32601')
  })

  test('leaves out what the agent says outside a prompt', async () => {
    await using agent = rig({
      after: { 'session/new': [{ say: '[MODE_UPDATE] yolo' }] },
      turns: [[{ say: 'answer' }]],
    })
    const session = await agent.open()
    expect(textOf(await turn(session))).toBe('answer')
  })

  test('slows an agent whose reader takes its time', async () => {
    const total = 4000
    await using agent = rig({ turns: [[{ flood: total }]] })
    const session = await agent.open()
    const events = session.prompt({ parts: [{ type: 'text', text: 'go' }] }, never)
    await events.next()
    await events.next()
    const written = () => agent.records().filter(({ flooded }) => flooded !== undefined).length * 10
    let before = -1
    await waitUntil(async () => {
      const now = written()
      const still = now > 0 && now === before
      before = now
      await Bun.sleep(200)
      return still
    })
    expect(written()).toBeLessThan(total / 2)
    let size = 1000
    for await (const event of events) if (event.type === 'text') size += event.text.length
    expect(size).toBe(total * 1000)
  })

  test('ends in an error where the agent stops it by itself', async () => {
    await using agent = rig({ turns: [[{ answer: { stopReason: 'cancelled' } }]] })
    expect(await errorOf(turn(await agent.open()))).toMatchObject({ code: 'cancelled' })
  })

  test('is refused while another one of the conversation runs', async () => {
    await using agent = rig({ turns: [[{ say: 'on it' }, { hang: true }]] })
    const session = await agent.open()
    const running = session.prompt({ parts: [] }, never)
    const begun = running.next()
    expect(await errorOf(turn(session))).toMatchObject({ code: 'session_busy' })
    await begun
    expect(await errorOf(turn(session))).toMatchObject({ code: 'session_busy' })
  })
})

describe('sessions of one agent', () => {
  test('run at once in one process, each with its own events', async () => {
    await using agent = rig({
      turns: [[{ say: '$session ' }, { otherPrompt: true }, { say: '$session' }], [{ say: 'x' }]],
    })
    const [one, two] = await Promise.all([agent.open(), agent.open()])
    const first = turn(one)
    await waitUntil(() => agent.sent('session/prompt').length === 1)
    const second = turn(two)
    expect(textOf(await first)).toBe(`${one.id} ${one.id}`)
    await waitUntil(() => agent.sent('session/prompt').length === 2)
    await turn(one)
    expect(textOf(await second)).toBe(`${two.id} ${two.id}`)
    expect(agent.pids()).toHaveLength(1)
  })

  test('have a process of their own where the flags differ', async () => {
    await using agent = rig({})
    await agent.open()
    await agent.open({ extraFlags: ['--loud'] })
    expect(agent.records().flatMap(({ argv }) => (argv ? [argv] : []))).toEqual([[], ['--loud']])
  })

  test('go to a new process after so many, and the old one ends with its last', async () => {
    await using agent = rig({ turns: [[{ say: '$pid' }]] }, { sessionsPerProcess: 2 })
    const [one, two, three] = [await agent.open(), await agent.open(), await agent.open()]
    const [old, fresh] = agent.pids()
    expect([textOf(await turn(one)), textOf(await turn(two)), textOf(await turn(three))]).toEqual(
      [old, old, fresh].map(String),
    )
    await one.close()
    expect(textOf(await turn(two))).toBe(String(old))
    await two.close()
    await waitUntil(() => !isAlive(old ?? 0))
    expect(three.alive).toBe(true)
  })

  test('get a new process after the old one died, with its last words in the error', async () => {
    await using agent = rig({ turns: [[{ say: 'half' }, { stderr: 'out of cheese' }, { exit: 3 }]] })
    const session = await agent.open()
    expect(await errorOf(turn(session))).toMatchObject({
      code: 'agent_crashed',
      message: 'fake ended with exit code 3: out of cheese',
      details: { exit_code: 3 },
    })
    expect(session.alive).toBe(false)
    expect(await errorOf(turn(session))).toMatchObject({ code: 'agent_crashed' })
    expect((await agent.open()).alive).toBe(true)
    expect(agent.pids()).toHaveLength(2)
  })

  test('get a new process where the old one dies before they are opened in it', async () => {
    await using agent = rig({ turns: [[{ say: 'fine' }]] })
    await agent.open()
    for (let count = 1; count <= 3; count += 1) {
      process.kill(Number(agent.pids().at(-1)), 'SIGKILL')
      expect(textOf(await turn(await agent.open()))).toBe('fine')
      expect(agent.pids()).toHaveLength(count + 1)
    }
  })

  test('get a new process where the old one is ended for another session before they are opened in it', async () => {
    await using agent = rig(
      { turns: [[{ say: 'on it' }, { hang: true }]] },
      {},
      { interruptMs: 20, termMs: 20 },
    )
    const cancel = new AbortController()
    const stuck = turn(await agent.open(), 'go', cancel.signal)
    await waitUntil(() => agent.sent('session/prompt').length === 1)
    const [pid = 0] = agent.pids()
    process.kill(pid, 'SIGSTOP')
    const opening = agent.open()
    await Bun.sleep(1)
    cancel.abort()
    expect(await errorOf(stuck)).toMatchObject({ code: 'cancelled' })
    expect((await opening).alive).toBe(true)
    expect(agent.pids()).toHaveLength(2)
  })

  test('are not told the last words of a process that was not theirs alone', async () => {
    const ends = [{ otherPrompt: true }, { stderr: 'secret of one' }, { exit: 3 }] as const
    await using agent = rig({ turns: [ends] })
    const [one, two] = [await agent.open(), await agent.open()]
    const errors = await Promise.all([errorOf(turn(one)), errorOf(turn(two))])
    for (const error of errors)
      expect(error).toMatchObject({
        code: 'agent_crashed',
        message: 'fake ended with exit code 3.',
        cause: 'secret of one',
      })

    // Nor those of a session that is over.
    await using next = rig({ turns: [[{ stderr: 'secret of one' }], [{ exit: 3 }]] })
    const first = await next.open()
    await turn(first)
    const second = await next.open()
    await first.close()
    await turn(second)
    expect(await errorOf(turn(second))).toMatchObject({ message: 'fake ended with exit code 3.' })
  })

  test('are over when their agent closes its output, and it is ended', async () => {
    await using agent = rig({ after: { 'session/new': [{ mute: true }] }, late: true })
    const session = await agent.open()
    await waitUntil(() => agent.pids().every((pid) => !isAlive(pid)))
    expect(session.alive).toBe(false)
  })

  test('are closed with the agent where it has a way', async () => {
    await using agent = rig({
      initialize: { agentCapabilities: { sessionCapabilities: { close: {} } } },
      answers: { 'session/close': {} },
    })
    const session = await agent.open()
    await session.close()
    await session.close()
    expect(agent.sent('session/close')).toEqual([{ sessionId: session.id }])
    expect(session.alive).toBe(false)
  })

  test('leave no process behind when the driver is closed', async () => {
    const agent = rig({ stubborn: true, turns: [[{ say: 'on it' }, { hang: true }]] }, {}, { termMs: 50 })
    const session = await agent.open()
    const events = session.prompt({ parts: [] }, never)
    await events.next()
    const [pid] = agent.pids()
    expect(isAlive(pid ?? 0)).toBe(true)
    await agent[Symbol.asyncDispose]()
    expect(isAlive(pid ?? 0)).toBe(false)
    expect(await errorOf(Array.fromAsync(events))).toMatchObject({
      message: 'fake was ended before it answered.',
    })
    expect(await errorOf(agent.open())).toMatchObject({ code: 'shutting_down' })
  })

  test('end their process when none of them is left for a while', async () => {
    await using agent = rig({}, {}, { idleMs: 20 })
    const session = await agent.open()
    await session.close()
    await waitUntil(() => agent.pids().every((pid) => !isAlive(pid)))
  })
})

describe('a cancelled turn', () => {
  const start = async (events: AsyncGenerator<TurnEvent, void>) => {
    for await (const event of { [Symbol.asyncIterator]: () => ({ next: () => events.next() }) })
      if (event.type === 'text') return
  }

  test('interrupts the agent, which stays usable', async () => {
    await using agent = rig({
      turns: [
        [{ say: 'on it' }, { cancelled: true }, { say: 'late' }, { answer: { stopReason: 'cancelled' } }],
        [{ say: 'next' }],
      ],
    })
    const session = await agent.open()
    const abort = new AbortController()
    const events = session.prompt({ parts: [] }, abort.signal)
    await start(events)
    abort.abort()
    expect(await errorOf(events.next())).toMatchObject({ code: 'cancelled' })
    expect(agent.sent('session/cancel')).toEqual([{ sessionId: session.id }])
    expect(textOf(await turn(session))).toBe('next')
  })

  test('ends an agent that does not listen', async () => {
    await using agent = rig(
      { stubborn: true, turns: [[{ say: 'on it' }, { hang: true }]] },
      {},
      { interruptMs: 50, termMs: 50 },
    )
    const session = await agent.open()
    const events = session.prompt({ parts: [] }, never)
    await start(events)
    await events.return()
    expect(session.alive).toBe(false)
    expect(agent.pids().map(isAlive)).toEqual([false])
    expect((await agent.open()).alive).toBe(true)
  })

  test('does not take the turns of others along', async () => {
    await using agent = rig(
      { turns: [[{ say: 'on it' }, { hang: true }]] },
      {},
      { interruptMs: 50, termMs: 50 },
    )
    const [deaf, other] = [await agent.open(), await agent.open()]
    const [pid = 0] = agent.pids()
    const events = deaf.prompt({ parts: [] }, never)
    await start(events)
    const others = other.prompt({ parts: [] }, never)
    await start(others)
    await events.return()
    expect([deaf.alive, isAlive(pid)]).toEqual([false, true])
    const fresh = await agent.open()
    expect(agent.pids()).toHaveLength(2)
    await others.return()
    await waitUntil(() => !isAlive(pid))
    expect(fresh.alive).toBe(true)
  })
})

describe('opening a session', () => {
  test('gives up an agent that never begins to speak, and leaves nothing of it', async () => {
    await using agent = rig({ initialize: 'silent' }, {}, { handshakeMs: 300 })
    expect(await errorOf(agent.open())).toMatchObject({ code: 'agent_protocol' })
    expect(agent.pids().map(isAlive)).toEqual([false])
  })

  test('names a program that is not there', async () => {
    const { createAcpDriver } = await import('../../../src/agents/acp/driver.ts')
    const driver = createAcpDriver({
      name: 'gone',
      driver: 'acp',
      command: ['no-such-agent'],
      env: {},
      models: [],
      extraFlags: [],
      installHint: 'Get it.',
    })
    expect(await driver.probe()).toEqual({ available: false, ready: false, reason: 'Get it.', models: [] })
    const options = {
      workdir: '/',
      approvalMode: 'default',
      sandboxMode: 'default',
      ephemeral: false,
    } as const
    expect(await errorOf(driver.open(options, never))).toMatchObject({ code: 'backend_not_installed' })
    await driver.close()
  })

  test('says how to log in where nobody is', async () => {
    await using agent = rig(
      { answers: { 'session/new': { error: { code: -32000, message: 'Authentication required' } } } },
      { loginHint: 'Run fake login.' },
    )
    expect(await errorOf(agent.open())).toMatchObject({
      code: 'not_logged_in',
      message: 'fake: Authentication required. Run fake login.',
    })
  })

  test('goes on behind an abort without leaving a session', async () => {
    const reached = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    await using agent = rig(
      {
        initialize: { agentCapabilities: { loadSession: true, sessionCapabilities: { close: {} } } },
        answers: { 'session/load': {}, 'session/close': {} },
      },
      {
        beforeReopen() {
          reached.resolve()
          return gate.promise
        },
      },
    )
    const options = {
      workdir: agent.workdir,
      approvalMode: 'default',
      sandboxMode: 'default',
      ephemeral: false,
      resume: 's9',
    } as const
    const abort = new AbortController()
    const opening = agent.driver.open(options, abort.signal)
    await reached.promise
    abort.abort()
    expect(await errorOf(opening)).toMatchObject({ code: 'cancelled' })
    gate.resolve()
    await waitUntil(() => agent.sent('session/close').length === 1)
  })

  test('chooses the model in the way the agent has', async () => {
    const models = { currentModelId: 'a', availableModels: [{ modelId: 'a' }, { modelId: 'b' }] }
    const configOptions = [
      { id: 'm', category: 'model', currentValue: 'a', options: [{ group: 'g', options: [{ value: 'b' }] }] },
    ]
    await using older = rig({ answers: { 'session/new': { models }, 'session/set_model': {} } })
    const session = await older.open({ model: 'b' })
    expect(older.sent('session/set_model')).toEqual([{ sessionId: session.id, modelId: 'b' }])
    expect((await turn(session))[0]).toMatchObject({ type: 'init', model: 'b' })
    expect((await older.driver.probe()).models).toEqual(['a', 'b'])

    await using newer = rig({
      answers: { 'session/new': { configOptions }, 'session/set_config_option': {} },
    })
    await newer.open({ model: 'a' })
    const chosen = await newer.open({ model: 'b' })
    expect(newer.sent('session/set_config_option')).toEqual([
      { sessionId: chosen.id, configId: 'm', value: 'b' },
    ])
    expect((await newer.driver.probe()).models).toEqual(['b'])
  })

  test('waits for the one before where the agent cannot open several at once', async () => {
    const models = { currentModelId: 'a', availableModels: [{ modelId: 'b' }] }
    const scenario = { answers: { 'session/new': { models }, 'session/set_model': {} } }
    const requests = async (agent: Rig) => {
      await Promise.all([1, 2].map(() => agent.open({ model: 'b' })))
      return agent.records().flatMap(({ method }) => (method?.startsWith('session/') ? method : []))
    }
    await using patient = rig(scenario, { opensOneByOne: true })
    await using hasty = rig(scenario)
    const [open, choose] = ['session/new', 'session/set_model']
    expect(await requests(patient)).toEqual([open, choose, open, choose])
    expect(await requests(hasty)).toEqual([open, open, choose, choose])
  })

  test('refuses a model that the agent does not know, or cannot be told', async () => {
    const models = { currentModelId: 'a', availableModels: [] }
    const refusal = { error: { code: -32602, message: 'Invalid params: model not found: zz' } }
    await using picky = rig({ answers: { 'session/new': { models }, 'session/set_model': refusal } })
    expect(await errorOf(picky.open({ model: 'zz' }))).toMatchObject({ code: 'model_not_found' })
    await using deaf = rig({})
    expect(await errorOf(deaf.open({ model: 'zz' }))).toMatchObject({ code: 'unsupported_option' })
  })

  test('opens an earlier session again, without its history in the next answer', async () => {
    await using agent = rig({
      initialize: { agentCapabilities: { loadSession: true } },
      answers: { 'session/load': {} },
      after: { 'session/load': [{ say: 'old' }, { say: 'older' }] },
      late: true,
      turns: [[{ say: 'new' }]],
    })
    const session = await agent.open({ resume: 'earlier', systemPrompt: 'was told then' })
    expect(session.id).toBe('earlier')
    expect(agent.sent('session/load')).toEqual([{ sessionId: 'earlier', cwd: agent.workdir, mcpServers: [] }])
    expect(textOf(await turn(session, 'hi'))).toBe('new')
    expect(agent.sent('session/prompt').at(-1)?.['prompt']).toEqual([{ type: 'text', text: 'hi' }])
  })

  test('prefers to open it without a replay, and names one that is unknown', async () => {
    const capabilities = { loadSession: true, sessionCapabilities: { resume: {} } }
    await using agent = rig({
      initialize: { agentCapabilities: capabilities },
      answers: {
        'session/resume': { error: { code: -32603, message: 'Internal error', data: { details: 'Who?' } } },
      },
    })
    expect(await errorOf(agent.open({ resume: 'x' }))).toMatchObject({
      code: 'session_not_found',
      message: 'fake: session x cannot be opened: Who?',
    })
    await using forgetful = rig({})
    expect(await errorOf(forgetful.open({ resume: 'x' }))).toMatchObject({ code: 'unsupported_option' })
  })

  test('has no session where the mode that holds its limits cannot be set', async () => {
    await using agent = rig({}, { startup: () => ({ args: [], env: {}, mode: 'locked' }) })
    expect(await errorOf(agent.open())).toMatchObject({ code: 'agent_failed' })
    expect(agent.sent('session/set_mode')).toHaveLength(1)
  })
})

describe('what an agent is told', () => {
  test('has the system prompt in front of the first prompt of a session only', async () => {
    await using agent = rig({})
    const session = await agent.open({ systemPrompt: 'Be brief.' })
    await turn(session, '/first')
    await turn(session, 'second')
    expect(agent.sent('session/prompt').map(({ prompt }) => prompt)).toEqual([
      [
        {
          type: 'text',
          text: expect.stringMatching(/^<(system_instructions-\w{24})>\nBe brief\.\n<\/\1>\n\n$/),
        },
        { type: 'text', text: '/first' },
      ],
      [{ type: 'text', text: 'second' }],
    ])
  })

  test('has earlier messages in front of the first prompt only, between delimiters that nobody knows', async () => {
    await using agent = rig({})
    const history = [{ role: 'user', parts: [{ type: 'text', text: 'earlier' }] }] as const
    const [one, two] = [await agent.open({ history }), await agent.open({ history })]
    await turn(one, 'now')
    await turn(one, 'then')
    await turn(two, 'now')
    const prompts = agent
      .sent('session/prompt')
      .map(({ prompt }) => (prompt as { text: string }[]).map(({ text }) => text))
    expect(prompts.map((texts) => texts.at(-1))).toEqual(['now', 'then', 'now'])
    expect(prompts.map((texts) => texts.length)).toEqual([2, 1, 2])
    const boundaries = [prompts[0], prompts[2]].map(
      (texts) => /^<conversation-(\w{24})>/.exec(texts?.[0] ?? '')?.[1],
    )
    expect(boundaries).not.toContain(undefined)
    expect(boundaries[0]).not.toBe(boundaries[1])
  })

  test('has nothing in front of the first prompt of a session that is opened again', async () => {
    await using agent = rig({
      initialize: { agentCapabilities: { loadSession: true } },
      answers: { 'session/load': {} },
    })
    await turn(await agent.open({ resume: 'x', systemPrompt: 'Be brief.' }), 'on')
    expect(agent.sent('session/prompt')[0]?.['prompt']).toEqual([{ type: 'text', text: 'on' }])
  })

  test('has images only where the agent takes them', async () => {
    const image = { type: 'image', mediaType: 'image/png', data: 'AA==' } as const
    await using blind = rig({})
    const session = await blind.open()
    expect(await errorOf(Array.fromAsync(session.prompt({ parts: [image] }, never)))).toMatchObject({
      code: 'unsupported_option',
    })
    expect(textOf(await turn(session))).toBe('')
    await using seeing = rig({ initialize: { agentCapabilities: { promptCapabilities: { image: true } } } })
    await Array.fromAsync((await seeing.open()).prompt({ parts: [image] }, never))
    expect(seeing.sent('session/prompt')[0]?.['prompt']).toEqual([
      { type: 'image', mimeType: 'image/png', data: 'AA==' },
    ])
  })
})

describe('how hard to think', () => {
  const level = (...values: string[]) => ({
    id: 'e',
    category: 'thought_level',
    currentValue: values[0],
    options: values.map((value) => ({ value })),
  })
  const model = { id: 'm', category: 'model', currentValue: 'a', options: [{ value: 'a' }, { value: 'b' }] }

  test('is the nearest level of the chosen model', async () => {
    await using agent = rig(
      {
        answers: {
          'session/new': { configOptions: [model, level('low', 'high')] },
          'session/set_config_option': { configOptions: [model, level('default', 'medium', 'max')] },
        },
      },
      { effortLevels: true },
    )
    await agent.open({ effort: 'high' })
    await agent.open({ effort: 'low' })
    await agent.open({ effort: 'high', model: 'b' })
    expect(agent.sent('session/set_config_option').map(({ configId, value }) => [configId, value])).toEqual([
      ['e', 'high'],
      ['m', 'b'],
      ['e', 'medium'],
    ])
  })

  test('is told to be without effect where the model has no levels, in every turn', async () => {
    await using agent = rig(
      { answers: { 'session/new': { configOptions: [model] } } },
      { effortLevels: true },
    )
    const told = async (options: Partial<SessionOptions>) => {
      const session = await agent.open(options)
      return [...(await turn(session)), ...(await turn(session))].flatMap((event) =>
        event.type === 'init' ? [event.withoutEffect] : [],
      )
    }
    expect(await told({ effort: 'high' })).toEqual([['effort'], ['effort']])
    // None is what such a model has.
    expect(await told({ effort: 'none' })).toEqual([undefined, undefined])
    expect(await told({})).toEqual([undefined, undefined])
  })
})

describe('the set-up of a process', () => {
  const startup = () => ({
    args: ['--rules', `${PLACE}/a/rules`],
    env: { PLACE_OF_IT: `${PLACE}` },
    files: { 'a/rules': 'none' },
    links: { 'a/login': '/etc/hostname' },
    away: true,
  })

  test('is in private files, the same ones for its successor, and gone with the driver', async () => {
    const agent = rig({}, { startup, sessionsPerProcess: 1 })
    await agent.open()
    await agent.open()
    const [first, second] = agent.records().flatMap(({ argv }) => (argv ? [argv as string[]] : []))
    const rules = first?.[1] ?? ''
    expect(second).toEqual(['--rules', rules])
    expect(readFileSync(rules, 'utf8')).toBe('none')
    expect(statSync(rules).mode & 0o077).toBe(0)
    expect(statSync(join(rules, '../..')).mode & 0o077).toBe(0)
    expect(readlinkSync(join(rules, '../login'))).toBe('/etc/hostname')
    await agent[Symbol.asyncDispose]()
    expect(existsSync(join(rules, '../..'))).toBe(false)
  })

  test('may keep a session out of its working directory, in a folder that ends every look upwards', async () => {
    await using agent = rig({}, { startup })
    await agent.open()
    const { cwd } = agent.sent('session/new')[0] as { cwd: string }
    expect(cwd).not.toBe(agent.workdir)
    expect(existsSync(join(cwd, '.git/HEAD'))).toBe(true)
  })
})

test('what an agent keeps of a session is removed when that was ephemeral', async () => {
  const forgotten: string[] = []
  await using agent = rig({}, { forget: async (id) => void forgotten.push(id) })
  const [kept, ephemeral] = [await agent.open(), await agent.open({ ephemeral: true })]
  await kept.close()
  await ephemeral.close()
  expect(forgotten).toEqual([ephemeral.id ?? ''])
})

describe('a request for permission', () => {
  const options = [
    { optionId: 'yes', kind: 'allow_once' },
    { optionId: 'no', kind: 'reject_once' },
  ]
  const ask = (workdir: string) => ({
    turns: [
      [
        {
          ask: {
            options,
            toolCall: {
              toolCallId: 't1',
              title: 'Edit a',
              kind: 'edit',
              locations: [{ path: `${workdir}/a` }],
            },
          },
        },
      ],
    ],
  })

  test('is denied and shown where nobody can be asked, and the call has a result', async () => {
    await using agent = rig(ask('.'))
    const events = await turn(await agent.open())
    expect(events.slice(1, -1)).toEqual([
      { type: 'tool_use', id: 't1', name: 'Edit a', input: { title: 'Edit a', paths: ['./a'] } },
      {
        type: 'approval',
        toolId: 't1',
        tool: 'Edit a',
        decision: 'denied',
        reason: 'Nobody can be asked here. approval_mode "auto" or "none" would allow it.',
      },
      {
        type: 'tool_result',
        id: 't1',
        output: 'Denied: Nobody can be asked here. approval_mode "auto" or "none" would allow it.',
        isError: true,
      },
      { type: 'text', text: 'no', part: 'message-1' },
    ])
  })

  test('is allowed for an edit in the working directory under auto, and for everything under none', async () => {
    await using inside = rig(ask('.'))
    expect(textOf(await turn(await inside.open({ approvalMode: 'auto' })))).toBe('yes')
    await using outside = rig(ask('/etc'))
    expect(textOf(await turn(await outside.open({ approvalMode: 'auto' })))).toBe('no')
    expect(textOf(await turn(await outside.open({ approvalMode: 'none' })))).toBe('yes')
  })

  test('is answered as cancelled outside a turn', async () => {
    await using agent = rig({
      after: { 'session/new': [{ ask: { options, toolCall: { toolCallId: 't1' } } }] },
    })
    await agent.open({ approvalMode: 'none' })
    await waitUntil(() => agent.records().some(({ result }) => result !== undefined))
    expect(agent.records().at(-1)).toMatchObject({ result: { outcome: { outcome: 'cancelled' } } })
  })
})

describe('a failed prompt', () => {
  test('has the code of what the provider told, and the conversation goes on', async () => {
    const errors = [
      { code: 401, message: '{"error":{"code":401,"message":"Bad key","status":"UNAUTHENTICATED"}}' },
      { code: 429, message: 'Slow down. Please retry in 7.5s' },
      { code: 400, message: 'Bad request.' },
      { code: 529, message: 'Overloaded.' },
      { code: -32000, message: 'Authentication required' },
      { code: -32603, message: 'Internal error' },
    ]
    await using agent = rig({ turns: [...errors.map((fail) => [{ fail }]), [{ say: 'still here' }]] })
    const session = await agent.open()
    const seen: unknown[] = []
    for (const _ of errors) seen.push(await errorOf(turn(session)))
    expect(seen).toMatchObject([
      { code: 'upstream_auth', status: 401 },
      { code: 'upstream_rate_limited', status: 429, retryAfterMs: 7500 },
      { code: 'upstream_invalid_request', status: 400 },
      { code: 'upstream_overloaded', status: 529 },
      { code: 'not_logged_in', status: 401 },
      { code: 'agent_failed', status: 502 },
    ])
    expect(textOf(await turn(session))).toBe('still here')
  })

  test('is looked into where the agent keeps the status to itself', async () => {
    const inquest = {
      args: (sessionId: string) => ['-e', `console.log("{}", ${JSON.stringify(sessionId)}.length > 0)`],
      read: (output: string) => ({ status: output.trim() === '{} true' ? 429 : 500, retryAfterMs: 2000 }),
    }
    const fail = { code: -32603, message: 'Internal error: Slow down', data: { errorName: 'APIError' } }
    await using agent = rig({ turns: [[{ fail }]] }, { inquest })
    expect(await errorOf(turn(await agent.open()))).toMatchObject({
      code: 'upstream_rate_limited',
      message: 'fake: Slow down.',
      retryAfterMs: 2000,
    })
  })
})

describe('what a model cannot read', () => {
  const image = { type: 'image', mediaType: 'image/png', data: 'aa' } as const
  const pdf = { type: 'document', mediaType: 'application/pdf', data: 'aa' } as const
  const scenario: AcpScenario = {
    initialize: { agentCapabilities: { promptCapabilities: { image: true } } },
    answers: { 'session/new': { models: { currentModelId: 'm', availableModels: [] } } },
  }
  const takenTypes = (command: string) => ({
    documents: 'resource' as const,
    takenTypes: {
      args: (model: string) => ['-e', `${command}; console.log("only", ${JSON.stringify(model)})`],
      read: (output: string, model: string) => (type: string) =>
        output.trim() === `only ${model}` && type === 'image/png',
    },
  })

  test('is refused before the agent is asked, and the session goes on', async () => {
    await using agent = rig(scenario, takenTypes('0'))
    const session = await agent.open()
    const ask = (...parts: InputPart[]) => Array.fromAsync(session.prompt({ parts }, never))
    expect(await errorOf(ask(pdf, image))).toMatchObject({
      code: 'unsupported_option',
      message: 'documents: the model m takes no application/pdf.',
      details: { option: 'documents' },
    })
    expect(agent.sent('session/prompt')).toEqual([])
    expect((await ask(image)).at(-1)).toMatchObject({ type: 'done' })
    const history = [{ role: 'user', parts: [pdf] }] as const
    expect(await errorOf(turn(await agent.open({ history })))).toMatchObject({ code: 'unsupported_option' })
  })

  test("is the provider's to refuse where the agent does not tell", async () => {
    const profile = takenTypes('0')
    const broken = {
      ...profile.takenTypes,
      args: () => ['-e', 'process.exit(1)'],
      read: () => JSON.parse(''),
    }
    await using agent = rig(scenario, { ...profile, takenTypes: broken })
    const session = await agent.open()
    const events = await Array.fromAsync(session.prompt({ parts: [pdf] }, never))
    expect(events.at(-1)).toMatchObject({ type: 'done' })
  })

  test('is not asked for where there is nothing but text, and once for a model', async () => {
    await using agent = rig(
      scenario,
      takenTypes('require("node:fs").appendFileSync(process.env.RECORD, "{}\\n")'),
    )
    const asked = () => agent.records().filter((record) => Object.keys(record).length === 0).length
    const session = await agent.open()
    await turn(session)
    expect(asked()).toBe(0)
    const ask = () => Array.fromAsync(session.prompt({ parts: [image] }, never))
    await ask()
    await ask()
    expect(asked()).toBe(1)
  })
})

test('the cost of a turn is what the session has cost since the last one', async () => {
  const update = (amount: number) => ({
    update: { sessionUpdate: 'usage_update', used: 1, size: 2, cost: { amount, currency: 'USD' } },
  })
  await using agent = rig({ turns: [[update(0.1)], [update(0.3)], []] })
  const session = await agent.open()
  const costs = []
  for (let count = 0; count < 3; count += 1) costs.push((await turn(session)).at(-1))
  expect(costs).toEqual([
    { type: 'done', stopReason: 'end_turn', costUsd: 0.1 },
    { type: 'done', stopReason: 'end_turn', costUsd: 0.2 },
    { type: 'done', stopReason: 'end_turn' },
  ])
})
