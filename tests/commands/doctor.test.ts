import { Database } from 'bun:sqlite'
import { afterEach, beforeEach, describe, expect, test } from 'bun:test'
import { mkdir, readdir, stat, unlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import { KNOWN_AGENTS } from '../../src/agents/known.ts'
import { judgeLimits } from '../../src/commands/doctor/check-limits.ts'
import { type Check, DoctorReport } from '../../src/commands/doctor/report.ts'
import { MIGRATIONS } from '../../src/sessions/migrations.ts'
import { VERSION } from '../../src/version.ts'
import pins from '../agents/package.json' with { type: 'json' }
import { answerOf, readSse } from '../support/events.ts'
import { type ServedClinvk, startClinvk } from '../support/serve.ts'
import { createDesk, type Desk } from './cli.ts'

let desk: Desk
let servers: ServedClinvk[] = []
let listeners: Server[] = []
beforeEach(async () => {
  desk = await createDesk()
})
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()))
  for (const listener of listeners) listener.close()
  servers = []
  listeners = []
  await desk.remove()
})

/** What it finds, and the exit code that goes with it. A free port by default: somebody may use the usual one. */
async function examine(args: string[] = [], env: Record<string, string> = {}) {
  const port = args.includes('--port') || args.includes('--config') ? [] : ['--port', '0']
  const { stdout, code } = await desk.run(['doctor', '--json', ...port, ...args], env)
  const report: DoctorReport = JSON.parse(stdout)
  expect([...Value.Errors(DoctorReport, report)]).toEqual([])
  expect(code).toBe(report.ok ? 0 : 1)
  const of = (part: Check['part'], backend?: string) =>
    report.checks.filter((check) => check.part === part && check.backend === backend)
  return { report, of, text: stdout }
}

/** A Claude Code that says what it is asked at the start. */
const claude = (version: string, loggedIn = true) =>
  desk.program(
    'claude',
    `case "$1" in --version) echo "${version} (Claude Code)" ;; auth) echo '{"loggedIn": ${loggedIn}}' ;; esac`,
  )
const TESTED = KNOWN_AGENTS['claude']?.testedVersion ?? ''

test('the versions that are known are those that the tests drive', () => {
  const { dependencies } = pins
  expect(Object.values(KNOWN_AGENTS).map(({ testedVersion }) => testedVersion)).toEqual([
    dependencies['@anthropic-ai/claude-code'],
    dependencies['@openai/codex'],
    dependencies['@google/gemini-cli'],
    dependencies['opencode-ai'],
  ])
})

describe('the agents', () => {
  test('that are not there are no failure, and that none is ready is one, with what to do', async () => {
    const { report, of } = await examine()
    for (const name of Object.keys(KNOWN_AGENTS))
      expect(of('agent', name)).toEqual([
        expect.objectContaining({ status: 'info', todo: expect.stringContaining('npm install -g') }),
      ])
    expect(of('agents')).toEqual([expect.objectContaining({ status: 'fail', message: 'No agent is ready.' })])
    expect(report.checks.filter(({ status }) => status === 'fail')).toHaveLength(1)
  })

  test('one that is ready is enough, and is told with its version, its login and where it is', async () => {
    await claude(TESTED)
    const { of } = await examine()
    expect(of('agent', 'claude')).toEqual([
      {
        part: 'agent',
        backend: 'claude',
        status: 'ok',
        message: `${TESTED}, which clinvk is tested with, logged in (${join(desk.bin, 'claude')})`,
        facts: {
          program: join(desk.bin, 'claude'),
          ready: true,
          version: TESTED,
          tested_version: TESTED,
          version_is: 'tested',
        },
      },
    ])
    expect(of('agents')).toEqual([
      expect.objectContaining({ status: 'ok', facts: { ready: 1, default: 'claude' } }),
    ])
  })

  test.each([
    ['2.0.999', 'older'],
    ['2.1.1000', 'newer'],
    ['3.0.0', 'newer'],
  ])('of version %s are %s than the tested one, which is no failure', async (version, standing) => {
    await claude(version)
    const [check] = (await examine()).of('agent', 'claude')
    expect(check).toMatchObject({ status: 'ok', facts: { version, version_is: standing } })
    expect(check?.message).toContain(`${version}, ${standing} than the ${TESTED}`)
  })

  test('that are not logged in are warned of with how to log in, and fail where they are needed', async () => {
    await claude(TESTED, false)
    const [warned] = (await examine()).of('agent', 'claude')
    expect(warned).toMatchObject({ status: 'warn', todo: expect.stringContaining('claude auth login') })
    const [needed] = (await examine(['--backend', 'claude'])).of('agent', 'claude')
    expect(needed).toMatchObject({ status: 'fail', todo: expect.stringContaining('claude auth login') })
    const byDefault = await examine([], { CLINVK_BACKEND: 'claude' })
    expect(byDefault.of('agent', 'claude')).toMatchObject([{ status: 'fail' }])
  })

  test('that the configuration names have to be there', async () => {
    await claude(TESTED)
    await desk.file('.clinvk/config.yaml', 'backends: {mine: {driver: exec, command: [no-such-program]}}\n')
    const { of } = await examine()
    expect(of('agent', 'mine')).toMatchObject([
      { status: 'fail', message: 'not installed: no-such-program is not on the PATH' },
    ])
    expect(of('agent', 'codex')).toMatchObject([{ status: 'info' }])
    expect(of('agents')).toMatchObject([{ status: 'ok' }])
  })

  test('that print garbage are there and do not work, and their words cannot steer a terminal', async () => {
    const garbage = `printf '\\033[2J\\007\\000\\377 nonsense \\n'; printf '\\033[31mno\\n' >&2; exit 3`
    for (const name of ['claude', 'codex']) await desk.program(name, garbage)
    const { of, text } = await examine()
    for (const name of ['claude', 'codex'])
      expect(of('agent', name)).toMatchObject([
        {
          status: 'warn',
          message: expect.stringContaining(`${join(desk.bin, name)} is there and does not work`),
          todo: expect.stringContaining('npm install -g'),
        },
      ])
    expect(text).not.toContain('u001b')
  })

  test('that never stop printing are ended, and do not work', async () => {
    const spam = `while :; do echo 'spam spam spam spam spam spam spam spam spam spam spam'; done`
    for (const name of ['claude', 'codex']) await desk.program(name, spam)
    const { of } = await examine()
    expect(of('agent', 'claude')).toMatchObject([
      {
        status: 'warn',
        message: expect.stringContaining('It wrote more than 64 KiB'),
        facts: { ready: false },
      },
    ])
    expect(of('agent', 'codex')).toMatchObject([
      { status: 'warn', message: expect.stringContaining('not its protocol'), facts: { ready: false } },
    ])
  }, 180_000)

  test('that hang hold it up for a limited time, and none is left behind', async () => {
    for (const name of Object.keys(KNOWN_AGENTS))
      await desk.program(name, `trap '' TERM; while :; do /bin/sleep 1; done`)
    const { of } = await examine()
    expect(of('agent', 'claude')).toMatchObject([{ status: 'warn', facts: { ready: false } }])
    expect(of('agent', 'codex')).toMatchObject([{ status: 'warn', facts: { ready: false } }])
  }, 180_000)

  test('that tell no version are told so', async () => {
    await desk.program('opencode', 'exit 0')
    const [check] = (await examine()).of('agent', 'opencode')
    expect(check).toMatchObject({ status: 'ok', message: expect.stringMatching(/^version not told, ready/) })
    expect(check?.facts).toMatchObject({ version_is: 'unknown' })
  })

  describe('that are scripts for Node', () => {
    const needs = (engine: string) =>
      desk.file('bin/package.json', JSON.stringify({ version: '0.61.0', engines: { node: engine } }))
    beforeEach(() => desk.program('gemini', '#!/usr/bin/env node\n'))
    const look = async () => (await examine([], { GEMINI_API_KEY: 'of-nobody' })).of('agent', 'gemini')

    test('need it on the PATH', async () => {
      await needs('>=20')
      expect(await look()).toMatchObject([
        {
          status: 'warn',
          message: expect.stringContaining('it needs Node 20 or newer, and there is none on the PATH'),
          todo: expect.stringContaining('Install Node 20'),
          facts: { ready: false },
        },
      ])
    })

    test('need one that is new enough', async () => {
      await needs('>=20')
      await desk.program('node', 'echo v18.19.1')
      expect(await look()).toMatchObject([
        { status: 'warn', message: expect.stringContaining(`${join(desk.bin, 'node')} is 18.19.1`) },
      ])
      await desk.program('node', 'echo v22.1.0')
      expect(await look()).toMatchObject([
        { status: 'ok', message: expect.stringContaining('0.61.0, which clinvk is tested with, logged in') },
      ])
    })
  })

  test('can be looked at one by one', async () => {
    await claude(TESTED)
    const { report } = await examine(['--backend', 'claude'])
    expect(report.checks.flatMap(({ backend }) => backend ?? [])).toEqual(['claude'])
    expect((await examine(['--backend', 'codex'])).report.ok).toBe(false)
    await desk.file('.clinvk/config.yaml', 'backends: {claude: {enabled: false}}\n')
    expect((await examine()).of('agent', 'claude')).toMatchObject([{ status: 'info' }])
    expect((await examine(['--backend', 'claude'])).of('agent', 'claude')).toMatchObject([
      { status: 'fail', message: 'disabled (backends.claude.enabled)' },
    ])
    const unknown = await desk.run(['doctor', '--backend', 'cluade'])
    expect([unknown.code, unknown.stderr]).toEqual([5, expect.stringContaining('Did you mean "claude"?')])
  })
})

describe('the configuration', () => {
  test('is told with its file, and what has no effect in it', async () => {
    await desk.file('.clinvk/config.yaml', 'output: {format: json}\n')
    const file = join(desk.home, '.clinvk/config.yaml')
    expect((await examine([], { CLINVK_PROT: '1' })).of('config')).toMatchObject([
      { status: 'ok', message: `${file} is valid.`, facts: { file, found: true } },
      { status: 'warn', message: 'without effect in this version: output.format' },
      { status: 'warn', message: expect.stringContaining('did you mean CLINVK_PORT?') },
    ])
  })

  test('that is broken fails with each problem and its place, and all else is looked at', async () => {
    await claude(TESTED)
    await desk.file('.clinvk/config.yaml', 'server:\n  prot: 3000\n  port: many\n')
    const { of, report } = await examine()
    expect(of('config')).toMatchObject([
      { status: 'fail', message: expect.stringContaining('config.yaml:2:3: server.prot: unknown key') },
      { status: 'fail', message: expect.stringContaining('config.yaml:3:9: server.port') },
    ])
    expect(of('agent', 'claude')).toMatchObject([{ status: 'ok' }])
    for (const part of ['store', 'disk', 'temp', 'port', 'keys'] as const) expect(of(part)).toHaveLength(1)
    expect(report.ok).toBe(false)
  })

  test('that is not there fails where it was named', async () => {
    expect((await examine(['--config', 'no-such.yaml'])).of('config')).toMatchObject([
      { status: 'fail', message: expect.stringContaining('does not exist') },
    ])
  })
})

test.skipIf(process.platform === 'win32')(
  'a pipe in the place of a file holds nobody up',
  async () => {
    await mkdir(join(desk.home, '.clinvk'))
    const files = ['config.yaml', 'clinvk.db'].map((name) => join(desk.home, '.clinvk', name))
    for (const file of files) expect(await Bun.spawn(['mkfifo', file]).exited).toBe(0)
    const { of } = await examine()
    expect(of('config')).toMatchObject([
      { status: 'fail', message: expect.stringContaining(`the file ${files[0]} is no regular file`) },
    ])
    expect(of('store')).toMatchObject([
      { status: 'fail', message: expect.stringContaining(`${files[1]} is no regular file`) },
    ])
    const noConfig = await desk.run(['serve', '--port', '0'])
    expect([noConfig.code, noConfig.stderr]).toEqual([3, expect.stringContaining('is no regular file')])
    await unlink(files[0] ?? '')
    const noStore = await desk.run(['serve', '--port', '0'])
    expect([noStore.code, noStore.stderr]).toEqual([1, expect.stringContaining('is no regular file')])
  },
  180_000,
)

test.skipIf(process.platform === 'win32')('a pipe that is named is read, as of --config <(…)', async () => {
  const pipe = join(desk.home, 'pipe')
  expect(await Bun.spawn(['mkfifo', pipe]).exited).toBe(0)
  const writing = Bun.spawn(['sh', '-c', 'echo "server: {prot: 1}" > "$0"', pipe])
  expect((await examine(['--config', pipe])).of('config')).toMatchObject([
    { status: 'fail', message: expect.stringContaining('did you mean server.port?') },
  ])
  expect(await writing.exited).toBe(0)
})

describe('the store', () => {
  const path = () => join(desk.home, '.clinvk/clinvk.db')
  const make = async (version: number) => {
    await mkdir(join(desk.home, '.clinvk'))
    const database = new Database(path())
    database.exec('PRAGMA journal_mode = WAL')
    for (const sql of MIGRATIONS.slice(0, version)) database.exec(sql)
    database.exec(`PRAGMA user_version = ${version}`)
    database.close()
  }

  test('that is not there yet is not made', async () => {
    expect((await examine()).of('store')).toMatchObject([{ status: 'ok', facts: { exists: false } }])
    expect(await readdir(desk.home)).not.toContain('.clinvk')
  })

  test('of an earlier version is told, and stays as it is', async () => {
    await make(1)
    const [check] = (await examine()).of('store')
    expect(check).toMatchObject({ status: 'ok', facts: { schema: 1, own_schema: MIGRATIONS.length } })
    expect(check?.message).toContain(`the next start brings it to ${MIGRATIONS.length}`)
    const database = new Database(path(), { readonly: true })
    expect(database.query('PRAGMA user_version').get()).toEqual({ user_version: 1 })
    database.close()
    expect((await readdir(join(desk.home, '.clinvk'))).filter((name) => name.startsWith('.'))).toEqual([])
  })

  test('of a newer clinvk fails', async () => {
    await make(MIGRATIONS.length)
    const database = new Database(path())
    database.exec('PRAGMA user_version = 99')
    database.close()
    expect((await examine()).of('store')).toMatchObject([
      { status: 'fail', message: expect.stringContaining('made by a newer clinvk'), facts: { schema: 99 } },
    ])
  })

  test('that is damaged fails, with what to do', async () => {
    await desk.file('.clinvk/clinvk.db', 'This is no database, and was never one. '.repeat(100))
    expect((await examine()).of('store')).toMatchObject([
      { status: 'fail', message: expect.stringContaining('is damaged') },
    ])
  })

  test('cannot be where nothing can be written', async () => {
    await desk.file('file', '')
    const { of } = await examine([], { CLINVK_HOME: join(desk.home, 'file/home') })
    expect(of('store')).toMatchObject([
      {
        status: 'fail',
        message: expect.stringContaining('cannot be written to'),
        todo: expect.stringContaining('CLINVK_HOME'),
      },
    ])
  })

  test('says how much is free', async () => {
    const [check] = (await examine()).of('disk')
    expect(check?.facts?.['free_bytes']).toBeGreaterThan(0)
  })
})

describe('temporary files', () => {
  test('can be written in their place, and nothing is left there', async () => {
    await mkdir(join(desk.home, 'tmp'))
    const { of } = await examine([], { TMPDIR: join(desk.home, 'tmp') })
    expect(of('temp')).toMatchObject([
      { status: 'ok', message: `Temporary files can be written in ${join(desk.home, 'tmp')}.` },
    ])
    expect(await readdir(join(desk.home, 'tmp'))).toEqual([])
  })

  test.each([
    ['that is not there', 'no-such-folder', 'it does not exist'],
    ['that is a file', 'file', 'it is no folder'],
  ])('fail in a place %s, with what to do, and the rest is looked at', async (_, name, why) => {
    await desk.file('file', '')
    await claude(TESTED)
    const { of } = await examine([], { TMPDIR: join(desk.home, name) })
    expect(of('temp')).toMatchObject([
      { status: 'fail', message: expect.stringContaining(why), todo: expect.stringContaining('TMPDIR') },
    ])
    expect(of('agents')).toMatchObject([{ status: 'fail', todo: expect.stringContaining('temp') }])
    expect(of('store')).toMatchObject([{ status: 'ok' }])
  })

  test('that cannot be written are told by connect', async () => {
    const { stderr, code } = await desk.run(['connect', 'codex'], { TMPDIR: join(desk.home, 'none') })
    expect([code, stderr]).toEqual([5, expect.stringContaining('(it does not exist). Set TMPDIR')])
  })

  test('that cannot be written are told by a server to whoever needs them, and hide no agent', async () => {
    await claude(TESTED)
    const place = join(desk.home, 'later')
    const env = { PATH: `${desk.bin}:/usr/bin:/bin`, HOME: desk.home, TMPDIR: place }
    const server = await startClinvk({ env, cwd: desk.home, args: ['--demo'] })
    servers.push(server)
    const backends = await (await fetch(`${server.url}/api/v1/backends`)).json()
    expect(backends).toMatchObject({
      backends: expect.arrayContaining([expect.objectContaining({ name: 'claude', available: true })]),
    })
    const prompt = () => server.post('/api/v1/prompt', { backend: 'demo', prompt: 'demo: say=hello' })
    const refused = await prompt()
    expect([refused.status, await refused.json()]).toEqual([
      503,
      expect.objectContaining({ detail: expect.stringContaining('Set TMPDIR') }),
    ])
    await mkdir(place)
    expect((await prompt()).status).toBe(200)
  }, 180_000)
})

describe('the limit of open files', () => {
  test('is warned of where it is low', () => {
    const line = 'Max open files            100                  4096                 files     \n'
    expect(judgeLimits(`Limit\n${line}`)).toMatchObject([{ status: 'warn', facts: { open_files: 100 } }])
    expect(judgeLimits(line.replace('100 ', '1024'))).toEqual([])
    expect(judgeLimits(line.replace('100 ', 'unlimited'))).toEqual([])
    expect(judgeLimits('')).toEqual([])
  })
})

describe('the port', () => {
  const listen = async (onConnect: (socket: import('node:net').Socket) => void) => {
    const listener = createServer(onConnect)
    listeners.push(listener)
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    return String((listener.address() as { port: number }).port)
  }
  const serve = async (args: string[] = [], more: Record<string, string> = {}) => {
    const env = { PATH: '/usr/bin:/bin', HOME: desk.home, ...more }
    const server = await startClinvk({ env, cwd: desk.home, args })
    servers.push(server)
    return { server, port: new URL(server.url).port }
  }

  test('is free', async () => {
    const port = await listen(() => {})
    await new Promise((resolve) => listeners.pop()?.close(resolve))
    expect((await examine(['--port', port])).of('port')).toMatchObject([
      { status: 'ok', facts: { free: true } },
    ])
  })

  test.each([
    ['says nothing', (_: import('node:net').Socket) => {}],
    ['hangs up', (socket: import('node:net').Socket) => socket.destroy()],
    ['speaks no HTTP', (socket: import('node:net').Socket) => socket.end('220 mail.example ESMTP\r\n')],
    [
      'says too much',
      (socket: import('node:net').Socket) => socket.on('error', () => {}).write('x'.repeat(1e6)),
    ],
    [
      'is another web server',
      (socket: import('node:net').Socket) =>
        socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"status":"ok","version":"1"}'),
    ],
  ])('is used by a program that %s', async (_, onConnect) => {
    const port = await listen(onConnect)
    expect((await examine(['--port', port])).of('port')).toMatchObject([
      {
        status: 'fail',
        message: expect.stringContaining('is used by another program'),
        todo: expect.stringContaining('--port'),
        facts: { free: false },
      },
    ])
  })

  test('is that of a clinvk that runs, which goes on with its work in the same store', async () => {
    const { server, port } = await serve(['--demo'])
    const response = await server.post('/api/v1/prompt', {
      backend: 'demo',
      prompt: 'demo: say=begun; tokens=40 delay=50ms',
      stream: true,
    })
    const { of } = await examine(['--port', port], { PATH: '/usr/bin:/bin' })
    expect(of('port')).toMatchObject([
      {
        status: 'ok',
        message: expect.stringContaining(`clinvk ${VERSION} runs on`),
        facts: { clinvk_version: VERSION },
      },
    ])
    expect(of('store')).toMatchObject([{ status: 'ok', facts: { exists: true, schema: MIGRATIONS.length } }])
    const events = await Array.fromAsync(readSse(response))
    expect(events.at(-1)).toMatchObject({ type: 'done' })
    expect(answerOf(events)).toStartWith('begun')
    const session = await fetch(`${server.url}/api/v1/sessions/${events[0]?.session_id}`)
    expect(await session.json()).toMatchObject({ turns: [{ status: 'completed' }] })
  }, 180_000)

  test('is known for a clinvk that asks for keys and listens on all addresses, through no proxy', async () => {
    const keys = { CLINVK_API_KEYS: 'a-key-of-sixteen-letters' }
    const { port } = await serve(['--host', '0.0.0.0'], keys)
    const { of } = await examine(['--port', port, '--host', '0.0.0.0'], {
      ...keys,
      HTTP_PROXY: 'http://127.0.0.1:9',
    })
    expect(of('port')).toMatchObject([{ status: 'ok', facts: { clinvk_version: VERSION } }])
  })

  test('cannot be on an address of another machine', async () => {
    expect((await examine(['--host', '203.0.113.7', '--port', '8080'])).of('port')).toMatchObject([
      { status: 'fail', message: '203.0.113.7 is no address of this machine.' },
    ])
  })
})

describe('keys', () => {
  test('are missed where the network can reach the server', async () => {
    expect((await examine(['--host', '0.0.0.0'])).of('keys')).toMatchObject([
      { status: 'warn', todo: expect.stringContaining('CLINVK_API_KEYS') },
    ])
    expect((await examine()).of('keys')).toMatchObject([{ status: 'ok' }])
  })

  test('are counted, never shown, and better not short', async () => {
    const { of, text } = await examine([], { CLINVK_API_KEYS: 'short-one,one-of-more-than-sixteen' })
    expect(of('keys')).toMatchObject([
      { status: 'ok', facts: { keys: 2 } },
      { status: 'warn', message: expect.stringContaining('fewer than 16') },
    ])
    expect(text).not.toMatch(/short-one|more-than-sixteen/)
  })

  test('that the server could not use fail', async () => {
    expect((await examine([], { CLINVK_API_KEYS: ' , ' })).of('keys')).toMatchObject([{ status: 'fail' }])
    const { of, text } = await examine([], { CLINVK_API_KEYS: 'with a-space-in-it' })
    expect(of('keys')).toMatchObject([{ status: 'fail' }])
    expect(text).not.toContain('a-space-in-it')
  })

  test('of agents are not told, even where the agents tell them', async () => {
    await desk.program('codex', 'echo "bad key $OPENAI_API_KEY and $MINE" >&2; exit 1')
    await desk.file('.clinvk/config.yaml', 'backends: {codex: {env: {MINE: quite-private}}}\n')
    const { of, text } = await examine([], { OPENAI_API_KEY: 'sk-quite-secret' })
    expect(of('agent', 'codex')).toMatchObject([{ message: expect.stringContaining('bad key *** and ***') }])
    expect(text).not.toMatch(/quite-secret|quite-private/)
  })

  test('are not told in an answer either, though little of it is shown', async () => {
    const secret = `sk-of-nobody-${'x'.repeat(100)}`
    await desk.program('mine', 'echo "It is $OPENAI_API_KEY"')
    await desk.file('.clinvk/config.yaml', 'backends: {mine: {driver: exec, command: [mine]}}\n')
    const { of, text } = await examine(['--backend', 'mine', '--ask'], { OPENAI_API_KEY: secret })
    expect(of('ask', 'mine')).toMatchObject([{ status: 'ok', facts: { answer: 'It is ***' } }])
    expect(text).not.toContain('sk-of-nobody')
  })
})

describe('what is printed', () => {
  test('is a line for each check that begins with a word, and a last line that counts', async () => {
    await claude(TESTED, false)
    const { stdout, stderr, code } = await desk.run(['doctor', '--port', '0'])
    const lines = stdout.trimEnd().split('\n')
    expect(lines.slice(0, -2).every((line) => /^(?:(?:ok|info|warn|fail) +\S| +-> \S)/.test(line))).toBe(true)
    expect(lines.at(-1)).toBe('1 check failed, 1 warning. Mend what is marked fail.')
    expect([code, stderr]).toEqual([1, ''])
  })

  test('of the demo agent is its answer, and nothing of it is kept', async () => {
    const { stdout, stderr, code } = await desk.run(['doctor', '--port', '0', '--backend', 'demo', '--ask'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/ok +ask demo +"\[clinvk demo agent, no model\]/)
    expect(stderr).toContain('costs a few tokens')
    expect(await readdir(join(desk.home, '.clinvk'))).toEqual([])
    expect((await stat(join(desk.home, '.clinvk'))).mode & 0o777).toBe(0o700)
  })
})
