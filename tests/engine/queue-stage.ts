import type { TurnEvent } from '../../src/agents/types.ts'
import type { EngineOptions } from '../../src/engine/engine.ts'
import { type QueueLimits, UNBOUNDED } from '../../src/engine/queue.ts'
import type { Engine, TurnRequest } from '../../src/engine/types.ts'
import type { ClinvkError } from '../../src/errors.ts'
import { IN_MEMORY } from '../../src/sessions/database.ts'
import { openSessionStore } from '../../src/sessions/store.ts'
import { createFakeDriver, type FakeDriver } from '../support/fake-driver.ts'
import { waitUntil } from '../support/processes.ts'
import { createTestEngine } from '../support/test-engine.ts'

const engines: Engine[] = []

/** Ends the engines that were staged. */
export async function strike() {
  await Promise.all(engines.splice(0).map((engine) => engine.close()))
}

/** What is staged: agents that have one place each, and no other limits, unless said otherwise. */
interface Staging {
  readonly drivers?: readonly string[]
  readonly capacity?: number
  readonly queue?: Partial<QueueLimits>
  readonly limits?: EngineOptions['limits']
}

/** An engine over agents that answer a prompt when they are let. */
export function stage({ drivers = ['fake'], capacity = 1, queue = {}, limits = {} }: Staging = {}) {
  const fakes = drivers.map((name) =>
    createFakeDriver(
      name,
      { clientTools: 'native', history: 'native', toolChoice: 'native', profiles: ['pure', 'full'] },
      capacity,
    ),
  )
  const prompts: string[] = []
  const gates = new Map<string, PromiseWithResolvers<void>>()
  const gateOf = (text: string) => {
    const gate = gates.get(text) ?? Promise.withResolvers<void>()
    gates.set(text, gate)
    return gate
  }
  for (const fake of fakes)
    fake.steps = ({ parts: [part] }) => {
      const text = part?.type === 'text' ? part.text : ''
      prompts.push(text)
      return [
        { type: 'init' },
        { after: gateOf(text).promise },
        { type: 'text', text },
        { type: 'done', stopReason: 'end_turn' },
      ]
    }
  const store = openSessionStore(IN_MEMORY)
  const engine = createTestEngine(fakes, {
    defaultBackend: 'fake',
    queue: { ...UNBOUNDED, ...queue },
    limits,
    waiting: { waitMs: 60_000, most: 4 },
    store,
  })
  engines.push(engine)
  const waiting = () => Object.values(engine.pool().queue.waiting).reduce((sum, count) => sum + count, 0)
  return {
    engine,
    fake: fakes[0] as FakeDriver,
    prompts,
    store,
    release: (text: string) => gateOf(text).resolve(),
    /** Starts a prompt that is read to its end, and waits until it has its place or its position. */
    async begin(text: string, more: Partial<TurnRequest> = {}) {
      const before = waiting() + prompts.length
      const turn = run(engine, ask(text, more))
      turn.catch(() => {})
      await waitUntil(() => waiting() + prompts.length > before)
      return turn
    },
    waits: (count: number) => waitUntil(() => waiting() === count),
  }
}

export const never = new AbortController().signal
export const ask = (text: string, more: Partial<TurnRequest> = {}): TurnRequest => ({
  parts: [{ type: 'text', text }],
  ...more,
})
/** In an object: what is awaited is that it has begun. */
export function run(engine: Engine, request: TurnRequest, signal = never) {
  const events = engine.start(request, signal).then((turn) => Array.fromAsync(turn.events))
  return { events, catch: (handle: () => void) => void events.catch(handle) }
}
export const failure = (promise: Promise<unknown>): Promise<ClinvkError> =>
  promise.then(
    () => {
      throw new Error('It did not fail.')
    },
    (error: ClinvkError) => error,
  )
export const positions = (events: readonly TurnEvent[]) =>
  events.flatMap((event) => (event.type === 'progress' ? [event.data] : []))
export const told = (...ahead: number[]) =>
  ahead.map((position) => ({ queue: { position, backend: 'fake' } }))
export const initOf = (events: readonly TurnEvent[]) => events.find((event) => event.type === 'init')
