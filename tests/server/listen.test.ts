import { afterEach, describe, expect, test } from 'bun:test'
import { connect, type Socket } from 'node:net'
import type { Config } from '../../src/config/schema.ts'
import { ClinvkError } from '../../src/errors.ts'
import { type Listening, listen } from '../../src/server/listen.ts'
import { answer, configWith, eventsOf, type FakeEngine, fakeEngine, thenHang } from './support.ts'

const running: Listening[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop(0)))
})

describe('listen', () => {
  test('takes a free port for 0 and says which', async () => {
    const { url, port } = start()
    expect(port).toBeGreaterThan(0)
    expect(url).toBe(`http://127.0.0.1:${port}`)
    expect((await fetch(`${url}/health`)).status).toBe(200)
  })

  test('says in one line that a port is in use', () => {
    const { port } = start()
    expect(() => start(fakeEngine(), { port })).toThrow(
      new Error(`Port ${port} on 127.0.0.1 is in use. Stop what uses it, or choose another with --port.`),
    )
  })

  test('says that an address is none of this machine', () => {
    expect(() => start(fakeEngine(), { host: '198.51.100.1' })).toThrow(/^Cannot listen on 198\.51\.100\.1:0/)
  })
})

describe('over a socket', () => {
  test('a stream arrives piece by piece, in whole characters', async () => {
    const more = Promise.withResolvers<void>()
    const engine = fakeEngine(async function* () {
      yield* answer('€🙂').slice(0, 2)
      await more.promise
      yield* answer('é').slice(1)
    })
    const response = await post(start(engine), { prompt: 'x', stream: true })
    let text = ''
    const decoder = new TextDecoder('utf-8', { fatal: true })
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true })
      // The rest is made only after the first part was seen.
      if (text.includes('€🙂')) more.resolve()
    }
    expect(eventsOf(text).map(({ type }) => type)).toEqual(['init', 'message', 'message', 'done'])
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('the headers of a stream come before its first event', async () => {
    const first = Promise.withResolvers<void>()
    const engine = fakeEngine(async function* () {
      await first.promise
      yield* answer('x')
    })
    const response = await post(start(engine), { prompt: 'x', stream: true })
    expect(response.status).toBe(200)
    first.resolve()
    expect(eventsOf(await response.text()).at(-1)?.type).toBe('done')
  })

  test('a status of the provider that HTTP does not know arrives as it is', async () => {
    const server = start(
      fakeEngine(() => {
        throw new ClinvkError('upstream_overloaded', 'busy')
      }),
    )
    expect((await post(server, { prompt: 'x' })).status).toBe(529)
  })

  test('a client that hangs up cancels its turn', async () => {
    for (const stream of [true, false]) {
      const engine = fakeEngine((_, signal) => thenHang([{ type: 'init' }], signal))
      const socket = send(start(engine), JSON.stringify({ prompt: 'x', stream }))
      while (engine.taken() === 0) await Bun.sleep(1)
      socket.destroy()
      while (engine.ends.length === 0) await Bun.sleep(1)
      expect(engine.ends).toEqual(['cancelled'])
    }
  })

  test('a client that does not read slows its agent, and is cut off after the write timeout', async () => {
    const chunk = 'x'.repeat(10_000)
    const total = 20_000
    const engine = fakeEngine(() => answer(...Array.from({ length: total }, () => chunk)))
    const server = start(engine, { write_timeout_secs: 0.3, idle_timeout_secs: 1 })
    const socket = send(server, JSON.stringify({ prompt: 'x', stream: true }))
    socket.pause()
    while (engine.ends.length === 0) await Bun.sleep(5)
    expect(engine.ends).toEqual(['cancelled'])
    // What was taken is what the sockets' buffers hold, not the 200 MB of the answer.
    expect(engine.taken()).toBeLessThan(total / 10)
    socket.destroy()
  })

  for (const path of ['/api/v1/prompt', '/nothing'])
    test(`a body that is too large for ${path} is answered, with its length told or in chunks`, async () => {
      const server = start(fakeEngine(), { max_request_body_bytes: 1000 })
      for (const body of [new Uint8Array(300_000), endless(300_000)]) {
        const response = await fetch(`${server.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        })
        expect(response.status).toBe(path === '/nothing' ? 404 : 413)
        expect(response.headers.get('content-type')).toBe('application/problem+json')
        await response.json()
      }
    })

  test('a body that does not arrive is answered with 408', async () => {
    const server = start(fakeEngine(), { read_timeout_secs: 0.05 })
    const socket = connect(server.port, '127.0.0.1')
    socket.write(
      'POST /api/v1/prompt HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"prompt"',
    )
    const text = await firstOf(socket)
    expect(text).toStartWith('HTTP/1.1 408 ')
    expect(text).toContain('"code":"request_timeout"')
    socket.destroy()
  })

  test('a Host of elsewhere is refused', async () => {
    const { port } = start()
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n')
    expect(await firstOf(socket)).toStartWith('HTTP/1.1 403 ')
    socket.destroy()
  })

  test('a request without a Host is told so', async () => {
    const { port } = start()
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /health HTTP/1.0\r\n\r\n')
    const text = await firstOf(socket)
    expect(text).toStartWith('HTTP/1.1 400 ')
    expect(text).toContain('The request names no Host.')
    socket.destroy()
  })

  test('every route stands behind the key', async () => {
    const { url } = start(fakeEngine(), {}, ['secret'])
    for (const path of ['/docs', '/openapi.json', '/docs/assets/start.js', '/api/v1/backends'])
      expect([path, (await fetch(url + path)).status]).toEqual([path, 401])
    expect((await fetch(`${url}/docs`, { headers: { 'x-api-key': 'secret' } })).status).toBe(200)
  })

  test('a connection serves one request after another, streams between them', async () => {
    const server = start()
    for (const stream of [false, true, false, true])
      expect(await (await post(server, { prompt: 'x', stream })).text()).toContain('hi')
  })

  test('slow answers and silent streams outlive the idle timer', async () => {
    // The runtime's timers tick every four seconds at worst: 1 s means 5 s at most.
    const engine = fakeEngine(async function* () {
      yield { type: 'init' } as const
      await Bun.sleep(6000)
      yield* answer('late').slice(1)
    })
    const server = start(engine, { idle_timeout_secs: 1, heartbeat_secs: 0 })
    const texts = await Promise.all(
      [false, true].map(async (stream) => (await post(server, { prompt: 'x', stream })).text()),
    )
    for (const text of texts) expect(text).toContain('late')
  }, 180_000)
})

describe('stop', () => {
  test('tells the clients of running turns, refuses new ones and closes the port', async () => {
    const engine = fakeEngine((_, signal) => thenHang([{ type: 'init' }], signal))
    const server = start(engine)
    const stream = post(server, { prompt: 'x', stream: true }).then((response) => response.text())
    const json = post(server, { prompt: 'x' })
    while (engine.taken() < 2) await Bun.sleep(1)
    await server.stop()
    expect(eventsOf(await stream).at(-1)).toMatchObject({ type: 'error', content: { code: 'shutting_down' } })
    expect((await json).status).toBe(503)
    expect(engine.ends).toEqual(['shutting_down', 'shutting_down'])
    await expect(fetch(`${server.url}/health`)).rejects.toThrow()
  })

  test('does not wait for a client that reads nothing', async () => {
    const chunk = 'x'.repeat(10_000)
    const engine = fakeEngine(() => answer(...Array.from({ length: 20_000 }, () => chunk)))
    const server = start(engine)
    const socket = send(server, JSON.stringify({ prompt: 'x', stream: true }))
    socket.pause()
    let before = -1
    while (engine.taken() === 0 || before !== engine.taken()) {
      before = engine.taken()
      await Bun.sleep(50)
    }
    await server.stop(50)
    while (engine.ends.length === 0) await Bun.sleep(1)
    expect(engine.ends).toEqual(['cancelled'])
    socket.destroy()
  })
})

function start(
  engine: FakeEngine = fakeEngine(),
  server: Partial<Config['server']> = {},
  apiKeys: string[] = [],
): Listening {
  const listening = listen({
    engine,
    config: configWith({ port: 0, ...server }),
    apiKeys,
    version: '9.9.9',
    log() {},
  })
  running.push(listening)
  return listening
}

function post({ url }: Listening, body: unknown): Promise<Response> {
  return fetch(`${url}/api/v1/prompt`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

/** Sends a prompt over a bare socket, which can hang up or stop reading. */
function send({ port }: Listening, body: string): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `POST /api/v1/prompt HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  return socket
}

function firstOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.once('data', (data) => resolve(data.toString())))
}

/** A body without a length, which is sent in chunks. */
function endless(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes
  return new ReadableStream({
    pull(controller) {
      if (left <= 0) return controller.close()
      left -= 10_000
      controller.enqueue(new Uint8Array(10_000))
    },
  })
}
