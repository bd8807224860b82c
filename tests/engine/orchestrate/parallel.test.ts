import { describe, expect, test } from 'bun:test'
import { takeTurn } from '../../../src/agents/take-turn.ts'
import type { TurnEvent } from '../../../src/agents/types.ts'
import { comparisonOptions, toComparison } from '../../../src/engine/orchestrate/compare.ts'
import { runParallel } from '../../../src/engine/orchestrate/parallel.ts'
import { createSharedBudget } from '../../../src/engine/orchestrate/run-task.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { createChannel } from '../../../src/process/channel.ts'
import { createFakeDriver, type FakeDriver } from '../../support/fake-driver.ts'
import { ask, engineOf, never, plan, readAll, saying, textOf } from './support.ts'

const failure = () => new ClinvkError('upstream_overloaded', 'Overloaded.')

/**
 * Answers with its prompt; `fail` fails, `hang` never ends, `fail late` fails once one hangs, and a number is answered
 * after as many ms.
 */
function scripted(name = 'fake', hangs = Promise.withResolvers<void>()): FakeDriver {
  const fake = createFakeDriver(name)
  fake.steps = (input) => {
    const text = textOf(input)
    if (text === 'fail') return [{ type: 'init' }, { type: 'text', text: 'half' }, failure()]
    if (text === 'fail late') return [{ after: hangs.promise }, { type: 'init' }, failure()]
    if (text === 'hang') {
      hangs.resolve()
      return [{ type: 'init' }, 'hang']
    }
    return [{ waitMs: Number(text) || 0 }, ...saying(text)]
  }
  return fake
}

/** An agent that does not listen when it is interrupted, and says when it was ended. */
function deaf(log: string[], hangs: PromiseWithResolvers<void>): FakeDriver {
  const fake = createFakeDriver('deaf')
  return {
    ...fake,
    async open(options, signal) {
      const session = await fake.open(options, signal)
      return {
        ...session,
        prompt(_, turnSignal) {
          const events = createChannel<TurnEvent>()
          const settled = Promise.withResolvers<void>()
          void events.push({ type: 'init' })
          hangs.resolve()
          const interrupt = async () => void log.push('interrupted')
          const kill = async () => {
            log.push('killed')
            settled.resolve()
          }
          return takeTurn({ events, settled: settled.promise, interrupt, kill }, turnSignal, 20)
        },
      }
    },
  }
}

async function run(
  prompts: readonly string[],
  { atMost = 3, failFast = false, signal = never, driver = scripted() } = {},
) {
  const engine = engineOf(driver)
  const tasks = await plan(
    engine,
    prompts.map((text) => ({ request: ask(text) })),
  )
  return await readAll(runParallel(engine, tasks, { atMost, failFast }, signal))
}

describe('tasks side by side', () => {
  test('give their outcomes in the order of the tasks, whichever ends first', async () => {
    const { all, said } = await run(['30', '0', '10'])
    expect(said).toEqual(['completed 30', 'completed 0', 'completed 10'])
    expect(all.filter((event) => 'outcome' in event).map(({ index }) => index)).toEqual([1, 2, 0])
  })

  test('give the events of each in their order, and its outcome last', async () => {
    const { all } = await run(['a', 'b'])
    for (const index of [0, 1])
      expect(
        all
          .filter((event) => event.index === index)
          .map((event) => ('event' in event ? event.event.type : 'outcome')),
      ).toEqual(['init', 'text', 'done', 'outcome'])
  })

  for (const atMost of [1, 2, 5])
    test(`run ${atMost} at a time`, async () => {
      const driver = createFakeDriver()
      let now = 0
      let most = 0
      driver.steps = () => {
        now += 1
        most = Math.max(most, now)
        return [{ waitMs: 5 }, ...saying('x')]
      }
      const engine = engineOf(driver)
      const tasks = await plan(
        engine,
        Array.from({ length: 6 }, () => ({ request: ask('x') })),
      )
      for await (const event of runParallel(engine, tasks, { atMost, failFast: false }, never))
        if ('outcome' in event) now -= 1
      expect(most).toBe(atMost)
    })

  test('go on when one fails', async () => {
    expect((await run(['fail', 'a', 'fail', 'b'], { atMost: 1 })).said).toEqual([
      'failed upstream_overloaded',
      'completed a',
      'failed upstream_overloaded',
      'completed b',
    ])
  })

  test('say of a failed one that it was begun, and for how long it ran', async () => {
    const { outcomes } = await run(['fail'])
    expect(outcomes[0]).toMatchObject({
      turn: {
        backend: 'fake',
        sessionId: expect.stringMatching(/^ses_/),
        id: expect.stringMatching(/^run_/),
      },
      durationMs: expect.any(Number),
    })
  })

  test('fail alone where the answer has no end', async () => {
    const driver = createFakeDriver()
    driver.steps = () => [{ type: 'init' }]
    expect((await run(['x'], { driver })).said).toEqual(['failed agent_protocol'])
  })

  test('only tell what a dry run would do', async () => {
    const driver = scripted()
    const engine = engineOf(driver)
    const tasks = await plan(engine, [{ request: ask('a'), dryRun: true }, { request: ask('b') }])
    const { said, outcomes } = await readAll(
      runParallel(engine, tasks, { atMost: 2, failFast: false }, never),
    )
    expect(said).toEqual(['planned', 'completed b'])
    expect(outcomes[0]).toMatchObject({ plan: { backend: 'fake' } })
    expect(driver.prompts).toHaveLength(1)
  })

  test('fail when they cannot begin any more, each alone', async () => {
    const engine = engineOf(scripted())
    const first = await engine.start(ask('a'), never)
    await Array.fromAsync(first.events)
    const tasks = await plan(engine, [
      { request: ask('b', { sessionId: first.sessionId }) },
      { request: ask('c') },
    ])
    await engine.sessions.remove(first.sessionId)
    const { said } = await readAll(runParallel(engine, tasks, { atMost: 2, failFast: false }, never))
    expect(said).toEqual(['failed session_not_found', 'completed c'])
  })

  test('wait for each other in one session', async () => {
    const engine = engineOf(scripted())
    const first = await engine.start(ask('a'), never)
    await Array.fromAsync(first.events)
    const { sessionId } = first
    const tasks = await plan(
      engine,
      ['20', '0', '1'].map((text) => ({ request: ask(text, { sessionId }) })),
    )
    const { said } = await readAll(runParallel(engine, tasks, { atMost: 3, failFast: false }, never))
    expect(said).toEqual(['completed 20', 'completed 0', 'completed 1'])
    const { turns } = engine.sessions.find(sessionId)
    expect(turns.map(({ prompt }) => prompt).toSorted()).toEqual(['0', '1', '20', 'a'])
    const [, ...later] = turns
    for (const [index, turn] of later.entries())
      expect(turn.startedAt).toBeGreaterThanOrEqual(turns[index]?.endedAt ?? Number.NaN)
  })
})

describe('fail_fast', () => {
  test('cancels those that run and those that have not begun; those that are done stay', async () => {
    const driver = scripted()
    const { said, end, outcomes } = await run(['a', 'hang', 'fail late', 'b', 'c'], {
      atMost: 2,
      failFast: true,
      driver,
    })
    expect(said).toEqual([
      'completed a',
      'cancelled cancelled',
      'failed upstream_overloaded',
      'cancelled cancelled',
      'cancelled cancelled',
    ])
    expect(end).toBe('complete')
    expect(driver.prompts.map(textOf).toSorted()).toEqual(['a', 'fail late', 'hang'])
    expect(driver.log.filter((line) => line.startsWith('interrupt'))).toHaveLength(1)
    expect(outcomes[4]).toMatchObject({
      error: { message: 'Task 2 failed, and with fail_fast that cancels the others.' },
    })
    expect(outcomes[4]).not.toHaveProperty('turn')
    expect(outcomes[1]).toHaveProperty('turn')
  })

  test('ends an agent that does not listen, before its outcome is told', async () => {
    const log: string[] = []
    const hangs = Promise.withResolvers<void>()
    const engine = engineOf(deaf(log, hangs), scripted('fake', hangs))
    const tasks = await plan(engine, [
      { request: ask('x', { backend: 'deaf' }) },
      { request: ask('fail late', { backend: 'fake' }) },
    ])
    const { said } = await readAll(runParallel(engine, tasks, { atMost: 2, failFast: true }, never))
    expect(said).toEqual(['cancelled cancelled', 'failed upstream_overloaded'])
    expect(log).toEqual(['interrupted', 'killed'])
  })

  test('is not set off by one that was cancelled by itself', async () => {
    const engine = engineOf(scripted())
    const tasks = await plan(engine, [{ request: ask('hang') }, { request: ask('20') }])
    const events = runParallel(engine, tasks, { atMost: 2, failFast: true }, never)
    const first = (await events.next()).value
    if (first && 'turn' in first) void engine.sessions.remove(first.turn.sessionId)
    expect((await readAll(events)).said).toEqual(['cancelled cancelled', 'completed 20'])
  })
})

describe('cancelling', () => {
  test('cancels all, tells each outcome and then the reason', async () => {
    const stop = new AbortController()
    const driver = scripted()
    const running = run(['hang', 'hang', 'a'], { atMost: 2, signal: stop.signal, driver })
    while (driver.prompts.length < 2) await Bun.sleep(1)
    stop.abort(new ClinvkError('shutting_down', 'Stopping.'))
    const { said, end } = await running
    expect(said).toEqual(Array.from({ length: 3 }, () => 'cancelled shutting_down'))
    expect(end).toBe('shutting_down')
    expect(driver.prompts).toHaveLength(2)
  })

  test('happens to all when the reader leaves', async () => {
    const driver = scripted()
    const engine = engineOf(driver)
    const tasks = await plan(
      engine,
      ['hang', 'hang', 'a'].map((text) => ({ request: ask(text) })),
    )
    const begun = new Set<number>()
    for await (const event of runParallel(engine, tasks, { atMost: 2, failFast: false }, never))
      if (begun.add(event.index).size === 2) break
    expect(driver.log.toSorted()).toEqual(['interrupt agent-1', 'interrupt agent-2'])
    expect(driver.prompts).toHaveLength(2)
  })

  test('begins nothing where it came first', async () => {
    const driver = scripted()
    const { said } = await run(['a', 'b'], { signal: AbortSignal.abort(), driver })
    expect(said).toEqual(['cancelled cancelled', 'cancelled cancelled'])
    expect(driver.opened).toEqual([])
  })
})

describe('what is kept of the answers', () => {
  test('has one limit together; the one that passes it fails and gives its room back', async () => {
    const engine = engineOf(scripted())
    const long = 'x'.repeat(60)
    const tasks = await plan(
      engine,
      [long, 'x'.repeat(50), 'x'.repeat(40)].map((text) => ({ request: ask(text) })),
    )
    const budget = createSharedBudget(100)
    const { said, outcomes } = await readAll(
      runParallel(engine, tasks, { atMost: 1, failFast: false, budget }, never),
    )
    expect(said).toEqual([`completed ${long}`, 'failed agent_protocol', `completed ${'x'.repeat(40)}`])
    expect(outcomes[1]).toMatchObject({
      error: { message: expect.stringContaining('100 characters together') },
    })
    expect(budget.left).toBe(0)
  })

  test('is nothing of those that failed', async () => {
    const engine = engineOf(scripted())
    const budget = createSharedBudget(100)
    const tasks = await plan(engine, [{ request: ask('fail') }])
    await readAll(runParallel(engine, tasks, { atMost: 1, failFast: false, budget }, never))
    expect(budget.left).toBe(100)
  })
})

describe('a comparison', () => {
  const request = ask('q', { model: 'm' })

  test('is the same prompt for each backend', () => {
    expect(toComparison({ request, dryRun: false }, ['a', 'b'])).toEqual([
      { request: { ...request, backend: 'a' }, dryRun: false },
      { request: { ...request, backend: 'b' }, dryRun: false },
    ])
  })

  test('runs all at once or one after another, and never stops at a failure', () => {
    expect(comparisonOptions(['a', 'b', 'c'], false)).toEqual({ atMost: 3, failFast: false })
    expect(comparisonOptions(['a', 'b', 'c'], true)).toEqual({ atMost: 1, failFast: false })
  })
})
