/** The executable, in a folder that has nothing and a folder that is hostile, on a machine that has nothing. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { version } from '../../package.json'
import { builtExecutable } from '../support/built.ts'
import { answerOf, json, readSse } from '../support/events.ts'
import { processesIn } from '../support/processes.ts'
import { type ServedClinvk, startClinvk } from '../support/serve.ts'

const ROOT = join(import.meta.dir, '../..')
const BUILD_MS = 120_000

let binary: string
let home: string
beforeAll(async () => {
  binary = join(await builtExecutable(), 'clinvk')
}, BUILD_MS)

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-binary-')))
  await mkdir(join(home, 'work'))
})
afterEach(async () => {
  expect(await processesIn(home)).toEqual([])
  await rm(home, { recursive: true, force: true })
})

const bare = (more: Record<string, string> = {}) => ({ PATH: '/usr/bin:/bin', HOME: home, ...more })
async function served(body: (server: ServedClinvk) => Promise<void>): Promise<void> {
  const server = await startClinvk({ command: [binary], env: bare(), cwd: join(home, 'work') })
  try {
    await body(server)
  } finally {
    expect(await server.stop()).toBe(0)
  }
}

test('the demo agent runs as a child process, and its session goes on after a restart', async () => {
  let session = ''
  await served(async (server) => {
    const response = await server.post('/api/v1/prompt', { backend: 'demo', prompt: 'blue', stream: true })
    const events = await Array.fromAsync(readSse(response))
    expect(answerOf(events)).toContain('You said: blue')
    session = events[0]?.session_id ?? ''
  })
  await served(async (server) => {
    const body = { backend: 'demo', prompt: 'green', session_id: session }
    expect(await json(await server.post('/api/v1/prompt', body))).toMatchObject({ session_id: session })
    const kept = await json(await fetch(`${server.url}/api/v1/sessions/${session}`))
    expect(kept).toMatchObject({ turns: [{ prompt: 'blue' }, { prompt: 'green' }] })
  })
})

test('the page of the documentation, its files and the description are inside', () =>
  served(async ({ url }) => {
    const page = await (await fetch(`${url}/docs`)).text()
    const files = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path)
    expect(files).toHaveLength(4)
    for (const path of files) {
      const answer = await fetch(`${url}${path}`)
      expect([path, answer.status]).toEqual([path, 200])
      expect((await answer.arrayBuffer()).byteLength).toBeGreaterThan(0)
    }
    const committed = await Bun.file(join(ROOT, 'docs/openapi.json')).json()
    expect(await json(await fetch(`${url}/openapi.json`))).toEqual(committed)
  }))

test('a schema that has no end is found so, in a thread of its own', () =>
  served(async (server) => {
    const response = await server.post('/openai/v1/chat/completions', {
      model: 'demo',
      messages: [{ role: 'user', content: 'hi' }],
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { $ref: '#' } } },
    })
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('without end')])
  }))

test('metrics are told where they are asked for', async () => {
  await Bun.write(join(home, '.clinvk/config.yaml'), 'server: {metrics_enabled: true}\n')
  await served(async ({ url }) => {
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(`version="${version}"`)
  })
})

describe('in a folder with a .env, a bunfig.toml and a tsconfig.json', () => {
  test('none is heeded, by the server or by its agent', async () => {
    const work = join(home, 'work')
    const trace = join(home, 'preloaded')
    await Bun.write(join(work, '.env'), `CLINVK_API_KEYS=theirs\nPLANTED=yes\n`)
    await Bun.write(join(work, 'bunfig.toml'), 'preload = ["./evil.ts"]\n')
    await Bun.write(join(work, 'evil.ts'), `require('fs').writeFileSync(${JSON.stringify(trace)}, 'x')\n`)
    await Bun.write(
      join(home, '.clinvk/config.yaml'),
      'backends: {demo: {}, env: {driver: exec, command: [env]}}\n',
    )
    // The same folder is dangerous to a plain Bun.
    await Bun.write(join(home, 'plain.ts'), 'console.log(process.env.PLANTED)')
    const plain = Bun.spawn({ cmd: [process.execPath, join(home, 'plain.ts')], cwd: work, env: bare() })
    expect(await plain.stdout.text()).toBe('yes\n')
    expect(existsSync(trace)).toBe(true)
    await rm(trace)
    const paths = { '*': ['./evil.ts'] }
    await Bun.write(join(work, 'tsconfig.json'), JSON.stringify({ compilerOptions: { paths } }))

    await served(async (server) => {
      const ask = async (backend: string) =>
        json(await server.post('/api/v1/prompt', { backend, prompt: 'hi', workdir: work }))
      expect((await ask('demo')).output).toContain('You said: hi')
      expect((await ask('env')).output).not.toContain('PLANTED')
    })
    expect(existsSync(trace)).toBe(false)
  })
})

describe('what is tested from source holds of it as well', () => {
  test.each([
    // The other commands' tests run the source by themselves.
    ['the server', ['serve', 'killed', 'drain'].map((name) => `tests/commands/${name}.test.ts`), []],
    ['every real agent', ['tests/agents/real/prompt.test.ts'], ['-t', 'streams the answer as the provider']],
  ])(
    '%s',
    async (_, files, flags) => {
      const child = Bun.spawn({
        cmd: [process.execPath, 'test', '--timeout=180000', '--only-failures', ...flags, ...files],
        cwd: ROOT,
        env: { ...process.env, CLINVK_BINARY: binary },
        stdout: 'pipe',
        stderr: 'pipe',
      })
      const [stderr, code] = await Promise.all([child.stderr.text(), child.exited])
      expect(code, stderr).toBe(0)
      expect(stderr).toMatch(/\b[1-9]\d* pass\n/)
    },
    300_000,
  )
})
