import { afterEach, describe, expect, test } from 'bun:test'
import type { TurnEvent } from '../../src/agents/types.ts'
import { observed, type TurnObserver } from '../../src/engine/observed.ts'
import type { Engine } from '../../src/engine/types.ts'
import { ClinvkError } from '../../src/errors.ts'
import { createFakeDriver } from '../support/fake-driver.ts'
import { createTestEngine } from '../support/test-engine.ts'

/** An observer that writes down what it is told, a line each. */
function notes() {
  const lines: string[] = []
  const observer: TurnObserver = {
    started: (backend) => lines.push(`started ${backend}`),
    began: ({ start, waitedMs }) => lines.push(`began ${start} ${waitedMs}`),
    firstText: ({ start, afterMs }) => lines.push(`text ${start} ${afterMs}`),
    ended: ({ outcome, durationMs, usage, costUsd }) =>
      lines.push(`ended ${outcome} ${durationMs} ${usage?.inputTokens} ${costUsd}`),
  }
  return { lines, observer }
}

const TEXT: TurnEvent = { type: 'text', text: 'hi' }
const DONE: TurnEvent = {
  type: 'done',
  stopReason: 'end_turn',
  usage: { inputTokens: 7 },
  costUsd: 0.5,
}

describe('a watched stream of events', () => {
  let clock = 0
  const after = (ms: number) => {
    clock += ms
  }
  const watch = (events: AsyncGenerator<TurnEvent, void>) => {
    clock = 0
    const { lines, observer } = notes()
    return { lines, watched: observed(events, 'fake', observer, () => clock) }
  }

  test('times its first text by what its reader waited, without the queue', async () => {
    async function* events(): AsyncGenerator<TurnEvent, void> {
      after(30)
      yield { type: 'init', start: 'spare', waitedMs: 20 }
      after(5)
      yield TEXT
      after(100)
      yield DONE
    }
    const { lines, watched } = watch(events())
    for await (const { type } of watched) if (type === 'init') after(60_000)
    expect(lines).toEqual(['started fake', 'began spare 20', 'text spare 15', 'ended done 60135 7 0.5'])
  })

  test('hands on the very promises of the stream', () => {
    const promises: Promise<IteratorResult<TurnEvent, void>>[] = []
    async function* none(): AsyncGenerator<TurnEvent, void> {}
    const inner = none()
    const next = inner.next.bind(inner)
    inner.next = () => {
      const promise = next()
      promises.push(promise)
      return promise
    }
    const { watched } = watch(inner)
    expect([watched.next(), watched.next()]).toEqual(promises)
    expect(watched.next()).toBe(promises[2] as Promise<IteratorResult<TurnEvent, void>>)
  })

  test('ends once, whatever its reader does behind the end', async () => {
    async function* events(): AsyncGenerator<TurnEvent, void> {
      yield DONE
    }
    const { lines, watched } = watch(events())
    await watched.next()
    await watched.next()
    await watched.next()
    await watched.return()
    expect(lines).toEqual(['started fake', 'ended done 0 7 0.5'])
  })

  test('is cancelled when it is left before anything of it was asked for', async () => {
    let ran = false
    async function* events(): AsyncGenerator<TurnEvent, void> {
      ran = true
      yield DONE
    }
    const { lines, watched } = watch(events())
    await watched.return()
    expect(lines).toEqual(['started fake', 'ended cancelled 0 undefined undefined'])
    expect(ran).toBe(false)
  })

  test('is left with `await using` as well', async () => {
    async function* events(): AsyncGenerator<TurnEvent, void> {
      yield TEXT
    }
    const { lines, watched } = watch(events())
    {
      await using turn = watched
      await turn.next()
    }
    expect(lines.at(-1)).toStartWith('ended cancelled')
  })

  test('counts as what it failed with, and as ours where that is no error of ours', async () => {
    for (const [error, code] of [
      [new ClinvkError('upstream_overloaded', 'busy'), 'upstream_overloaded'],
      [new TypeError('bug'), 'internal'],
    ] as const) {
      // biome-ignore lint/correctness/useYield: it fails before its first event.
      async function* events(): AsyncGenerator<TurnEvent, void> {
        throw error
      }
      const { lines, watched } = watch(events())
      expect(await watched.next().catch((thrown: unknown) => thrown)).toBe(error)
      expect(lines).toEqual(['started fake', `ended ${code} 0 undefined undefined`])
    }
  })
})

describe("an engine's turns", () => {
  const engines: Engine[] = []
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.close()))
  })
  const open = () => {
    const driver = createFakeDriver()
    const engine = createTestEngine([driver])
    engines.push(engine)
    const ends: string[] = []
    let turns = 0
    engine.observe({
      started: () => {
        turns += 1
      },
      ended: ({ backend, outcome }) => {
        turns -= 1
        ends.push(`${backend} ${outcome}`)
      },
    })
    const start = (signal = new AbortController().signal) =>
      engine.start({ parts: [{ type: 'text', text: 'hello' }], ephemeral: true }, signal)
    const running = () => turns
    return { driver, engine, ends, start, running }
  }

  test('are counted while they run, and when they are done', async () => {
    const { ends, start, running } = open()
    const { events } = await start()
    expect(running()).toBe(0)
    await events.next()
    expect(running()).toBe(1)
    for await (const _ of events);
    expect(running()).toBe(0)
    expect(ends).toEqual(['fake done'])
  })

  test('are counted as the error that they end with', async () => {
    const { driver, ends, start, running } = open()
    driver.steps = () => [{ type: 'init' }, new ClinvkError('context_too_long', 'too long')]
    const { events } = await start()
    await expect(Array.fromAsync(events)).rejects.toMatchObject({ code: 'context_too_long' })
    expect([ends, running()]).toEqual([['fake context_too_long'], 0])
  })

  test('are cancelled by their signal', async () => {
    const { driver, ends, start, running } = open()
    driver.steps = () => [{ type: 'init' }, 'hang']
    const stop = new AbortController()
    const { events } = await start(stop.signal)
    await events.next()
    const next = events.next()
    stop.abort()
    expect(await next.catch(({ code }: ClinvkError) => code)).toBe('cancelled')
    expect([ends, running()]).toEqual([['fake cancelled'], 0])
  })

  test('are cancelled by a reader that leaves, in the middle and before the first event', async () => {
    const { driver, ends, start, running } = open()
    const left = await start()
    await left.events.next()
    await left.events.return()
    const unread = await start()
    await unread.events.return()
    expect(ends).toEqual(['fake cancelled', 'fake cancelled'])
    driver.steps = () => ['hang']
    const stop = new AbortController()
    const silent = await start(stop.signal)
    const first = silent.events.next()
    const leaving = silent.events.return()
    stop.abort()
    await Promise.allSettled([first, leaving])
    expect(ends).toEqual(['fake cancelled', 'fake cancelled', 'fake cancelled'])
    expect(running()).toBe(0)
  })

  test('go on as they were where an observer throws, and that is counted', async () => {
    const { engine, ends, start } = open()
    const plain = await Array.fromAsync((await start()).events)
    const bad = () => {
      throw new Error('no')
    }
    engine.observe({ started: bad, began: bad, firstText: bad, ended: bad })
    const late: string[] = []
    engine.observe({ ended: ({ outcome }) => late.push(outcome) })
    const watched = await Array.fromAsync((await start()).events)
    const ids = (events: TurnEvent[]) => events.map((event) => ({ ...event, agentSessionId: '' }))
    expect(ids(watched)).toEqual(ids(plain))
    expect(ends).toEqual(['fake done', 'fake done'])
    expect(late).toEqual(['done'])
    expect(engine.pool().observerFailures).toBe(4)
  })
})
