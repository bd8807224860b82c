#!/usr/bin/env node
// Runs clinvk wherever npm or Bun has put it: by the Bun that there is, else by the executable of the package for
// this platform. Plain JavaScript without dependencies, because Node runs it as well as Bun.
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { devNull } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const {
  engines,
  optionalDependencies = {},
  version,
} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const needed = engines.bun.replace('>=', '')

// The folder we are called from may be anybody's: Bun must run no `preload` of a bunfig.toml, read no .env and follow no
// `paths` of a tsconfig.json there.
const SAFE = ['--no-env-file', `--config=${devNull}`, `--tsconfig-override=${devNull}`]

const command = byBun() ?? byExecutable()
if (!command) {
  const { platform, arch } = process
  console.error(
    `clinvk: There is no clinvk for ${platform} on ${arch} here: install Bun ${needed} or newer (npm install -g bun, or https://bun.sh), or clinvk@${version} again without --omit=optional.`,
  )
  process.exit(1)
}

const child = spawn(command[0], [...command.slice(1), ...process.argv.slice(2)], {
  stdio: 'inherit',
  // The server looks whether we are still there, in case we are killed.
  env: { ...process.env, CLINVK_PARENT: String(process.pid) },
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  console.error(`clinvk: ${command[0]} could not be started: ${error.message}`)
  process.exit(1)
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

function byBun() {
  const found = process.versions.bun
    ? { path: process.execPath, version: process.versions.bun }
    : { path: 'bun', version: versionOf('bun') }
  return isRecent(found.version) ? [found.path, ...SAFE, join(root, 'lib', 'server', 'main.js')] : undefined
}

// On Windows a Bun that npm has installed is a bun.cmd, which cannot be started so; then the executable serves.
function versionOf(program) {
  const { stdout } = spawnSync(program, ['--version'], {
    encoding: 'utf8',
    cwd: root,
    timeout: 10_000,
    killSignal: 'SIGKILL',
  })
  return stdout?.trim()
}

function byExecutable() {
  const require = createRequire(import.meta.url)
  for (const name of Object.keys(optionalDependencies)) {
    try {
      const { os, cpu, libc = ['any'] } = require(`${name}/package.json`)
      if (!os.includes(process.platform) || !cpu.includes(process.arch)) continue
      if (!libc.includes('any') && !libc.includes(libcOf())) continue
      return [require.resolve(`${name}/clinvk${process.platform === 'win32' ? '.exe' : ''}`)]
    } catch {
      // It is for another platform, or was left out.
    }
  }
  return undefined
}

function libcOf() {
  return process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl'
}

function isRecent(have) {
  if (!/^\d+\.\d+\.\d+/.test(have ?? '')) return false
  const [ours, theirs] = [needed, have].map((text) =>
    text.split('.').map((part) => Number.parseInt(part, 10)),
  )
  for (let index = 0; index < 3; index += 1)
    if (theirs[index] !== ours[index]) return theirs[index] > ours[index]
  return true
}
