/** The tarballs, installed into an empty folder on a machine that has only Node, or only Bun. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import manifest from '../../package.json'
import { packageName } from '../../packaging/manifests.ts'
import { thisTarget } from '../../packaging/targets.ts'
import { processesIn, waitUntil } from '../support/processes.ts'
import { startClinvk } from '../support/serve.ts'
import { ASK, TYPED, WITH_SCHEMAS } from './consumer.ts'

const ROOT = join(import.meta.dir, '../..')
const LONG_MS = 180_000
const PLATFORM = packageName(thisTarget())
/** A registry that nobody is at: nothing is fetched. */
const NOWHERE = 'http://127.0.0.1:9/'

let folder: string
const tarball = (name: string) => join(folder, 'packed', `${name}-${manifest.version}.tgz`)
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-npm-')))
  const out = join(folder, 'packed')
  const packed = await run([process.execPath, 'packaging/pack.ts', '--fast', '--out', out], ROOT, process.env)
  expect(packed.code, packed.stderr).toBe(0)
  expect(packed.stdout.trim().split('\n')).toEqual([tarball('clinvk'), tarball(PLATFORM)])
}, LONG_MS)
afterAll(() => rm(folder, { recursive: true, force: true }))

async function run(cmd: string[], cwd: string, env: Record<string, string | undefined>) {
  const child = Bun.spawn({ cmd, cwd, env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { stdout, stderr, code }
}

/** An empty folder on a machine whose PATH has these programs and a shell. */
async function machine(name: string, programs: readonly string[]) {
  const home = join(folder, name)
  const bin = join(home, 'bin')
  await mkdir(bin, { recursive: true })
  for (const program of ['sh', ...programs]) await symlink(Bun.which(program) ?? '', join(bin, program))
  const env = {
    PATH: bin,
    HOME: home,
    BUN_CONFIG_REGISTRY: NOWHERE,
    npm_config_registry: NOWHERE,
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
  }
  return { home, env, program: (word: string) => join(bin, word) }
}
type Machine = Awaited<ReturnType<typeof machine>>

async function install({ home, env, program }: Machine, installer: string, packages: readonly string[]) {
  const dependencies = Object.fromEntries(packages.map((name) => [name, `file:${tarball(name)}`]))
  await writeFile(join(home, 'package.json'), JSON.stringify({ type: 'module', private: true, dependencies }))
  const installed = await run([program(installer), 'install'], home, env)
  expect(installed.code, installed.stderr).toBe(0)
}

/** Serves, has a program of the user's ask the server, and ends it: nothing of it is left. */
async function serveAndAsk(machine: Machine, runner: readonly string[], runtime: string): Promise<void> {
  const { home, env, program } = machine
  const server = await startClinvk({ command: runner, env, cwd: home, args: ['--demo'] })
  try {
    await writeFile(join(home, 'ask.mjs'), ASK)
    const asked = await run([program(runtime), 'ask.mjs', server.url], home, env)
    expect(asked.stderr).toBe('')
    expect(JSON.parse(asked.stdout)).toEqual({
      response: '2026-01-02T03:04:05Z',
      code: 'backend_not_found',
      streamed: '[clinvk demo agent, no model] You said: hello there',
      failed: ['ClinvkProblem', 'upstream_overloaded'],
      turns: 1,
      required: ['prompt'],
    })
    const assets = await (await fetch(`${server.url}/docs/assets/swagger-ui.css`)).text()
    expect(assets).toContain('.swagger-ui')
  } finally {
    await server.stop()
  }
  expect(await processesIn(home)).toEqual([])
}

test('the package holds what is needed and nothing else', async () => {
  const list = async (name: string) =>
    (await run(['tar', 'tzf', tarball(name)], folder, process.env)).stdout.trim().split('\n').sort()
  const files = (await list('clinvk')).filter((file) => !/^package\/lib\/(server|eden)\//.test(file))
  expect(files.map((file) => file.replace('package/', ''))).toEqual([
    'LICENSE',
    'README.md',
    'THIRD-PARTY-NOTICES',
    'bin/clinvk.mjs',
    'lib/client.d.ts',
    'lib/client.js',
    'lib/openapi.json',
    'lib/schemas.d.ts',
    'lib/schemas.js',
    'lib/types.d.ts',
    'package.json',
  ])
  expect((await list(PLATFORM)).map((file) => file.replace('package/', ''))).toEqual([
    'LICENSE',
    'THIRD-PARTY-NOTICES',
    'clinvk',
    'package.json',
  ])
  const { stdout } = await run(
    ['tar', 'xzOf', tarball('clinvk'), 'package/package.json'],
    folder,
    process.env,
  )
  const packed = JSON.parse(stdout)
  expect(packed).toMatchObject({ name: 'clinvk', version: manifest.version, license: 'MIT' })
  expect(packed.optionalDependencies).toHaveProperty(PLATFORM, manifest.version)
  for (const key of ['private', 'devDependencies', 'dependencies', 'scripts'])
    expect(packed).not.toHaveProperty(key)
})

describe('with only Bun', () => {
  let bun: Machine
  beforeAll(async () => {
    bun = await machine('bun', ['bun', 'bunx'])
    await install(bun, 'bun', ['clinvk'])
  }, LONG_MS)

  test(
    'bunx clinvk serve answers, and the typed client asks it',
    async () => {
      await serveAndAsk(bun, [bun.program('bunx'), 'clinvk'], 'bun')
    },
    LONG_MS,
  )

  test(
    'the server ends with the launcher, however that ends',
    async () => {
      const launcher = join(bun.home, 'node_modules/clinvk/bin/clinvk.mjs')
      const server = await startClinvk({
        command: [bun.program('bun'), launcher],
        env: bun.env,
        cwd: bun.home,
      })
      await server.stop('SIGKILL')
      await waitUntil(async () => (await processesIn(bun.home)).length === 0)
    },
    LONG_MS,
  )

  test(
    'a user’s types are those of the server',
    async () => {
      await writeFile(join(bun.home, 'typed.ts'), TYPED)
      const flags = [
        '--noEmit',
        '--strict',
        '--exactOptionalPropertyTypes',
        '--noUncheckedIndexedAccess',
        '--ignoreConfig',
      ]
      const lib = [
        '--module',
        'nodenext',
        '--target',
        'esnext',
        '--lib',
        'esnext,dom,dom.asynciterable',
        '--types',
        '',
      ]
      const compile = (file: string) =>
        run(
          [process.execPath, 'x', '--bun', '--no-install', 'tsc', ...flags, ...lib, file],
          ROOT,
          process.env,
        )
      expect(await compile(join(bun.home, 'typed.ts'))).toMatchObject({ stdout: '', code: 0 })
      await symlink(join(ROOT, 'node_modules/@sinclair'), join(bun.home, 'node_modules/@sinclair'))
      await writeFile(join(bun.home, 'schemas.ts'), WITH_SCHEMAS)
      expect(await compile(join(bun.home, 'schemas.ts'))).toMatchObject({ stdout: '', code: 0 })
    },
    LONG_MS,
  )
})

// A machine without npm has no machine with only Node to show.
if (Bun.which('npm') && Bun.which('npx'))
  describe('with only Node', () => {
    let node: Machine
    beforeAll(async () => {
      node = await machine('node', ['node', 'npm', 'npx'])
      await install(node, 'npm', ['clinvk', PLATFORM])
    }, LONG_MS)

    test(
      'npx clinvk serve answers, and the typed client asks it',
      async () => {
        await serveAndAsk(node, [node.program('npx'), 'clinvk'], 'node')
      },
      LONG_MS,
    )

    test(
      'without the package of the platform one sentence says what to do',
      async () => {
        await rm(join(node.home, 'node_modules', PLATFORM), { recursive: true })
        const launcher = join(node.home, 'node_modules/clinvk/bin/clinvk.mjs')
        const { stdout, stderr, code } = await run(
          [node.program('node'), launcher, 'serve'],
          node.home,
          node.env,
        )
        expect({ stdout, code }).toEqual({ stdout: '', code: 1 })
        expect(stderr).toMatch(/^clinvk: There is no clinvk for .* here: install Bun 1\.4\.5 or newer .*\n$/)
      },
      LONG_MS,
    )
  })
