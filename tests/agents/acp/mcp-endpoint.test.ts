import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { connect } from 'node:net'
import { type McpAdmission, type McpEndpoint, openMcpEndpoint } from '../../../src/agents/acp/mcp-endpoint.ts'
import { createMcpSession, type McpCall } from '../../../src/agents/acp/mcp-session.ts'
import { waitUntil } from '../../support/processes.ts'

interface Client {
  readonly admission: McpAdmission
  readonly calls: McpCall[]
  readonly listed: Promise<void>
  post(message: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>
  ask(method: string, params?: object): Promise<unknown>
}

let endpoint: McpEndpoint
beforeAll(() => {
  endpoint = openMcpEndpoint()
})
afterAll(() => endpoint.stop())

function admit(name: string, more: { progress?: boolean; beatMs?: number } = {}): Client {
  const calls: McpCall[] = []
  const session = createMcpSession({
    tools: [{ name, description: `Of ${name}.`, inputSchema: { type: 'object', properties: {} } }],
    onCall: (call) => calls.push(call),
    progress: false,
    ...more,
  })
  const admission = endpoint.admit(session)
  const post: Client['post'] = (message, headers) =>
    fetch(admission.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...Object.fromEntries(admission.headers.map((header) => [header.name, header.value])),
        ...headers,
      },
      body: typeof message === 'string' ? message : JSON.stringify(message),
    })
  return {
    admission,
    calls,
    listed: session.listed,
    post,
    ask: async (method, params = {}) => (await post({ jsonrpc: '2.0', id: 7, method, params })).json(),
  }
}

const call = (name: string, more: object = {}) => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name, arguments: { city: 'Bern' }, ...more },
})

describe('the MCP server for the tools of clients', () => {
  test('speaks the version that it is asked for', async () => {
    const { ask } = admit('one')
    for (const protocolVersion of ['2024-11-05', '2025-06-18', '2025-11-25'])
      expect(await ask('initialize', { protocolVersion })).toMatchObject({
        id: 7,
        result: { protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'clinvk' } },
      })
    expect(await ask('ping')).toEqual({ jsonrpc: '2.0', id: 7, result: {} })
    expect(await ask('resources/list')).toMatchObject({ error: { code: -32601 } })
  })

  test('takes notifications in silence', async () => {
    const { post } = admit('one')
    const answer = await post({ jsonrpc: '2.0', method: 'notifications/initialized' })
    expect([answer.status, await answer.text()]).toEqual([202, ''])
  })

  test('shows each secret the tools of its own session', async () => {
    const [one, two] = [admit('one'), admit('two')]
    expect(await one.ask('tools/list')).toMatchObject({ result: { tools: [{ name: 'one' }] } })
    await one.listed
    expect(await two.ask('tools/list')).toMatchObject({ result: { tools: [{ name: 'two' }] } })
    expect(await (await one.post(call('two'))).json()).toMatchObject({ error: { code: -32602 } })
    expect([...one.calls, ...two.calls]).toEqual([])
    expect(one.admission.headers[0]?.value).toMatch(/^Bearer [\w-]{43}$/)
    expect(one.admission.headers).not.toEqual(two.admission.headers)
  })

  test('tells nothing to whoever has no secret, or an old one', async () => {
    const { post, admission } = admit('one')
    for (const authorization of ['', 'Bearer x', admission.headers[0]?.value.slice(0, -1) ?? '']) {
      const answer = await post(call('one'), { authorization })
      expect([answer.status, await answer.text()]).toEqual([401, ''])
    }
    expect((await fetch(admission.url)).status).toBe(401)
    admission.revoke()
    expect((await post(call('one'))).status).toBe(401)
  })

  test('keeps browsers out, by their origin and by another name for this machine', async () => {
    const { post, calls } = admit('one')
    expect((await post(call('one'), { origin: 'http://127.0.0.1' })).status).toBe(403)
    expect((await post(call('one'), { host: 'evil.example' })).status).toBe(403)
    expect(calls).toEqual([])
  })

  test('has one method, and bodies of JSON within a limit', async () => {
    const { admission, post } = admit('one')
    const headers = { authorization: admission.headers[0]?.value ?? '' }
    for (const method of ['GET', 'DELETE', 'PUT'])
      expect((await fetch(admission.url, { method, headers })).status).toBe(405)
    expect((await post('{')).status).toBe(400)
    expect(await (await post('[]')).json()).toMatchObject({ error: { code: -32600 } })
    expect((await post(`"${'x'.repeat(17 * 1024 * 1024)}"`)).status).toBe(413)
  })

  test('answers a call at once, gives signs of life, and the result when it is there', async () => {
    const { post, calls } = admit('one', { beatMs: 20 })
    const answer = await post(call('one', { _meta: { progressToken: 3 } }))
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    const pieces: string[] = []
    const reading = (async () => {
      const decoder = new TextDecoder()
      for await (const piece of answer.body ?? []) pieces.push(decoder.decode(piece))
    })()
    await waitUntil(() => pieces.join('').split(': waiting\n\n').length > 3)
    expect(calls).toMatchObject([{ name: 'one', input: { city: 'Bern' } }])
    expect(pieces.join('')).not.toContain('data:')
    calls[0]?.answer({ content: [{ type: 'text', text: 'sunny' }] })
    calls[0]?.answer({ content: [] })
    await reading
    const [, data] = /^data: (.*)$/m.exec(pieces.join('')) ?? []
    expect(JSON.parse(data ?? '')).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { content: [{ type: 'text', text: 'sunny' }] },
    })
    expect(pieces.join('').split('data:')).toHaveLength(2)
  })

  test('tells of progress where it has to', async () => {
    const { post, calls } = admit('one', { beatMs: 20, progress: true })
    const answer = await post(call('one', { _meta: { progressToken: 3 } }))
    setTimeout(() => calls[0]?.answer({ content: [] }), 90)
    const told = (await answer.text()).matchAll(/^data: (.*)$/gm)
    const messages = [...told].map(([, data]) => JSON.parse(data ?? ''))
    expect(messages.slice(0, 2)).toMatchObject([
      { method: 'notifications/progress', params: { progressToken: 3, progress: 1 } },
      { method: 'notifications/progress', params: { progressToken: 3, progress: 2 } },
    ])
    expect(messages.at(-1)).toMatchObject({ id: 1, result: { content: [] } })
  })

  test('takes a result for a caller that has left', async () => {
    const { post, calls } = admit('one', { beatMs: 10 })
    const answer = await post(call('one'))
    await answer.body?.cancel()
    await Bun.sleep(50)
    calls[0]?.answer({ content: [] })
  })
})

describe('a connection', () => {
  const connectTo = (url: string, text = '') => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname, () => socket.write(text))
    let heard = ''
    socket.on('data', (data) => {
      heard += data.toString()
    })
    return new Promise<string>((resolve) => socket.on('close', () => resolve(heard)))
  }

  test('ends with its answer, whoever asked', async () => {
    const { admission } = admit('one')
    const stranger = `GET /mcp HTTP/1.1\r\nHost: ${new URL(admission.url).host}\r\n`
    expect(await connectTo(admission.url, `${stranger}\r\n`)).toStartWith('HTTP/1.1 401')
    const known = `Authorization: ${admission.headers[0]?.value}\r\n`
    expect(await connectTo(admission.url, `${stranger}${known}\r\n`)).toStartWith('HTTP/1.1 405')
  })

  test('ends where nothing comes, while a call waits longer', async () => {
    const { post, calls, admission } = admit('one')
    const waiting = await post(call('one'))
    expect(
      await Promise.all([connectTo(admission.url), connectTo(admission.url, 'POST /mcp HTTP/1.1\r\n')]),
    ).toEqual(['', ''])
    calls[0]?.answer({ content: [{ type: 'text', text: 'sunny' }] })
    expect(await waiting.text()).toContain('sunny')
  }, 180_000)
})

test('leaves no port open when it is stopped', async () => {
  const own = openMcpEndpoint()
  const { url } = own.admit(createMcpSession({ tools: [], onCall() {}, progress: false }))
  expect((await fetch(url)).status).toBe(401)
  await own.stop()
  await expect(fetch(url)).rejects.toThrow()
})
