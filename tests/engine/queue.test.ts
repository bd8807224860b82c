import { describe, expect, test } from 'bun:test'
import { createQueue, type QueueOptions, UNBOUNDED } from '../../src/engine/queue.ts'
import type { Ticket } from '../../src/engine/queue-ticket.ts'
import { ClinvkError } from '../../src/errors.ts'

const never = new AbortController().signal
const unlimited = () => Number.POSITIVE_INFINITY

/** A queue, and who has a place in it, in the order in which they got it. */
function stage(options: Partial<QueueOptions> = {}) {
  const clock = { now: 0 }
  const queue = createQueue({ ...UNBOUNDED, capacityOf: unlimited, now: () => clock.now, ...options })
  const placed: string[] = []
  const enter = (name: string, { backend = 'a', caller = 'one', signal = never } = {}): Ticket => {
    const ticket = queue.enter({ backend, caller }, signal)
    ticket.granted.then(
      () => placed.push(name),
      () => {},
    )
    return ticket
  }
  const refusal = (backend = 'a', caller = 'one'): ClinvkError => {
    try {
      queue.check({ backend, caller })
    } catch (error) {
      if (error instanceof ClinvkError) return error
    }
    throw new Error('It was not refused.')
  }
  const turnsOf = async (tickets: readonly Ticket[]) => {
    for (const ticket of tickets) {
      ticket.leave()
      await Bun.sleep(0)
    }
    return placed
  }
  return { queue, clock, placed, enter, refusal, turnsOf }
}

const failure = async (ticket: Ticket) =>
  await ticket.granted.then(
    () => undefined,
    (error: ClinvkError) => error,
  )

describe('a place', () => {
  test('is there at once where there is room, and is given to the next when it gets free', async () => {
    const { enter, clock, placed } = stage({ running: 1 })
    const first = enter('first')
    const second = enter('second')
    await first.granted
    expect([first.ahead, first.waitedMs, second.ahead]).toEqual([undefined, 0, 0])
    clock.now = 40
    first.leave()
    first.leave()
    await second.granted
    expect([second.ahead, second.waitedMs, placed]).toEqual([undefined, 40, ['first', 'second']])
  })

  test('is not given twice, however often it is given back', async () => {
    const { enter, queue } = stage({ running: 1 })
    const first = enter('first')
    const [second, third] = [enter('second'), enter('third')]
    first.leave()
    first.leave()
    await second.granted
    expect(third.ahead).toBe(0)
    expect(queue.view()).toMatchObject({ running: { a: 1 }, waiting: { a: 1 } })
  })

  test('is of a backend that has room, whoever waits for another', async () => {
    const { enter, placed } = stage({ capacityOf: (backend) => (backend === 'a' ? 1 : 2) })
    enter('a1')
    enter('a2')
    await enter('b1', { backend: 'b' }).granted
    await enter('b2', { backend: 'b' }).granted
    expect(enter('b3', { backend: 'b' }).ahead).toBe(0)
    expect(placed).toEqual(['a1', 'b1', 'b2'])
  })

  test('is there for one at least of a backend that tells of no capacity', async () => {
    const { enter } = stage({ capacityOf: () => 0 })
    await enter('first').granted
    expect(enter('second').ahead).toBe(0)
  })

  test('is given when a capacity has grown, as soon as somebody comes', async () => {
    let capacity = 1
    const { enter, placed } = stage({ capacityOf: () => capacity })
    enter('first')
    const second = enter('second')
    capacity = 2
    expect(enter('third').ahead).toBe(0)
    await second.granted
    expect(placed).toEqual(['first', 'second'])
  })
})

describe('fairness', () => {
  test('lets callers take turns, each in the order of what it asked', async () => {
    const { enter, turnsOf } = stage({ running: 1 })
    const running = enter('x')
    const one = ['1a', '1b', '1c'].map((name) => enter(name, { caller: 'one' }))
    const two = ['2a', '2b'].map((name) => enter(name, { caller: 'two' }))
    const three = enter('3a', { caller: 'three' })
    expect([...one, ...two, three].map(({ ahead }) => ahead)).toEqual([0, 3, 5, 1, 4, 2])
    const [a, b] = [one, two]
    const order = [running, a[0], b[0], three, a[1], b[1]].flatMap((ticket) => ticket ?? [])
    expect(await turnsOf(order)).toEqual(['x', '1a', '2a', '3a', '1b', '2b', '1c'])
  })

  test('does not let many of one caller hold up the first of another', () => {
    const { enter } = stage({ running: 1 })
    enter('x')
    for (let index = 0; index < 50; index += 1) enter(`many ${index}`, { caller: 'many' })
    expect(enter('few', { caller: 'few' }).ahead).toBe(1)
  })

  test('does not let a caller that comes again and again pass over another', async () => {
    const { enter, placed } = stage({ running: 1 })
    let last = enter('x', { caller: 'busy' })
    const patient = enter('patient', { caller: 'patient' })
    for (const name of ['b1', 'b2', 'b3']) {
      const next = enter(name, { caller: 'busy' })
      last.leave()
      await Bun.sleep(0)
      last = patient.ahead === undefined && placed.at(-1) === 'patient' ? patient : next
    }
    expect(placed.indexOf('patient')).toBe(1)
  })

  test('lets backends take turns where the room of all is what is scarce', async () => {
    const { enter, turnsOf } = stage({ running: 1 })
    const running = enter('x')
    const a1 = enter('a1')
    enter('a2')
    const [b1, b2] = [enter('b1', { backend: 'b' }), enter('b2', { backend: 'b' })]
    expect(await turnsOf([running, b1, a1, b2])).toEqual(['x', 'b1', 'a1', 'b2', 'a2'])
  })

  test('passes over a backend that is full when room comes free', async () => {
    const { enter, turnsOf } = stage({ running: 2, capacityOf: (backend) => (backend === 'a' ? 1 : 9) })
    enter('a1')
    const b1 = enter('b1', { backend: 'b' })
    enter('a2')
    enter('b2', { backend: 'b' })
    expect(await turnsOf([b1])).toEqual(['a1', 'b1', 'b2'])
  })
})

describe('too many', () => {
  test('are refused by the bound of all, which is named', () => {
    const { enter, queue, refusal } = stage({ running: 1, waiting: 2 })
    enter('x')
    enter('a')
    enter('b', { backend: 'b' })
    const error = refusal()
    expect(error).toMatchObject({
      code: 'queue_full',
      status: 429,
      retryable: true,
      details: { backend: 'a' },
    })
    expect(error.message).toContain('2 prompts wait, and no more may (pool.queue).')
    expect(() => enter('c')).toThrow('pool.queue')
    expect(queue.view().refused).toBe(2)
  })

  test.each([{ waiting: 4 }, { waitingPerBackend: 4 }])(
    'of a caller of whom most wait give way to another caller, the last one first, as long as fewer of that one wait: %p',
    async (bound) => {
      const { enter, refusal, turnsOf } = stage({ running: 1, ...bound })
      const running = enter('running', { caller: 'many' })
      const many = [1, 2, 3, 4].map((index) => enter(`many ${index}`, { caller: 'many' }))
      expect(refusal('a', 'many').code).toBe('queue_full')
      const few = [1, 2].map((index) => enter(`few ${index}`, { caller: 'few' }))
      expect(await Promise.all(many.slice(2).map(failure))).toMatchObject([
        { code: 'queue_full', retryable: true },
        { code: 'queue_full', retryable: true },
      ])
      // There is nobody any more of whom more wait.
      expect(refusal('a', 'few').code).toBe('queue_full')
      expect(enter('new', { caller: 'new' }).ahead).toBeNumber()
      expect(await turnsOf([running, many[0] as Ticket, few[0] as Ticket])).toEqual([
        'running',
        'many 1',
        'few 1',
        'new',
      ])
    },
  )

  test('are refused by the bound of a backend, and others still wait', () => {
    const { enter, refusal } = stage({ running: 1, waitingPerBackend: 1 })
    enter('x')
    enter('a')
    expect(refusal().message).toContain('1 prompt waits for a, and no more may (pool.queue_per_backend).')
    expect(enter('b', { backend: 'b' }).ahead).toBe(0)
  })

  test('are those that cannot begin, where none may wait', () => {
    const { enter, queue, refusal } = stage({ running: 1, waiting: 0 })
    queue.check({ backend: 'a', caller: 'one' })
    enter('x').leave()
    enter('y')
    expect(refusal().message).toContain('no prompt may wait (pool.queue is 0)')
  })

  test('are told to come again when there is room, as far as it went lately, and not all at once', () => {
    const { enter, clock, refusal } = stage({ running: 1, waiting: 1 })
    const seconds = () => (refusal().retryAfterMs ?? 0) / 1000
    let running = enter('x')
    let next = enter('y')
    expect(seconds()).toBe(5)
    for (clock.now = 2000; clock.now <= 20_000; clock.now += 2000) {
      running.leave()
      running = next
      next = enter('z')
    }
    expect([seconds(), seconds(), seconds()]).toEqual([2, 4, 6])
    clock.now += 3_600_000
    expect(seconds()).toBe(60)
  })

  test('are told to wait for a second at least', () => {
    const { enter, refusal } = stage({ running: 1, waiting: 0 })
    enter('x').leave()
    enter('y')
    expect(refusal()).toMatchObject({ retryAfterMs: 1000 })
  })
})

describe('who waits', () => {
  test('learns of every change of its place, and only of the last one where it is slow to look', async () => {
    const { enter } = stage({ running: 1 })
    const running = enter('x')
    const first = enter('a')
    const second = enter('b')
    const third = enter('c')
    const change = third.changed()
    running.leave()
    first.leave()
    await change
    expect(third.ahead).toBe(0)
    const last = third.changed()
    second.leave()
    await last
    expect(third.ahead).toBeUndefined()
  })

  test('is told that it moved back where callers that came later have their turns before it', async () => {
    const { enter } = stage({ running: 1 })
    enter('x')
    enter('a')
    const second = enter('b')
    const change = second.changed()
    enter('other', { caller: 'two' })
    await change
    expect(second.ahead).toBe(2)
  })

  test('leaves when it is aborted, and all behind it move up', async () => {
    const { enter, queue } = stage({ running: 1 })
    enter('x')
    const own = new AbortController()
    const left = enter('a', { signal: own.signal })
    const behind = enter('b')
    const moved = behind.changed()
    own.abort(new ClinvkError('timeout', 'Too late.'))
    expect(await failure(left)).toMatchObject({ code: 'timeout' })
    await moved
    expect([left.ahead, behind.ahead]).toEqual([undefined, 0])
    left.leave()
    expect(queue.view()).toMatchObject({ running: { a: 1 }, waiting: { a: 1 } })
  })

  test('has nothing to do with a signal once it has its place', async () => {
    const { enter, queue } = stage({ running: 1 })
    const own = new AbortController()
    const ticket = enter('x', { signal: own.signal })
    own.abort()
    await ticket.granted
    expect(queue.view().running).toEqual({ a: 1 })
    expect(() => enter('y', { signal: own.signal })).toThrow(ClinvkError)
    expect(queue.view()).toMatchObject({ running: { a: 1 }, waiting: { a: 0 } })
  })

  test('may leave by itself', async () => {
    const { enter, queue } = stage({ running: 1 })
    enter('x')
    const ticket = enter('a')
    ticket.leave()
    expect(await failure(ticket)).toMatchObject({ code: 'cancelled' })
    expect(queue.view()).toMatchObject({ running: { a: 1 }, waiting: { a: 0 } })
  })

  test('is told when the server ends, and so is who comes later', async () => {
    const { enter, queue } = stage({ running: 1 })
    const running = enter('x')
    const waiting = [enter('a'), enter('b', { caller: 'two' }), enter('c', { backend: 'b' })]
    queue.close(new ClinvkError('shutting_down', 'The end.'))
    for (const ticket of waiting)
      expect(await failure(ticket)).toMatchObject({ code: 'shutting_down', status: 503 })
    expect(() => enter('d')).toThrow('The end.')
    running.leave()
    expect(queue.view()).toMatchObject({ running: { a: 0, b: 0 }, waiting: { a: 0, b: 0 } })
  })
})

test('what is told of the queue is how many run, wait and may, and how many were refused', () => {
  const { enter, queue } = stage({ running: 1, waiting: 2, waitingPerBackend: 1 })
  const first = enter('x')
  enter('a')
  enter('b', { backend: 'b' })
  expect(() => enter('c')).toThrow()
  first.leave()
  expect(queue.view()).toEqual({
    running: { a: 0, b: 1 },
    waiting: { a: 1, b: 0 },
    refused: 1,
    limits: { running: 1, waiting: 2, waitingPerBackend: 1 },
  })
})
