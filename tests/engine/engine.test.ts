import { afterEach, describe, expect, test } from 'bun:test'
import { tmpdir } from 'node:os'
import { createEngine } from '../../src/engine/engine.ts'
import type { Engine, TurnRequest } from '../../src/engine/types.ts'
import { ClinvkError } from '../../src/errors.ts'
import { createFakeDriver, type FakeDriver } from '../support/fake-driver.ts'

const engines: Engine[] = []
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
})

function engineOf(drivers: FakeDriver[], { keepAliveMs = 60_000, maxIdle = 4 } = {}): Engine {
  const engine = createEngine({
    backends: drivers.map((driver) => ({
      driver,
      defaults: { modelAliases: {}, approvalMode: 'default', sandboxMode: 'default', allowedExtraFlags: [] },
      command: [driver.name],
      configured: false,
      enabled: true,
      demo: driver.name === 'demo',
    })),
    workdirs: { defaultFolder: tmpdir(), allowed: [], blocked: [] },
    limits: {},
    conversations: { keepAliveMs, maxIdle },
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
    const leaving = new AbortController()
    const waiting = codeOf(engine.start(ask('three', { sessionId: turn.sessionId }), leaving.signal))
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
