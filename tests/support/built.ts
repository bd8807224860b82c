import { mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const ROOT = join(import.meta.dir, '../..')

/** What is tried as it is shipped takes its time to make, so the tests of one run share it. */
const made = new Map<string, Promise<string>>()
let folder: string | undefined

/** The folder in which `bun run build` has made the executable. */
export function builtExecutable(): Promise<string> {
  return make('build')
}

/** The folder in which `bun run pack` has made the tarballs for this platform. */
export function builtPackages(): Promise<string> {
  return make('pack', '--fast')
}

function make(script: string, ...flags: string[]): Promise<string> {
  const making = made.get(script) ?? run(script, flags)
  made.set(script, making)
  return making
}

async function run(script: string, flags: readonly string[]): Promise<string> {
  folder ??= untilWeEnd()
  const out = join(folder, script)
  const child = Bun.spawn({
    cmd: [process.execPath, `packaging/${script}.ts`, ...flags, '--out', out],
    cwd: ROOT,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code !== 0) throw new Error(`packaging/${script}.ts ended with code ${code}:\n${stdout}${stderr}`)
  return out
}

/** A folder that goes away with this process. No test is known to be the last one, so a shell waits for our end. */
function untilWeEnd(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'clinvk-built-')))
  Bun.spawn({
    cmd: ['sh', '-c', 'trap "" INT TERM HUP; cat; rm -rf "$1"', 'sh', path],
    stdin: 'pipe',
    stdout: 'ignore',
    stderr: 'ignore',
  }).unref()
  return path
}
