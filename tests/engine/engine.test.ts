import { afterEach, describe, expect, test } from 'bun:test'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine } from '../../src/engine/engine.ts'
import type { Engine, TurnRequest } from '../../src/engine/types.ts'
import { ClinvkError } from '../../src/errors.ts'
import { createFolders } from '../../src/process/folders.ts'
import { IN_MEMORY } from '../../src/sessions/database.ts'
import { openRunStore } from '../../src/sessions/run-store.ts'
import { openSessionStore } from '../../src/sessions/store.ts'
import { ALL_CAPABILITIES, createFakeDriver, type FakeDriver } from '../support/fake-driver.ts'
import { createTestEngine } from '../support/test-engine.ts'

const engines: Engine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
})

function engineOf(
  drivers: FakeDriver[],
  { keepAliveMs = 60_000, maxIdle = 4, silenceMs = 0, waitMs = 60_000, most = 4 } = {},
): Engine {
  const engine = createEngine({
    backends: drivers.map((driver) => ({
      driver,
      defaults: { modelAliases: {}, approvalMode: 'default', sandboxMode: 'default', allowedExtraFlags: [] },
      command: [driver.name],
      configured: false,
      enabled: true,
      demo: driver.name === 'demo',
    })),
    folders: createFolders(
      { defaultFolder: tmpdir(), allowed: [], blocked: [] },
      join(tmpdir(), 'clinvk-test-scratch'),
    ),
    limits: { silenceMs },
    conversations: { keepAliveMs, maxIdle, maxShared: maxIdle },
    waiting: { waitMs, most },
    store: openSessionStore(IN_MEMORY),
    runStore: openRunStore(IN_MEMORY),
    holder: 'test',
  })
  engines.push(engine)
  return engine
}

const never = new AbortController().signal
const ask = (text: string, more: Partial<TurnRequest> = {}): TurnRequest => ({
  parts: [{ type: 'text', text }],
  ...more,
})
async function run(engine: Engine, request: TurnRequest, signal: AbortSignal = never) {
  const turn = await engine.start(request, signal)
  const events = await Array.fromAsync(turn.events)
  return { turn, events }
}
const codeOf = async (promise: Promise<unknown>) =>
  await promise.then(
    () => 'ok',
    (error: unknown) => (error instanceof ClinvkError ? error.code : String(error)),
  )

describe('an engine', () => {
  test('keeps the agent of a conversation for its next turn', async () => {
    const fake = createFakeDriver()
    const engine = engineOf([fake])
    const { turn } = await run(engine, ask('one'))
    const again = await run(engine, ask('two', { sessionId: turn.sessionId }))
    expect(again.turn.sessionId).toBe(turn.sessionId)
    expect(again.turn.id).not.toBe(turn.id)
    expect(fake.opened).toHaveLength(1)
    expect(fake.prompts.map(({ parts }) => parts)).toEqual([
      [{ type: 'text', text: 'one' }],
      [{ type: 'text', text: 'two' }],
    ])
  })

  test('counts the tokens of a prompt in a folder of its own, where the agent can', async () => {
    const asked: unknown[] = []
    const counting: FakeDriver = {
      ...createFakeDriver(),
      capabilities: { ...ALL_CAPABILITIES, history: 'native' },
      async countTokens(options, input) {
        asked.push(options, input, existsSync(options.workdir))
        return 42
      },
    }
    const history = [{ role: 'assistant' as const, text: 'a', toolCalls: [] }]
    const request = ask('one', { scratch: true, ephemeral: true, systemPrompt: 's', history })
    expect(await engineOf([counting]).countTokens(request, never)).toBe(42)
    const [opened, input, wasThere] = asked as [{ workdir: string }, unknown, boolean]
    expect(opened).toMatchObject({ systemPrompt: 's', history })
    expect(input).toEqual({ parts: [{ type: 'text', text: 'one' }] })
    expect([wasThere, existsSync(opened.workdir)]).toEqual([true, false])
    expect(await engineOf([createFakeDriver()]).countTokens(ask('one'), never)).toBeUndefined()
  })

  test('gives the place of a count back, where there is no folder for it as well', async () => {
    const counting: FakeDriver = { ...createFakeDriver('fake', {}, 1), countTokens: async () => 42 }
    const none = new ClinvkError('backend_not_ready', 'no room')
    let full = true
    const scratch = async () => {
      if (full) throw none
      return { workdir: tmpdir(), scratch: true, cleanUp: async () => {} }
    }
    const engine = createTestEngine([counting], { folders: { resolve: async () => tmpdir(), scratch } })
    engines.push(engine)
    const request = ask('one', { scratch: true, ephemeral: true })
    expect(await codeOf(engine.countTokens(request, never))).toBe('backend_not_ready')
    full = false
    expect(await engine.countTokens(request, never)).toBe(42)
    expect(engine.pool().queue).toMatchObject({ running: { fake: 0 }, waiting: { fake: 0 } })
    // Nothing is under way any more.
    await engine.drain(60_000)
  })

  test('ends a count that runs when it closes', async () => {
    const begun = Promise.withResolvers<void>()
    const counting: FakeDriver = {
      ...createFakeDriver(),
      countTokens: (_options, _input, signal) => {
        begun.resolve()
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    }
    const engine = engineOf([counting])
    const counted = codeOf(engine.countTokens(ask('one'), never))
    await begun.promise
    await engine.close()
    expect(await counted).toBe('shutting_down')
  })

  test('counts the rounds of an agent that cannot, and leaves them to one that can', async () => {
    for (const [maxTurns, end] of [
      ['emulated', { type: 'done', stopReason: 'max_turns' }],
      ['native', { type: 'done', stopReason: 'end_turn' }],
    ] as const) {
      const fake = createFakeDriver('fake', { maxTurns })
      fake.steps = () => [
        { type: 'init' },
        { type: 'tool_use', id: 't', name: 'Read', input: {} },
        { type: 'tool_result', id: 't', output: '', isError: false },
        { type: 'text', text: 'more' },
        { type: 'done', stopReason: 'end_turn' },
      ]
      const { events } = await run(engineOf([fake]), ask('one', { maxTurns: 1 }))
      expect(events.at(-1)).toEqual(end)
    }
  })

  test('opens an agent anew, with its own session, where it died between two turns', async () => {
    const fake = createFakeDriver()
    const engine = engineOf([fake])
    const { turn } = await run(engine, ask('one'))
    fake.kill()
    await run(engine, ask('two', { sessionId: turn.sessionId }))
    expect(fake.opened.map(({ resume }) => resume)).toEqual([undefined, 'agent-1'])
  })

  test('never goes on with an agent that has forgotten the conversation', async () => {
    const fake = createFakeDriver('fake', { resume: false })
    const engine = engineOf([fake])
    const { turn } = await run(engine, ask('one'))
    fake.kill()
    expect(await codeOf(run(engine, ask('two', { sessionId: turn.sessionId })))).toBe('session_not_found')
    expect(fake.prompts).toHaveLength(1)
  })

  test('takes turns of one conversation in order, those of others at once', async () => {
    const fake = createFakeDriver()
    const engine = engineOf([fake])
    const { turn } = await run(engine, ask('one'))
    const order: string[] = []
    const busy = await engine.start(ask('two', { sessionId: turn.sessionId }), never)
    await busy.events.next()
    const waiting = run(engine, ask('three', { sessionId: turn.sessionId })).then(() => order.push('three'))
    await run(engine, ask('other')).then(() => order.push('other'))
    await Array.fromAsync(busy.events).then(() => order.push('two'))
    await waiting
    expect(order).toEqual(['other', 'two', 'three'])
  })

  test('lets go of a conversation whose waiting request has left', async () => {
    const fake = createFakeDriver()
    const engine = engineOf([fake])
    const { turn } = await run(engine, ask('one'))
    const busy = await engine.start(ask('two', { sessionId: turn.sessionId }), never)
    await busy.events.next()
    const leaving = new AbortController()
    const waiting = codeOf(run(engine, ask('three', { sessionId: turn.sessionId }), leaving.signal))
    await Bun.sleep(5)
    leaving.abort()
    expect(await waiting).toBe('cancelled')
    await Array.fromAsync(busy.events)
    expect(await codeOf(run(engine, ask('four', { sessionId: turn.sessionId })))).toBe('ok')
  })

  test('lets go of a turn whose reader leaves before it has read anything', async () => {
    const fake = createFakeDriver()
    const engine = engineOf([fake])
    const first = await run(engine, ask('one'))
    const leaving = new AbortController()
    await engine.start(ask('two', { sessionId: first.turn.sessionId }), leaving.signal)
    leaving.abort()
    expect(await codeOf(run(engine, ask('three', { sessionId: first.turn.sessionId })))).toBe('ok')
  })

  test('ends the agent of an ephemeral turn and forgets the session', async () => {
    const fake = createFakeDriver()
    const engine = engineOf([fake])
    const { turn } = await run(engine, ask('one', { ephemeral: true }))
    expect(fake.log).toEqual(['close agent-1'])
    expect(await codeOf(run(engine, ask('two', { sessionId: turn.sessionId })))).toBe('session_not_found')
  })

  test('ends the agent that was idle for longest when too many are', async () => {
    const fake = createFakeDriver()
    const engine = engineOf([fake], { maxIdle: 2 })
    for (const text of ['one', 'two', 'three']) await run(engine, ask(text))
    expect(fake.log).toEqual(['close agent-1'])
  })

  test('interrupts the agent when the signal aborts, and says cancelled', async () => {
    const fake = createFakeDriver()
    fake.steps = () => [{ type: 'init' }, 'hang']
    const engine = engineOf([fake])
    const leaving = new AbortController()
    const turn = await engine.start(ask('one'), leaving.signal)
    await turn.events.next()
    const next = codeOf(turn.events.next())
    leaving.abort()
    expect(await next).toBe('cancelled')
    expect(fake.log).toContain('interrupt agent-1')
  })

  test('passes the error of a turn on, and an unknown one as internal without its words', async () => {
    const fake = createFakeDriver()
    const engine = engineOf([fake])
    fake.steps = () => [{ type: 'init' }, new ClinvkError('upstream_rate_limited', 'slow down')]
    expect(await codeOf(run(engine, ask('one')))).toBe('upstream_rate_limited')
    fake.steps = () => [new TypeError('x is undefined')]
    const failure = run(engine, ask('two'))
    await expect(failure).rejects.toMatchObject({ code: 'internal', status: 500 })
    await expect(failure).rejects.not.toThrow('x is undefined')
  })

  test('gives up on an agent that never opens, and closes it when it does after all', async () => {
    const fake = createFakeDriver()
    const opening = Promise.withResolvers<void>()
    const open = fake.open
    fake.open = async (options, signal) => {
      await opening.promise
      return await open(options, signal)
    }
    const engine = engineOf([fake], { silenceMs: 20 })
    expect(await codeOf(run(engine, ask('one')))).toBe('timeout')
    opening.resolve()
    await Bun.sleep(5)
    expect(fake.log).toEqual(['close agent-1'])
  })

  test('takes the options that the turn before has left, not those it was asked under', async () => {
    const fake = createFakeDriver()
    const engine = engineOf([fake])
    const { turn } = await run(engine, ask('one', { model: 'a' }))
    const { sessionId } = turn
    const busy = await engine.start(ask('two', { sessionId }), never)
    await busy.events.next()
    const changing = await engine.start(ask('three', { sessionId, model: 'b' }), never)
    const following = await engine.start(ask('four', { sessionId }), never)
    const turns = [changing, following].map(({ events }) => Array.fromAsync(events))
    await Array.fromAsync(busy.events)
    await Promise.all(turns)
    expect(fake.opened.map(({ model }) => model)).toEqual(['a', 'b'])
    expect(fake.log).toEqual(['close agent-1'])
  })

  test('does not go on with a session that an ephemeral turn has ended', async () => {
    const fake = createFakeDriver()
    const engine = engineOf([fake])
    const { turn } = await run(engine, ask('one'))
    const { sessionId } = turn
    const last = await engine.start(ask('two', { sessionId, ephemeral: true }), never)
    await last.events.next()
    const waiting = codeOf(run(engine, ask('three', { sessionId })))
    await Bun.sleep(5)
    await Array.fromAsync(last.events)
    expect(await waiting).toBe('session_not_found')
  })

  test('closes although a reader takes no events', async () => {
    const fake = createFakeDriver()
    const engine = engineOf([fake])
    const turn = await engine.start(ask('one'), never)
    await turn.events.next()
    await engine.close(20)
    expect(fake.log).toContain('close driver')
    // Else it is waited for once more, when the test is over.
    await turn.events.return()
  })

  test('ends what runs and takes nothing more when it closes', async () => {
    const fake = createFakeDriver()
    fake.steps = () => [{ type: 'init' }, 'hang']
    const engine = engineOf([fake])
    const turn = await engine.start(ask('one'), never)
    await turn.events.next()
    const next = codeOf(turn.events.next())
    await engine.close()
    expect(await next).toBe('shutting_down')
    expect(await codeOf(engine.start(ask('two'), never))).toBe('shutting_down')
    expect(fake.log).toEqual(['interrupt agent-1', 'close agent-1', 'close driver'])
  })

  test('makes a scratch folder for a conversation, and removes it with the conversation', async () => {
    const fake = createFakeDriver()
    const engine = engineOf([fake])
    await run(engine, ask('one', { scratch: true, ephemeral: true }))
    const once = fake.opened[0]?.workdir ?? ''
    expect(once).toContain('clinvk-test-scratch')
    expect(existsSync(once)).toBe(false)
    const { turn } = await run(engine, ask('two', { scratch: true }))
    const kept = fake.opened[1]?.workdir ?? ''
    expect(statSync(kept).mode & 0o077).toBe(0)
    fake.kill()
    await run(engine, ask('three', { sessionId: turn.sessionId }))
    expect(fake.opened[2]?.workdir).toBe(kept)
    await engine.close()
    expect(existsSync(kept)).toBe(false)
  })

  test('removes the scratch folder of a request that leaves while it is made', async () => {
    const root = mkdtempSync(join(tmpdir(), 'clinvk-scratch-'))
    const folders = createFolders({ defaultFolder: tmpdir(), allowed: [], blocked: [] }, root)
    const leaving = new AbortController()
    const engine = createTestEngine([createFakeDriver()], {
      folders: {
        ...folders,
        async scratch() {
          const place = await folders.scratch()
          leaving.abort()
          return place
        },
      },
    })
    engines.push(engine)
    expect(await codeOf(run(engine, ask('one', { scratch: true }), leaving.signal))).toBe('cancelled')
    expect(readdirSync(root)).toEqual([])
    rmSync(root, { recursive: true })
  })

  test('gives earlier messages to a new agent only, and where it can take them', async () => {
    const history = [{ role: 'user', parts: [{ type: 'text', text: 'before' }] }] as const
    const fake = createFakeDriver('able', { history: 'native' })
    const engine = engineOf([fake, createFakeDriver('unable')])
    const { turn } = await run(engine, ask('now', { history, backend: 'able' }))
    expect(fake.opened[0]?.history).toEqual(history)
    expect(await codeOf(run(engine, ask('x', { history, sessionId: turn.sessionId })))).toBe(
      'invalid_request',
    )
    expect(await codeOf(run(engine, ask('x', { history, backend: 'unable' })))).toBe('unsupported_option')
  })

  test('ends an answer at a stop sequence and interrupts the agent', async () => {
    const fake = createFakeDriver()
    fake.steps = () => [{ type: 'text', text: 'one END two' }, 'hang']
    const { events } = await run(engineOf([fake]), ask('hi', { stop: ['END'] }))
    expect(events).toEqual([
      { type: 'text', text: 'one ' },
      { type: 'done', stopReason: 'stop_sequence', stopSequence: 'END' },
    ])
    expect(fake.log).toContain('interrupt agent-1')
  })

  test('refuses to move a session to another backend or folder', async () => {
    const engine = engineOf([createFakeDriver('one'), createFakeDriver('two')])
    const { turn } = await run(engine, ask('hi', { backend: 'one' }))
    const { sessionId } = turn
    expect(await codeOf(engine.start(ask('hi', { sessionId, backend: 'two' }), never))).toBe(
      'invalid_request',
    )
    expect(await codeOf(engine.start(ask('hi', { sessionId, workdir: '/usr' }), never))).toBe(
      'invalid_request',
    )
    expect(await codeOf(engine.start(ask('hi', { sessionId: 'ses_none' }), never))).toBe('session_not_found')
  })

  test('goes by itself to a real agent, never to the demo agent', async () => {
    const demo = createFakeDriver('demo')
    expect(await codeOf(engineOf([demo]).start(ask('hi'), never))).toBe('backend_not_installed')
    const engine = engineOf([demo, createFakeDriver('real')])
    expect((await run(engine, ask('hi'))).turn.backend).toBe('real')
    expect((await run(engine, ask('hi', { backend: 'demo' }))).turn.backend).toBe('demo')
    expect((await engine.backends()).map(({ name, default: main }) => [name, main])).toEqual([
      ['demo', false],
      ['real', true],
    ])
  })

  test('names what exists where a backend is unknown', async () => {
    const engine = engineOf([createFakeDriver('claude'), createFakeDriver('codex')])
    await expect(engine.start(ask('hi', { backend: 'claud' }), never)).rejects.toThrow(
      'There is no backend "claud". Did you mean "claude"? There are: claude, codex.',
    )
  })
})
