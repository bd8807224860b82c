import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { version } from '../../package.json'
import { agentEnv } from '../agents/env.ts'
import { answerOf, json, readSse, type WireEvent } from '../support/events.ts'
import { processesIn } from '../support/processes.ts'
import { clinvkCommand, type ServedClinvk, type ServeOptions, startClinvk } from '../support/serve.ts'

const MAIN = join(import.meta.dir, '../../src/main.ts')

let home: string
let running: ServedClinvk[] = []
beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-serve-')))
  await mkdir(join(home, 'work'))
})
afterEach(async () => {
  await Promise.all(running.map((server) => server.stop('SIGKILL')))
  running = []
  expect(await processesIn(home)).toEqual([])
  await rm(home, { recursive: true, force: true })
})

/** A machine without any agent: nothing but a shell's own programs on the PATH. */
const bare = (more: Record<string, string> = {}) => ({ PATH: '/usr/bin:/bin', HOME: home, ...more })
async function serve(options: Partial<ServeOptions> = {}): Promise<ServedClinvk> {
  const server = await startClinvk({ env: bare(), cwd: join(home, 'work'), ...options })
  running.push(server)
  return server
}
async function writeConfig(text: string): Promise<void> {
  await Bun.write(join(home, '.clinvk/config.yaml'), text)
}
async function runCli(args: string[], env: Record<string, string> = bare()) {
  const proc = Bun.spawn({
    cmd: [...clinvkCommand(), ...args],
    cwd: join(home, 'work'),
    env,
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, code] = await Promise.all([proc.stdout.text(), proc.stderr.text(), proc.exited])
  return { stdout, stderr, code }
}
const demo = (server: ServedClinvk, prompt: string, more: Record<string, unknown> = {}, init?: RequestInit) =>
  server.post('/api/v1/prompt', { backend: 'demo', prompt, stream: true, ...more }, init)
const eventsOf = async (response: Response): Promise<WireEvent[]> => await Array.fromAsync(readSse(response))

describe('clinvk serve on a machine without any agent', () => {
  test('says where it listens, who is missing and how to get them, and offers the demo agent as what it is', async () => {
    const server = await serve()
    await fetch(`${server.url}/health`)
    const text = server.output()
    expect(text).toContain(`listens on ${server.url}`)
    expect(text).toMatch(/claude +not installed\. .*npm install -g @anthropic-ai\/claude-code/)
    expect(text).toMatch(/gemini +not installed\. .*npm install -g @google\/gemini-cli/)
    expect(text).toMatch(/demo +demo agent, no model/)
    expect(await json(await fetch(`${server.url}/health`))).toMatchObject({ status: 'ok', demo: true })
    const { backends } = await json(await fetch(`${server.url}/api/v1/backends`))
    expect(
      backends.map(({ name, ready, demo, default: main }: Record<string, unknown>) => [
        name,
        ready,
        demo,
        main,
      ]),
    ).toEqual([
      ['claude', false, false, false],
      ['codex', false, false, false],
      ['gemini', false, false, false],
      ['opencode', false, false, false],
      ['demo', true, true, false],
    ])
  })

  test('streams an answer of the demo agent, and goes on in its session', async () => {
    const server = await serve()
    const events = await eventsOf(await demo(server, 'Grüße, wie geht’s?'))
    expect(events.map(({ type }) => type).filter((type) => type === 'message').length).toBeGreaterThan(3)
    expect(answerOf(events)).toBe('[clinvk demo agent, no model] You said: Grüße, wie geht’s?')
    const again = await demo(server, 'demo: history', { session_id: events[0]?.session_id })
    expect(answerOf(await eventsOf(again))).toContain('Grüße, wie geht’s?')
  })

  test('never gives a prompt to the demo agent that did not name it', async () => {
    const server = await serve()
    const response = await server.post('/api/v1/prompt', { prompt: 'hello' })
    expect(response.status).toBe(503)
    expect(await json(response)).toMatchObject({
      code: 'backend_not_installed',
      detail: expect.stringContaining('"demo"'),
    })
    const missing = await server.post('/api/v1/prompt', { backend: 'claude', prompt: 'hello' })
    expect(missing.status).toBe(503)
    expect((await json(missing)).detail).toContain('npm install -g @anthropic-ai/claude-code')
  })

  test('offers the demo agent beside a real one only when it is asked to', async () => {
    const bin = join(home, 'bin')
    await mkdir(bin)
    await Bun.write(join(bin, 'opencode'), '#!/bin/sh\necho 9.9.9\n')
    await Bun.$`chmod +x ${join(bin, 'opencode')}`.quiet()
    const env = bare({ PATH: `${bin}:/usr/bin:/bin` })
    const names = async (server: ServedClinvk) =>
      (await json(await fetch(`${server.url}/api/v1/backends`))).backends.map(
        ({ name }: { name: string }) => name,
      )
    expect(await names(await serve({ env }))).not.toContain('demo')
    expect(await names(await serve({ env, args: ['--demo'] }))).toContain('demo')
    await writeConfig('backends: {demo: {}}\n')
    expect(await names(await serve({ env }))).toContain('demo')
  })
})

describe('a turn over HTTP', () => {
  test('shows thinking, a tool, its denial, and the failure of a provider', async () => {
    const server = await serve()
    const events = await eventsOf(
      await demo(server, 'demo: think=hm; tool=read_file {"path":"x"}; ask=write_file; say=done'),
    )
    const types = events.map(({ type }) => type)
    for (const type of ['init', 'thinking', 'tool_use', 'tool_result', 'message', 'done'])
      expect(types).toContain(type)
    expect(events.find(({ content }) => content?.kind === 'approval')?.content).toMatchObject({
      decision: 'denied',
    })
    const failed = await demo(server, 'demo: fail=429 retry-after=3s slow down', { stream: false })
    expect(failed.status).toBe(429)
    expect(failed.headers.get('retry-after')).toBe('3')
    expect(await json(failed)).toMatchObject({
      code: 'upstream_rate_limited',
      detail: expect.stringContaining('slow down'),
    })
    const late = await eventsOf(await demo(server, 'demo: say=partial; fail=529 busy'))
    expect(late.at(-1)).toMatchObject({
      type: 'error',
      content: { status: 529, code: 'upstream_overloaded' },
    })
  })

  test('says that the agent’s process ended, and has another one for the next prompt', async () => {
    const server = await serve()
    const events = await eventsOf(await demo(server, 'demo: crash=9'))
    expect(events.at(-1)).toMatchObject({ type: 'error', content: { status: 502, code: 'agent_crashed' } })
    expect(answerOf(await eventsOf(await demo(server, 'demo: say=back')))).toBe('back')
  })

  test('is cancelled when its client leaves, also with an agent that does not listen', async () => {
    const server = await serve()
    for (const script of ['demo: say=here; hang', 'demo: ignore-cancel; say=here; hang']) {
      const leaving = new AbortController()
      const response = await demo(server, script, { ephemeral: true }, { signal: leaving.signal })
      for await (const event of readSse(response)) if (event.type === 'message') break
      leaving.abort()
      expect(answerOf(await eventsOf(await demo(server, 'demo: say=next')))).toBe('next')
    }
  })

  test('fails an agent that is silent for too long', async () => {
    await writeConfig('server: {request_timeout_secs: 0.3}\n')
    const server = await serve()
    const response = await demo(server, 'demo: hang', { stream: false })
    expect(response.status).toBe(504)
    expect(await json(response)).toMatchObject({ code: 'timeout' })
  })

  test('waits for a client that reads slowly, and gives it everything', async () => {
    const server = await serve()
    const response = await demo(server, 'demo: tokens=20000 size=1000')
    await Bun.sleep(500)
    let length = 0
    for await (const event of readSse(response))
      if (event.type === 'message') length += String(event.content).length
    expect(length).toBe(20_000_000)
  })
})

describe('an agent that does not behave', () => {
  test('is bridged while it does not open, and given up when it stays silent', async () => {
    const script = join(home, 'mute.ts')
    await Bun.write(
      script,
      `for await (const line of console) {
        const { id, method } = JSON.parse(line)
        if (method === 'initialize') console.log(JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: 1 } }))
      }`,
    )
    const command = JSON.stringify([process.execPath, script])
    await writeConfig(`backends: {mute: {driver: acp, command: ${command}}}
server: {request_timeout_secs: 4, heartbeat_secs: 0.2}
`)
    const server = await serve()
    const response = await server.post('/api/v1/prompt', { backend: 'mute', prompt: 'hi', stream: true })
    expect(response.status).toBe(200)
    const text = await response.text()
    expect(text).toContain(': keep-alive')
    expect(text).toContain('"code":"timeout"')
    const waiting = await server.post('/api/v1/prompt', { backend: 'mute', prompt: 'hi' })
    expect(waiting.status).toBe(504)
  }, 180_000)

  test('is not held up for others by a client that does not read', async () => {
    const server = await serve()
    const unread = await demo(server, 'demo: tokens=20000 size=1000')
    await Bun.sleep(300)
    expect(answerOf(await eventsOf(await demo(server, 'demo: say=hello')))).toBe('hello')
    await unread.body?.cancel()
  }, 180_000)

  test('does not fail the server that writes to a command which takes no input', async () => {
    await writeConfig('backends: {deaf: {driver: exec, command: [sh, -c, "exec <&-; echo done"]}}\n')
    const server = await serve()
    const response = await server.post('/api/v1/prompt', { backend: 'deaf', prompt: 'x'.repeat(5_000_000) })
    expect((await json(response)).response).toBe('done\n')
    expect(await server.stop('SIGTERM')).toBe(0)
    expect(server.output()).not.toContain('EPIPE')
  })
})

describe('clinvk serve as a process', () => {
  test('leaves no agent behind when it is killed in the middle of a turn', async () => {
    const server = await serve()
    const response = await demo(server, 'demo: say=here; hang')
    for await (const event of readSse(response)) if (event.type === 'message') break
    await server.stop('SIGKILL')
    // afterEach looks at the processes.
  })

  test('says in one line that a port is in use, and ends with 1', async () => {
    const server = await serve()
    const port = new URL(server.url).port
    const { code, stderr } = await runCli(['serve', '--port', port])
    expect(code).toBe(1)
    expect(stderr).toBe(
      `clinvk: clinvk ${version} runs on 127.0.0.1:${port} already. Use it, or choose another port with --port.\n`,
    )
    const other = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response('other') })
    try {
      expect(await runCli(['serve', '--port', String(other.port)])).toMatchObject({
        code: 1,
        stderr: `clinvk: Port ${other.port} on 127.0.0.1 is in use. Stop what uses it, or choose another with --port.\n`,
      })
    } finally {
      await other.stop(true)
    }
  })

  test('ends where it cannot listen, whatever agent it was looking at', async () => {
    // One that is logged in is kept for the first prompt.
    const env = await agentEnv('http://127.0.0.1:9', { home })
    // An address that no machine has (RFC 5737).
    expect(await runCli(['serve', '--host', '192.0.2.1'], env)).toMatchObject({ code: 1 })
  }, 120_000)

  test('names what is wrong in its configuration, and ends with 3', async () => {
    await writeConfig('server:\n  prot: 3000\n')
    const { code, stderr } = await runCli(['serve'])
    expect(code).toBe(3)
    expect(stderr).toContain('config.yaml:2:3: server.prot: unknown key: did you mean server.port?')
    expect((await runCli(['serve', '--port', 'many'])).code).toBe(3)
  })

  test('names an unknown flag or command, and ends with 2', async () => {
    expect(await runCli(['serve', '--prot', '1'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean --port?'),
    })
    expect(await runCli(['srve'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean "serve"?'),
    })
    expect((await runCli(['__proto__'])).code).toBe(2)
    expect(await runCli(['--verison'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean --version?'),
    })
    expect(await runCli(['which files are here?'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('POST /api/v1/prompt'),
    })
  })

  test('tells its commands in plain text where nobody looks on', async () => {
    const { code, stdout } = await runCli(['help'])
    expect([code, stdout]).toEqual([0, expect.stringContaining('serve')])
    expect(stdout).toBe(stripVTControlCharacters(stdout))
    expect((await runCli(['--help'])).stdout).toBe(stdout)
  })

  test('warns where everybody can reach it, and asks for a key where there are keys', async () => {
    const open = await serve({ args: ['--host', '0.0.0.0'] })
    await fetch(`${open.url}/health`)
    expect(open.output()).toContain('WARNING: clinvk listens on 0.0.0.0 without API keys.')
    const address = Object.values(networkInterfaces())
      .flat()
      .find((found) => found?.family === 'IPv4')?.address
    expect((await fetch(`http://${address}:${new URL(open.url).port}/health`)).status).toBe(200)

    const closed = await serve({
      args: ['--host', '0.0.0.0'],
      env: bare({ CLINVK_API_KEYS: 'secret-1, secret-2' }),
    })
    expect(closed.output()).not.toContain('WARNING')
    expect((await demo(closed, 'hi')).status).toBe(401)
    const key = { headers: { authorization: 'Bearer secret-2' } }
    expect((await demo(closed, 'demo: say=hi', {}, key)).status).toBe(200)
    expect((await fetch(`${closed.url}/health`)).status).toBe(200)
  })

  test('keeps its keys and variables from the agents', async () => {
    await writeConfig('backends: {env: {driver: exec, command: [env]}}\n')
    const server = await serve({ env: bare({ CLINVK_API_KEYS: 'secret-1', THEIRS: 'yes' }) })
    const response = await server.post(
      '/api/v1/prompt',
      { backend: 'env', prompt: 'x' },
      { headers: { 'x-api-key': 'secret-1' } },
    )
    const { response: text } = await json(response)
    expect(text).toContain('THEIRS=yes')
    expect(text).not.toContain('secret-1')
    expect(text).not.toMatch(/CLINVK_(?!CHILD)/)
  })

  test('runs any command that is configured', async () => {
    await writeConfig('backends: {shout: {driver: exec, command: [tr, a-z, A-Z]}}\n')
    const server = await serve()
    const body = { backend: 'shout', prompt: 'hello' }
    const answer = await json(await server.post('/api/v1/prompt', body))
    expect(answer).toMatchObject({ response: 'HELLO', backend: 'shout' })
    const { session_id } = answer
    const next = await server.post('/api/v1/prompt', { ...body, session_id })
    expect([next.status, await json(next)]).toMatchObject([
      404,
      { code: 'session_not_found', detail: expect.stringContaining('shout remembers nothing') },
    ])
  })
})

test('clinvk version and --version print the version', async () => {
  const { stdout } = await runCli(['version'])
  expect(stdout).toMatch(/^clinvk \d+\.\d+\.\d+\n$/)
  expect((await runCli(['--version'])).stdout.trim()).toBe(stdout.replace('clinvk ', '').trim())
})

test('a bundle of one file finds the thread in which answers are checked', async () => {
  const built = await Bun.build({ entrypoints: [MAIN], outdir: join(home, 'bundle'), target: 'bun' })
  expect(built.success).toBe(true)
  const server = await serve({ command: [process.execPath, join(home, 'bundle/main.js')] })
  const response = await server.post('/openai/v1/chat/completions', {
    model: 'demo',
    messages: [{ role: 'user', content: 'hi' }],
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { $ref: '#' } } },
  })
  expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('without end')])
})
