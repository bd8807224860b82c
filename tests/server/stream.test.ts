import { describe, expect, test } from 'bun:test'
import type { ClinvkError } from '../../src/errors.ts'
import { toByteStream } from '../../src/server/stream.ts'

describe('toByteStream', () => {
  test('takes a piece only when the reader has room for one', async () => {
    const { stream, made } = source(ticking())
    const reader = await open(stream)
    expect(made()).toBe(0)
    await reader.read()
    await reader.read()
    // The next one was asked for before it was known that it would take a while.
    await Bun.sleep(5)
    expect(made()).toBe(3)
    await reader.cancel()
  })

  test('gathers what comes without a pause, in order and to a limit, and goes no further without a reader', async () => {
    const { stream, made } = source(counting(100_000))
    const reader = await open(stream)
    const read: string[] = []
    for (const most of [1, 2, 3]) {
      const { value } = await reader.read()
      read.push(new TextDecoder().decode(value))
      await Bun.sleep(1)
      expect(read.at(-1)?.length).toBeLessThan(20_000)
      expect(made()).toBeLessThan(most * 20_000)
    }
    for (let next = await reader.read(); !next.done; next = await reader.read())
      read.push(new TextDecoder().decode(next.value))
    expect(read.join('')).toBe(Array.from({ length: 100_000 }, (_, index) => index + 1).join(''))
  })

  test('lets a piece wait for nothing that is not there', async () => {
    const never = Promise.withResolvers<void>()
    const { stream } = source(
      (async function* () {
        yield 'a'
        await never.promise
      })(),
    )
    const reader = await open(stream)
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('a')
    never.resolve()
  })

  test('sends what comes before a failure', async () => {
    const { stream, log } = source(
      (async function* () {
        yield 'a'
        throw new Error('broken')
      })(),
    )
    const reader = await open(stream)
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('a')
    expect(reader.read()).rejects.toThrow('broken')
    expect(log).toEqual(['end'])
  })

  test('stops what makes the pieces, once, when the reader leaves', async () => {
    const { stream, log, returned } = source(counting())
    const reader = await open(stream)
    await reader.read()
    await reader.cancel()
    await returned
    expect(log).toEqual(['abort: The client left.', 'end'])
  })

  test('stops what makes the pieces when the reader leaves before the first', async () => {
    const { stream, log } = source(counting())
    await stream.cancel()
    expect(log).toEqual(['abort: The client left.', 'end'])
  })

  test('stops what makes the pieces when the client is gone, though nobody reads', async () => {
    const client = new AbortController()
    const { stream, log, returned } = source(counting(), { client: client.signal })
    await (await open(stream)).read()
    client.abort()
    await returned
    expect(log).toEqual(['abort: The client left.', 'end'])
  })

  test('ends once, with its last piece', async () => {
    const { stream, log } = source(counting(2))
    expect(await new Response(stream).text()).toBe('(12')
    expect(log).toEqual(['end'])
  })

  test('bridges silence and loses nothing by it', async () => {
    const speak = Promise.withResolvers<void>()
    let beats = 0
    const late = async function* () {
      await speak.promise
      yield 'late'
    }
    const { stream } = source(late(), {
      heartbeatMs: 1,
      heartbeat: () => {
        beats += 1
        if (beats === 3) speak.resolve()
        return '.'
      },
    })
    expect(await new Response(stream).text()).toMatch(/^\(\.{3,}late$/)
  })

  test('cuts off a reader that takes nothing of what waits', async () => {
    const { stream, log, returned } = source(counting(), { writeTimeoutMs: 5 })
    const reader = await open(stream)
    await reader.read()
    await returned
    expect(await reader.read()).toMatchObject({ done: true })
    expect(log).toEqual(['abort: The client stopped reading.', 'end'])
  })

  test('bridges each silence of the maker, and none of the reader', async () => {
    const gate = Promise.withResolvers<void>()
    const { stream } = source(
      (async function* () {
        yield 'a'
        await gate.promise
        yield 'b'
      })(),
      { heartbeatMs: 1, heartbeat: () => '.' },
    )
    const reader = await open(stream)
    const next = async () => new TextDecoder().decode((await reader.read()).value)
    expect(await next()).toBe('a')
    await Bun.sleep(10)
    expect([await next(), await next()]).toEqual(['.', '.'])
    gate.resolve()
    await Bun.sleep(10)
    expect(await next()).toBe('b')
  })

  test('does not take the silence of the maker for a reader that stalls', async () => {
    const slow = async function* () {
      yield 'a'
      await Bun.sleep(20)
      yield 'b'
    }
    const { stream, log } = source(slow(), { writeTimeoutMs: 5 })
    expect(await new Response(stream).text()).toBe('(ab')
    expect(log).toEqual(['end'])
  })

  test('sends its opening before there is anything else', async () => {
    const { stream, made } = source(counting())
    const { value } = await stream.getReader().read()
    expect([new TextDecoder().decode(value), made()]).toEqual(['(', 0])
  })
})

/** A reader that has taken the opening. */
async function open(stream: ReadableStream<Uint8Array>) {
  const reader = stream.getReader()
  await reader.read()
  return reader
}

type Source = Parameters<typeof toByteStream>[0]

function source(chunks: AsyncGenerator<string, void>, options: Partial<Source> = {}) {
  const log: string[] = []
  let made = 0
  const returned = Promise.withResolvers<void>()
  const watched = async function* () {
    try {
      for await (const chunk of chunks) {
        made += 1
        yield chunk
      }
    } finally {
      returned.resolve()
    }
  }
  const stream = toByteStream({
    opening: '(',
    chunks: watched(),
    heartbeatMs: 0,
    heartbeat: () => '',
    writeTimeoutMs: 0,
    client: new AbortController().signal,
    abort: (reason: ClinvkError) => log.push(`abort: ${reason.message}`),
    onEnd: () => log.push('end'),
    ...options,
  })
  return { stream, log, returned: returned.promise, made: () => made }
}

/** Each in a turn of the event loop of its own. */
async function* ticking(): AsyncGenerator<string, void> {
  for await (const piece of counting()) {
    await Bun.sleep(0)
    yield piece
  }
}

async function* counting(last = Number.POSITIVE_INFINITY): AsyncGenerator<string, void> {
  for (let number = 1; number <= last; number++) yield String(number)
}
