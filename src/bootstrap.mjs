#!/usr/bin/env node
// The `clinvk` of a checkout, on a machine that has Node with npm, or Bun, and nothing else of ours: finds or fetches
// the pinned Bun, installs exactly what bun.lock says, then hands over. Plain JavaScript, because Node runs it too.
// Usage: bootstrap.mjs [--run <another script>] <arguments>
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { devNull } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const wanted = manifest.devDependencies['@types/bun']

// The folder we are called from may be anybody's: Bun must run no `preload` of a bunfig.toml, read no .env and follow no
// `paths` of a tsconfig.json there.
const SAFE = ['--no-env-file', `--config=${devNull}`, `--tsconfig-override=${devNull}`]
// A program of that name may be anything.
const PATIENCE = { timeout: 10_000, killSignal: 'SIGKILL' }

let child
let early
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    early ??= signal
    child?.kill(signal)
  })

const bun = findBun() ?? bunOfNpm('--offline') ?? fetchBun()
const given = process.argv.slice(2)
const [script, words] = given[0] === '--run' ? [given[1], given.slice(2)] : ['src/main.ts', given]
// What only tests need is not worth the wait of somebody who wants to start.
const scope = script === 'src/main.ts' ? ['--production'] : []
// From the second time on there is hardly ever anything to install, and nothing to tell.
const told = existsSync(join(root, 'node_modules')) ? 'pipe' : 2
const install = spawnSync(bun, ['install', '--frozen-lockfile', ...scope], {
  cwd: root,
  stdio: ['ignore', told, told],
})
if (install.status !== 0) {
  for (const output of [install.stdout, install.stderr]) if (output) process.stderr.write(output)
  fail('Installing the dependencies failed; see above.')
}
if (early) process.exit(1)

child = spawn(bun, [...SAFE, join(root, script), ...words], {
  stdio: 'inherit',
  env: { ...process.env, CLINVK_PARENT: String(process.pid) },
})
child.on('exit', (code, signal) => {
  process.exit(code ?? (signal ? 1 : 0))
})
// A package manager that is ended takes its shell along, but not what the shell started. A shell of the user's may end
// before us, as with nohup.
const parent = process.ppid
if (process.env.npm_execpath ?? process.env.npm_lifecycle_event ?? process.env.npm_config_user_agent)
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM')
  }, 500).unref()

function findBun() {
  const candidates = [process.versions.bun ? process.execPath : undefined, 'bun']
  for (const candidate of candidates) {
    if (!candidate) continue
    const words = [...SAFE, '-e', 'console.log(Bun.version, process.execPath)']
    const { stdout, status } = spawnSync(candidate, words, { cwd: root, encoding: 'utf8', ...PATIENCE })
    const [version, path] = (stdout ?? '').trim().split(' ')
    if (status === 0 && path && isRecent(version)) return path
  }
  return undefined
}

function fetchBun() {
  console.error(`clinvk: fetching Bun ${wanted} with npm, about 100 MB, the first time only …`)
  const fetched = bunOfNpm()
  if (!fetched)
    fail(
      `Bun ${wanted} could not be fetched: that takes npm, and the network once. Or put Bun ${wanted} or newer on the PATH (bun upgrade).`,
    )
  return fetched
}

// npm keeps it with what npx has fetched. It asks the registry each time, though, and waits long for one that it
// cannot reach, unless it is told to be offline.
function bunOfNpm(offline) {
  const words = [
    'exec',
    '--yes',
    ...(offline ? [offline] : []),
    `--package=bun@${wanted}`,
    '--',
    'bun',
    '-e',
    'console.log(process.execPath)',
  ]
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { stdout, status } = spawnSync(npm, words, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', offline ? 'ignore' : 2],
  })
  return status === 0 ? stdout.trim().split('\n').at(-1) : undefined
}

function isRecent(version = '0') {
  const [have, need] = [version, wanted].map((text) => text.split('.').map(Number))
  for (let index = 0; index < 3; index += 1) if (have[index] !== need[index]) return have[index] > need[index]
  return true
}

function fail(message) {
  console.error(`clinvk: ${message}`)
  process.exit(1)
}
