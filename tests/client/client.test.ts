/** The typed client, where what answers is not clinvk, or not whole. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { ClinvkProblem, createClient, type StreamEvent, streamPrompt } from '../../src/client/client.ts'
import { DONE, HALF, INIT, REFUSAL, startBadServer } from './bad-server.ts'

type Way = Parameters<ReturnType<typeof startBadServer>['at']>[0]

let server: ReturnType<typeof startBadServer>
beforeAll(() => {
  server = startBadServer()
})
afterAll(() => server.stop())

/** A port that nobody listens on. */
function nobody(): string {
  const listener = Bun.listen({ port: 0, hostname: '127.0.0.1', socket: { data() {} } })
  listener.stop(true)
  return `http://127.0.0.1:${listener.port}`
}

async function stream(url: string, signal?: AbortSignal) {
  const events: unknown[] = []
  try {
    for await (const event of streamPrompt(createClient(url), { prompt: 'hi' }, signal)) events.push(event)
  } catch (error) {
    return { events, error: error as Error }
  }
  return { events, error: undefined }
}

function problemOf(error: unknown) {
  expect(error).toBeInstanceOf(ClinvkProblem)
  const { problem, message } = error as ClinvkProblem
  expect(message).toBe(problem.detail)
  expect(message).not.toBe('')
  return problem
}

describe('streamPrompt', () => {
  test.each<Way>(['whole', 'crlf'])('reads a stream that is %s', async (way) => {
    expect(await stream(server.at(way))).toEqual({ events: [INIT, HALF, DONE], error: undefined })
  })

  test.each<[Way, unknown[]]>([
    ['cut', [INIT, HALF]],
    ['half-event', [INIT, HALF]],
    ['half-crlf', [INIT, HALF]],
    ['empty', []],
  ])('throws after a stream that is %s', async (way, told) => {
    const { events, error } = await stream(server.at(way))
    expect(events).toEqual(told)
    expect(problemOf(error)).toMatchObject({ code: 'stream_cut', status: 502, retryable: true })
    expect(error?.message).toContain('not complete')
  })

  test('throws the same where the connection breaks', async () => {
    const event = `data: ${JSON.stringify(INIT)}\n\n`
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
    const broken = Promise.withResolvers<void>()
    const listener = Bun.listen({
      port: 0,
      hostname: '127.0.0.1',
      socket: {
        data(socket) {
          socket.write(`${head}${event.length.toString(16)}\r\n${event}\r\n`)
          void broken.promise.then(() => socket.end())
        },
      },
    })
    const events = streamPrompt(createClient(`http://127.0.0.1:${listener.port}`), { prompt: 'hi' })
    expect(await events.next()).toEqual({ done: false, value: INIT as never })
    broken.resolve()
    const error = await events.next().catch((failure) => failure)
    listener.stop(true)
    expect(problemOf(error)).toMatchObject({ code: 'stream_cut', retryable: true })
  })

  test.each<Way>(['lines', 'number', 'typeless', 'failed-badly'])(
    'yields nothing that is no event: %s',
    async (way) => {
      const { events, error } = await stream(server.at(way))
      expect(events).toEqual([INIT])
      expect(problemOf(error)).toMatchObject({ code: 'foreign_answer', status: 502, retryable: false })
    },
  )

  test.each<[Way, number, boolean]>([
    ['html', 502, false],
    ['text', 502, false],
    ['json', 502, false],
    ['json-text', 502, false],
    ['broken-json', 500, true],
    ['foreign-json', 502, true],
    ['no-body', 504, true],
    ['refused-half', 429, true],
  ])('throws at an answer that is no stream: %s', async (way, status, retryable) => {
    const { events, error } = await stream(server.at(way))
    expect(events).toEqual([])
    expect(problemOf(error)).toMatchObject({ code: 'foreign_answer', status, retryable })
  })

  test.each<Way>(['refused', 'failed-well'])('throws what the server says: %s', async (way) => {
    expect(problemOf((await stream(server.at(way))).error)).toEqual(REFUSAL as never)
  })

  test('says where nobody answers', async () => {
    const url = nobody()
    const { error } = await stream(url)
    expect(problemOf(error)).toMatchObject({ code: 'unreachable', status: 503, retryable: true })
    expect(error?.message).toContain(url)
  })

  test('ends with the reason of whoever aborts it', async () => {
    const before = AbortSignal.abort(new Error('enough'))
    expect((await stream(server.at('hanging'), before)).error?.message).toBe('enough')

    const leaving = new AbortController()
    const seen: StreamEvent[] = []
    const reading = (async () => {
      const client = createClient(server.at('hanging'))
      for await (const event of streamPrompt(client, { prompt: 'hi' }, leaving.signal)) {
        seen.push(event)
        if (event.type === 'message') leaving.abort(new Error('enough'))
      }
    })()
    expect(reading).rejects.toThrow('enough')
    await reading.catch(() => {})
    expect(seen).toEqual([INIT, HALF] as never)
  })
})

describe('a call', () => {
  test.each<[Way, number]>([
    ['html', 502],
    ['text', 502],
    ['json-text', 502],
    ['broken-json', 500],
    ['broken-json-200', 502],
    ['foreign-json', 502],
    ['no-body', 504],
    ['refused-half', 429],
  ])('answers what is not clinvk’s as a problem: %s', async (way, status) => {
    const { data, error } = await createClient(server.at(way)).api.v1.prompt.post({ prompt: 'hi' })
    expect(data).toBeNull()
    expect(error).toMatchObject({ status, value: { code: 'foreign_answer', status } })
    expect(error?.value.detail).toContain(server.at(way))
  })

  test('answers where nobody is', async () => {
    const { error } = await createClient(nobody()).health.get()
    expect(error).toMatchObject({ status: 503, value: { code: 'unreachable', status: 503 } })
  })

  test('answers what the server refuses, and what it says', async () => {
    const { error } = await createClient(server.at('refused')).api.v1.prompt.post({ prompt: 'hi' })
    expect(error).toMatchObject({ status: 429, value: REFUSAL })
    const { data } = await createClient(server.at('json')).api.v1.prompt.post({ prompt: 'hi' })
    expect(data).toEqual({ response: 'whole' } as never)
    const asText = { headers: { accept: 'text/plain' } }
    const text = await createClient(server.at('text')).api.v1.prompt.post({ prompt: 'hi' }, asText)
    expect(text.data).toBe('Back soon' as never)
  })
})

test('the key goes to the server as a bearer, and nowhere that it redirects to', async () => {
  const clinvk = createClient(server.elsewhere, { apiKey: 'secret' })
  server.keys.length = 0
  const { error } = await clinvk.api.v1.prompt.post({ prompt: 'hi' })
  expect(error).toMatchObject({ status: 503, value: { code: 'unreachable' } })
  await clinvk.health.get({ fetch: { redirect: 'follow' } })
  expect(server.redirected).toEqual([])
  expect(server.keys).toEqual(['Bearer secret null', 'Bearer secret null'])
})
