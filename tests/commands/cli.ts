import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { processesIn } from '../support/processes.ts'
import { clinvkCommand } from '../support/serve.ts'

/** How a command ended. */
interface Ended {
  readonly stdout: string
  readonly stderr: string
  readonly code: number
}

/** A user of a machine of its own: a home, and programs that are fakes. */
export interface Desk {
  readonly home: string
  /** The folder of its programs, which is all that is on the PATH. */
  readonly bin: string
  /** Puts a program there, a script of the shell unless it begins with another line. */
  program(name: string, script: string): Promise<void>
  file(path: string, text: string): Promise<void>
  /** Runs clinvk. `env` comes on top of PATH and HOME. */
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>
  /** @throws Error where something of it still runs. */
  remove(): Promise<void>
}

export async function createDesk(): Promise<Desk> {
  const home = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-desk-')))
  const bin = join(home, 'bin')
  await mkdir(bin)
  return {
    home,
    bin,
    async program(name, script) {
      const path = join(bin, name)
      await writeFile(path, script.startsWith('#!') ? script : `#!/bin/sh\n${script}\n`)
      await chmod(path, 0o755)
    },
    async file(path, text) {
      await mkdir(dirname(join(home, path)), { recursive: true })
      await writeFile(join(home, path), text)
    },
    async run(args, env = {}) {
      const proc = Bun.spawn({
        cmd: [...clinvkCommand(), ...args],
        cwd: home,
        env: { PATH: bin, HOME: home, ...env },
        stdin: 'ignore',
        stdout: 'pipe',
        stderr: 'pipe',
      })
      const [stdout, stderr, code] = await Promise.all([proc.stdout.text(), proc.stderr.text(), proc.exited])
      return { stdout, stderr, code }
    },
    async remove() {
      const left = await processesIn(home)
      await rm(home, { recursive: true, force: true, maxRetries: 3 })
      if (left.length > 0) throw new Error(`These still run: ${left.join('\n')}`)
    },
  }
}
