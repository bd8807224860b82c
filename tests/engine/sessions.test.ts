import { afterEach, describe, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Capabilities, TurnEvent } from '../../src/agents/types.ts'
import type { Engine, TurnRequest } from '../../src/engine/types.ts'
import { ClinvkError } from '../../src/errors.ts'
import { openRunStore } from '../../src/sessions/run-store.ts'
import { openSessionStore } from '../../src/sessions/store.ts'
import type { SessionStore } from '../../src/sessions/types.ts'
import { settle } from '../agents/pool/support.ts'
import { createFakeDriver, type FakeDriver } from '../support/fake-driver.ts'
import { waitUntil } from '../support/processes.ts'
import { createTestEngine } from '../support/test-engine.ts'

const cleanUps: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** A folder with a store; engines over it are like processes that share it. */
function stage(capabilities: Partial<Capabilities> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'clinvk-sessions-'))
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }))
  let processes = 0
  const failures: string[] = []
  return {
    failures,
    start(change: (store: SessionStore) => SessionStore = (store) => store) {
      processes += 1
      const fake = createFakeDriver('fake', { history: 'native', ...capabilities })
      const engine = createTestEngine([fake], {
        store: change(openSessionStore(join(folder, 'clinvk.db'))),
        runStore: openRunStore(join(folder, 'clinvk.db')),
        holder: `process-${processes}`,
        onStoreFailure: ({ message }) => failures.push(message),
        defaultTags: ['always'],
      })
      cleanUps.push(() => engine.close())
      return { engine, fake }
    },
  }
}

const never = new AbortController().signal
const ask = (text: string, more: Partial<TurnRequest> = {}): TurnRequest => ({
  parts: [{ type: 'text', text }],
  ...more,
})
async function run(engine: Engine, request: TurnRequest, signal = never) {
  const turn = await engine.start(request, signal)
  return { id: turn.sessionId, events: await Array.fromAsync(turn.events) }
}
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: unknown) => (error instanceof ClinvkError ? error.code : String(error)),
  )
const saying = (fake: FakeDriver, text: string) => {
  fake.steps = (): TurnEvent[] => [
    { type: 'init', agentSessionId: 'agent-x', model: 'm', agentVersion: '1' },
    { type: 'tool_use', id: 't', name: 'Read', input: { path: 'x' } },
    { type: 'tool_result', id: 't', output: 'content', isError: false },
    { type: 'text', text },
    { type: 'done', stopReason: 'end_turn', usage: { inputTokens: 3, outputTokens: 1 }, costUsd: 0.5 },
  ]
}

describe('a session that is kept', () => {
  test('has its turns with what was said, done and spent', async () => {
    const { engine, fake } = stage().start()
    saying(fake, 'An answer.')
    const image = { type: 'image' as const, mediaType: 'image/png', data: 'SECRET' }
    const { id } = await run(engine, {
      ...ask('A question.', { title: 'T', tags: ['x'], metadata: { a: 1 } }),
      parts: [image, { type: 'text', text: 'A question.' }],
    })
    const { session, turns } = engine.sessions.find(id)
    expect(session).toMatchObject({
      backend: 'fake',
      agentSessionId: 'agent-x',
      agentVersion: '1',
      model: 'm',
      title: 'T',
      tags: ['always', 'x'],
      metadata: { a: 1 },
      status: 'completed',
      turnCount: 1,
      usage: { inputTokens: 3, outputTokens: 1 },
      costUsd: 0.5,
    })
    expect(turns).toMatchObject([
      {
        number: 1,
        prompt: '[image image/png]\n\nA question.',
        answer: 'An answer.',
        status: 'completed',
        tools: [{ name: 'Read', input: { path: 'x' }, output: 'content', isError: false }],
      },
    ])
    expect(JSON.stringify({ session, turns })).not.toContain('SECRET')
  })

  test('tells how a turn failed, was cancelled or left', async () => {
    const { engine, fake } = stage().start()
    fake.steps = () => [new ClinvkError('upstream_overloaded', 'Too much.')]
    const failed = await engine.start(ask('one'), never)
    await Array.fromAsync(failed.events).catch(() => {})
    fake.steps = () => [{ type: 'text', text: 'half' }, 'hang']
    const left = await engine.start(ask('two', { sessionId: failed.sessionId }), never)
    for await (const event of left.events) if (event.type === 'text') break
    const { session, turns } = engine.sessions.find(failed.sessionId)
    expect(session.status).toBe('cancelled')
    expect(turns).toMatchObject([
      { status: 'failed', error: { code: 'upstream_overloaded', message: 'Too much.' } },
      { status: 'cancelled', answer: 'half' },
    ])
  })

  test('is not kept where it is ephemeral', async () => {
    const { engine } = stage().start()
    await run(engine, ask('one', { ephemeral: true }))
    expect(engine.sessions.list({ limit: 9 }).total).toBe(0)
  })

  test('is let go where the store fails once the turn has it', async () => {
    const shared = stage()
    let armed = false
    let failing = false
    const { engine } = shared.start((store) => ({
      ...store,
      lock(id, holder, until) {
        const taken = store.lock(id, holder, until)
        failing = armed && taken
        return taken
      },
      get(id) {
        if (failing) throw new ClinvkError('store_failed', 'no disk')
        return store.get(id)
      },
    }))
    const { id } = await run(engine, ask('one'))
    armed = true
    expect(await codeOf(run(engine, ask('two', { sessionId: id })))).toBe('store_failed')
    const other = shared.start()
    expect(await codeOf(run(other.engine, ask('three', { sessionId: id, whenBusy: 'fail' })))).toBe('ok')
    failing = false
  })

  test('takes the prompt that waited for a first one whose agent could not start', async () => {
    const { engine, fake } = stage().start()
    const gate = Promise.withResolvers<never>()
    const { open } = fake
    Object.assign(fake, { open: () => gate.promise })
    const first = await engine.start(ask('one'), never)
    const failed = codeOf(Array.fromAsync(first.events))
    await waitUntil(() => engine.sessions.list({ limit: 1 }).total === 1)
    const second = await engine.start(ask('two', { sessionId: first.sessionId }), never)
    const events = Array.fromAsync(second.events)
    await settle()
    Object.assign(fake, { open })
    gate.reject(new ClinvkError('agent_crashed', 'It does not start.'))
    expect(await failed).toBe('agent_crashed')
    expect((await events).at(-1)).toMatchObject({ type: 'done' })
  })
})

describe('a session of another process', () => {
  test('goes on with the agent resuming its own session', async () => {
    const shared = stage()
    const first = shared.start()
    const { id } = await run(first.engine, ask('one', { systemPrompt: 's' }))
    await first.engine.close()
    const second = shared.start()
    const { events } = await run(second.engine, ask('two', { sessionId: id }))
    expect(second.fake.opened).toMatchObject([{ resume: 'agent-1', systemPrompt: 's' }])
    expect(events[0]).not.toHaveProperty('replayed')
    expect(second.engine.sessions.find(id).turns.map(({ prompt }) => prompt)).toEqual(['one', 'two'])
  })

  test('is told to the agent again where that lost its session, and the turn says so', async () => {
    const shared = stage()
    const first = shared.start()
    const { id } = await run(first.engine, ask('one'))
    await first.engine.close()
    const second = shared.start()
    const { open } = second.fake
    second.fake.open = (options, signal) =>
      options.resume === undefined
        ? open(options, signal)
        : Promise.reject(new ClinvkError('session_not_found', 'Gone.'))
    const { events } = await run(second.engine, ask('two', { sessionId: id }))
    expect(second.fake.opened.map(({ history }) => history)).toEqual([
      [
        { role: 'user', parts: [{ type: 'text', text: 'one' }] },
        { role: 'assistant', text: 'one', toolCalls: [] },
      ],
    ])
    expect(events[0]).toMatchObject({ type: 'init', replayed: true })
    // From then on the new one goes on.
    await run(second.engine, ask('three', { sessionId: id }))
    expect(second.fake.opened).toHaveLength(1)
  })

  test('is told again to an agent that cannot resume', async () => {
    const shared = stage({ resume: false })
    const first = shared.start()
    const { id } = await run(first.engine, ask('one'))
    await first.engine.close()
    const second = shared.start()
    await run(second.engine, ask('two', { sessionId: id }))
    expect(second.fake.opened[0]?.history).toHaveLength(2)
  })

  test('is opened anew by the process that had it, when another one went on with it meanwhile', async () => {
    const shared = stage()
    const [a, b] = [shared.start(), shared.start()]
    const { id } = await run(a.engine, ask('one'))
    await run(b.engine, ask('two', { sessionId: id }))
    await run(a.engine, ask('three', { sessionId: id }))
    expect(a.fake.opened.map(({ resume }) => resume)).toEqual([undefined, 'agent-1'])
    expect(a.engine.sessions.find(id).turns.map(({ prompt }) => prompt)).toEqual(['one', 'two', 'three'])
  })
})

describe('a busy session', () => {
  test('takes prompts in their order, or refuses one that does not want to wait', async () => {
    const shared = stage()
    const { engine, fake } = shared.start()
    const { id } = await run(engine, ask('one'))
    const gate = Promise.withResolvers<void>()
    fake.steps = ({ parts: [part] }) => [
      { after: gate.promise },
      { type: 'text', text: part?.type === 'text' ? part.text : '' },
      { type: 'done', stopReason: 'end_turn' },
    ]
    const two = await engine.start(ask('two', { sessionId: id }), never)
    const three = await engine.start(ask('three', { sessionId: id }), never)
    const running = [Array.fromAsync(two.events), Array.fromAsync(three.events)]
    await waitUntil(() => engine.sessions.find(id).session.status === 'running')
    expect(await codeOf(run(engine, ask('four', { sessionId: id, whenBusy: 'fail' })))).toBe('session_busy')
    const other = shared.start()
    expect(await codeOf(run(other.engine, ask('five', { sessionId: id, whenBusy: 'fail' })))).toBe(
      'session_busy',
    )
    const waiting = run(other.engine, ask('six', { sessionId: id }))
    gate.resolve()
    await Promise.all([...running, waiting])
    const prompts = engine.sessions.find(id).turns.map(({ prompt }) => prompt)
    expect(prompts.filter((prompt) => prompt !== 'six')).toEqual(['one', 'two', 'three'])
    expect(prompts).toContain('six')
  })
})

describe('sessions', () => {
  test('are found by the beginning of their id, and removed by no less than eight characters of it', async () => {
    const { engine, fake } = stage().start()
    const { id } = await run(engine, ask('one'))
    const other = await run(engine, ask('two'))
    const start = (length: number) => id.slice(0, 'ses_'.length + length)
    const own = [...id.slice(4)].findIndex((character, index) => character !== other.id[index + 4]) + 1
    expect(engine.sessions.find(start(own)).session.id).toBe(id)
    expect(engine.sessions.find(id.slice(4, 4 + own)).session.id).toBe(id)
    expect(() => engine.sessions.find('ses_')).toThrow('Several sessions begin with')
    expect(() => engine.sessions.find('ses_zzz')).toThrow('no session')
    expect(await codeOf(engine.sessions.remove(start(7)))).toBe('invalid_request')
    expect(await codeOf(engine.sessions.remove(start(8)))).toBe('ok')
    expect(fake.log).toEqual(['close agent-1'])
    expect(await codeOf(run(engine, ask('x', { sessionId: id })))).toBe('session_not_found')
    expect(engine.sessions.list({ limit: 9 }).sessions.map((session) => session.id)).toEqual([other.id])
  })

  test('can be removed in the middle of a turn, which is cancelled', async () => {
    const { engine, fake } = stage().start()
    fake.steps = () => [{ type: 'text', text: 'half' }, 'hang']
    const turn = await engine.start(ask('one'), never)
    const outcome = codeOf(Array.fromAsync(turn.events))
    await waitUntil(() => fake.prompts.length > 0)
    await engine.sessions.remove(turn.sessionId)
    expect(await outcome).toBe('cancelled')
    expect(engine.sessions.list({ limit: 9 }).total).toBe(0)
  })

  test('are changed and listed', async () => {
    const { engine } = stage().start()
    const { id } = await run(engine, ask('one'))
    expect(engine.sessions.change(id, { title: 'New', tags: ['a'] })).toMatchObject({
      title: 'New',
      tags: ['a'],
    })
    expect(engine.sessions.list({ tag: 'a', limit: 1 }).sessions).toMatchObject([{ id, title: 'New' }])
  })
})

describe('a fork', () => {
  test('branches the session of the agent where it can, and leaves the original alone', async () => {
    const { engine, fake } = stage({ fork: true }).start()
    const { id } = await run(engine, ask('one', { title: 'T' }))
    const fork = engine.sessions.fork(id, {})
    expect(fork).toMatchObject({ parent: id, title: 'T (fork)', tags: ['always'], turnCount: 1, usage: {} })
    await run(engine, ask('two', { sessionId: fork.id }))
    expect(fake.opened[1]).toMatchObject({ resume: 'agent-1', fork: true })
    const prompts = (session: string) => engine.sessions.find(session).turns.map(({ prompt }) => prompt)
    expect([prompts(fork.id), prompts(id)]).toEqual([['one', 'two'], ['one']])
    // The branch has a session of its own from now on.
    fake.kill()
    await run(engine, ask('three', { sessionId: fork.id }))
    expect(fake.opened[2]).not.toHaveProperty('fork')
  })

  test('is told to a new agent elsewhere', async () => {
    const { engine, fake } = stage({ fork: false }).start()
    const { id } = await run(engine, ask('one'))
    const fork = engine.sessions.fork(id, { title: 'Mine', tags: [] })
    expect(fork).toMatchObject({ title: 'Mine', tags: [] })
    const { events } = await run(engine, ask('two', { sessionId: fork.id }))
    expect(fake.opened[1]?.history).toHaveLength(2)
    expect(fake.opened[1]).not.toHaveProperty('resume')
    expect(events[0]).toMatchObject({ replayed: true })
  })
})

describe('a store that fails', () => {
  const broken = () => {
    throw new ClinvkError('store_failed', 'The disk is full.')
  }

  test('before a turn keeps it from running', async () => {
    const { engine, fake } = stage().start((store) => ({ ...store, beginTurn: broken }))
    expect(await codeOf(run(engine, ask('one')))).toBe('store_failed')
    expect(fake.prompts).toEqual([])
  })

  test('after a turn does not withhold its answer, and keeps it once it can', async () => {
    const shared = stage()
    let full = true
    const { engine } = shared.start((store) => ({
      ...store,
      endTurn: (id, outcome) => (full ? broken() : store.endTurn(id, outcome)),
    }))
    const { id, events } = await run(engine, ask('one'))
    expect(events.at(-1)).toMatchObject({ type: 'done' })
    expect([shared.failures, engine.sessions.find(id).session.status]).toEqual([
      ['The disk is full.'],
      'running',
    ])
    full = false
    await run(engine, ask('two', { sessionId: id }))
    expect(engine.sessions.find(id).turns).toMatchObject([
      { answer: 'one', status: 'completed' },
      { answer: 'two', status: 'completed' },
    ])
  })
})

describe('a session that another process removed', () => {
  test('is not found by a prompt, and not waited for', async () => {
    const shared = stage()
    const { engine } = shared.start()
    const { id } = await run(engine, ask('one'))
    await shared.start().engine.sessions.remove(id)
    expect(await codeOf(run(engine, ask('two', { sessionId: id })))).toBe('session_not_found')
    expect(await codeOf(run(engine, ask('two', { sessionId: id, whenBusy: 'fail' })))).toBe(
      'session_not_found',
    )
  })
})

describe('a fork by an agent that can fork', () => {
  test('is told what was said up to then while the original is in the middle of a turn', async () => {
    const { engine, fake } = stage({ fork: true }).start()
    const { id } = await run(engine, ask('one'))
    const gate = Promise.withResolvers<void>()
    const answer = fake.steps
    fake.steps = (input) => [{ after: gate.promise }, ...answer(input)]
    const two = run(engine, ask('two', { sessionId: id }))
    await waitUntil(() => fake.prompts.length === 2)
    fake.steps = answer
    await run(engine, ask('more', { sessionId: engine.sessions.fork(id, {}).id }))
    expect(fake.opened.at(-1)).not.toHaveProperty('resume')
    gate.resolve()
    await two
  })

  test('has what was said up to then, also where the original has gone on since', async () => {
    const { engine, fake } = stage({ fork: true }).start()
    const { id } = await run(engine, ask('one'))
    const [early, late] = [engine.sessions.fork(id, {}), engine.sessions.fork(id, {})]
    await run(engine, ask('more', { sessionId: early.id }))
    expect(fake.opened.at(-1)).toMatchObject({ fork: true })
    await run(engine, ask('two', { sessionId: id }))
    await run(engine, ask('more', { sessionId: late.id }))
    expect(fake.opened.at(-1)).not.toHaveProperty('resume')
    const said = fake.opened.at(-1)?.history?.flatMap((message) => ('parts' in message ? message.parts : []))
    expect(said).toEqual([{ type: 'text', text: 'one' }])
  })
})
