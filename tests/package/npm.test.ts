/** The tarballs, installed into an empty folder on a machine that has only Node, or only Bun. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import manifest from '../../package.json'
import { packageName } from '../../packaging/manifests.ts'
import { thisTarget } from '../../packaging/targets.ts'
import { builtPackages } from '../support/built.ts'
import { startClinvk } from '../support/serve.ts'
import { createMachine, type Machine } from '../ways/machine.ts'
import { ASK, TYPED, WITH_SCHEMAS } from './consumer.ts'

const ROOT = join(import.meta.dir, '../..')
const LONG_MS = 180_000
const PLATFORM = packageName(thisTarget())
/** A registry that nobody is at: nothing is fetched. */
const NOWHERE = 'http://127.0.0.1:9/'

let packed: string
const tarball = (name: string) => join(packed, `${name}-${manifest.version}.tgz`)
beforeAll(async () => {
  packed = await builtPackages()
}, LONG_MS)

async function run(cmd: string[], cwd: string, env: Record<string, string | undefined>) {
  const child = Bun.spawn({ cmd, cwd, env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { stdout, stderr, code }
}

/** A machine onto which the tarballs of these packages are installed, with no registry. */
async function installed(programs: readonly string[], command: string, packages: readonly string[]) {
  const machine = await createMachine(programs, () => ({
    npm_config_registry: NOWHERE,
    npm_config_offline: 'true',
  }))
  const dependencies = Object.fromEntries(packages.map((name) => [name, `file:${tarball(name)}`]))
  const wanted = JSON.stringify({ type: 'module', private: true, dependencies })
  await writeFile(join(machine.folder, 'package.json'), wanted)
  expect(await run(['sh', '-c', command], machine.folder, machine.env)).toMatchObject({ code: 0 })
  return machine
}

/** Serves, has a program of the user's ask the server, and ends it: nothing of it is left. */
async function serveAndAsk(machine: Machine, runner: string, runtime: string): Promise<void> {
  const { folder, env } = machine
  const server = await startClinvk({
    command: ['sh', '-c', `exec ${runner} "$@"`, 'sh'],
    env,
    cwd: folder,
    args: ['--demo'],
  })
  try {
    await writeFile(join(folder, 'ask.mjs'), ASK)
    const asked = await run(['sh', '-c', `exec ${runtime} ask.mjs ${server.url}`], folder, env)
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
  expect(await machine.running()).toEqual([])
}

test('the package holds what is needed and nothing else', async () => {
  const list = async (name: string) =>
    (await run(['tar', 'tzf', tarball(name)], packed, process.env)).stdout.trim().split('\n').sort()
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
    packed,
    process.env,
  )
  const inside = JSON.parse(stdout)
  expect(inside).toMatchObject({ name: 'clinvk', version: manifest.version, license: 'MIT' })
  expect(inside.optionalDependencies).toHaveProperty(PLATFORM, manifest.version)
  for (const key of ['private', 'devDependencies', 'dependencies', 'scripts'])
    expect(inside).not.toHaveProperty(key)
})

describe('with only Bun', () => {
  let bun: Machine
  beforeAll(async () => {
    bun = await installed(['bun', 'bunx'], 'bun install', ['clinvk'])
  }, LONG_MS)
  afterAll(() => bun.remove())

  test(
    'bunx clinvk serve answers, and the typed client asks it',
    async () => {
      await serveAndAsk(bun, 'bunx clinvk', 'bun')
    },
    LONG_MS,
  )

  test(
    'the server ends with the launcher, however that ends',
    async () => {
      const launcher = join(bun.folder, 'node_modules/clinvk/bin/clinvk.mjs')
      const server = await startClinvk({
        command: [process.execPath, launcher],
        env: bun.env,
        cwd: bun.folder,
      })
      await server.stop('SIGKILL')
      expect(await bun.running()).toEqual([])
    },
    LONG_MS,
  )

  test(
    'a user’s types are those of the server',
    async () => {
      await writeFile(join(bun.folder, 'typed.ts'), TYPED)
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
      expect(await compile(join(bun.folder, 'typed.ts'))).toMatchObject({ stdout: '', code: 0 })
      await symlink(join(ROOT, 'node_modules/@sinclair'), join(bun.folder, 'node_modules/@sinclair'))
      await writeFile(join(bun.folder, 'schemas.ts'), WITH_SCHEMAS)
      expect(await compile(join(bun.folder, 'schemas.ts'))).toMatchObject({ stdout: '', code: 0 })
    },
    LONG_MS,
  )
})

// A machine without npm has no machine with only Node to show.
if (Bun.which('npm') && Bun.which('npx'))
  describe('with only Node', () => {
    let node: Machine
    beforeAll(async () => {
      node = await installed(['node', 'npm', 'npx'], 'npm install', ['clinvk', PLATFORM])
    }, LONG_MS)
    afterAll(() => node.remove())

    test(
      'npx clinvk serve answers, and the typed client asks it',
      async () => {
        await serveAndAsk(node, 'npx clinvk', 'node')
      },
      LONG_MS,
    )

    test(
      'the server outlives the shell that started it, as with nohup',
      async () => {
        const launcher = join(node.folder, 'node_modules/clinvk/bin/clinvk.mjs')
        const begin = `node '${launcher}' serve --demo > started 2>&1 & echo $!`
        const wait = 'until read -r line < started; do :; done'
        const { stdout } = await run(['sh', '-c', `${begin}; ${wait}`], node.folder, node.env)
        expect(await readFile(join(node.folder, 'started'), 'utf8')).toContain('listens on')
        // It looks twice a second who is still there.
        await Bun.sleep(1500)
        expect((await fetch(`${node.url}/health`)).status).toBe(200)
        process.kill(Number(stdout), 'SIGTERM')
        expect(await node.running()).toEqual([])
      },
      LONG_MS,
    )

    test(
      'a folder that it is called in has no say in what runs, with a Bun on the PATH either',
      async () => {
        await node.add('bun', process.execPath)
        const launcher = join(node.folder, 'node_modules/clinvk/bin/clinvk.mjs')
        const folder = join(node.home, 'hostile')
        const trace = join(node.home, 'trace')
        await mkdir(folder)
        await writeFile(
          join(folder, 'evil.js'),
          `require('fs').writeFileSync(${JSON.stringify(trace)}, '')\n`,
        )
        await writeFile(join(folder, 'bunfig.toml'), 'preload = ["./evil.js"]\n')
        const hostile = { compilerOptions: { paths: { '*': ['./evil.js'] } } }
        for (const name of ['tsconfig.json', 'jsconfig.json'])
          await writeFile(join(folder, name), JSON.stringify(hostile))
        expect(await run(['node', launcher, 'version'], folder, node.env)).toEqual({
          stdout: `clinvk ${manifest.version}\n`,
          stderr: '',
          code: 0,
        })
        expect(existsSync(trace)).toBe(false)
        // The same folder is dangerous to a Bun that is not told.
        await run(['bun', join(node.folder, 'node_modules/clinvk/lib/client.js')], folder, node.env)
        expect(existsSync(trace)).toBe(true)
      },
      LONG_MS,
    )
  })
