// Runs clinvk from a checkout on a machine that has Node with npm, or Bun, and nothing else of ours: finds or
// fetches the pinned Bun, installs exactly what bun.lock says, then hands over. Plain JavaScript, because Node
// runs it too. Usage: bootstrap.mjs <words for bun>
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const wanted = manifest.devDependencies['@types/bun']

const bun = findBun() ?? fetchBun()
const install = spawnSync(bun, ['install', '--frozen-lockfile'], { cwd: root, stdio: ['ignore', 2, 2] })
if (install.status !== 0) fail('Installing the dependencies failed; see above.')

const child = spawn(bun, process.argv.slice(2), { cwd: root, stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  if (signal) {
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  } else process.exitCode = code ?? 1
})

function findBun() {
  const candidates = [process.versions.bun ? process.execPath : undefined, 'bun']
  for (const candidate of candidates) {
    if (!candidate) continue
    const { stdout, status } = spawnSync(candidate, ['-e', 'console.log(Bun.version, process.execPath)'], {
      encoding: 'utf8',
    })
    const [version, path] = (stdout ?? '').trim().split(' ')
    if (status === 0 && path && isRecent(version)) return path
  }
  return undefined
}

function fetchBun() {
  const words = [
    'exec',
    '--yes',
    `--package=bun@${wanted}`,
    '--',
    'bun',
    '-e',
    'console.log(process.execPath)',
  ]
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
  const { stdout, status } = spawnSync(npm, words, { encoding: 'utf8', stdio: ['ignore', 'pipe', 2] })
  if (status !== 0)
    fail(`Bun ${wanted} could not be fetched with npm. Install it from https://bun.sh and try again.`)
  return stdout.trim().split('\n').at(-1)
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
