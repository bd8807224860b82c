import { mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { runningIn, waitUntil } from '../support/processes.ts'
import { openTerminal, type Terminal } from './terminal.ts'

/** A machine that somebody has just unpacked: an empty home, an empty folder in it, and hardly any program. */
export interface Machine {
  readonly home: string
  /** Where the user is. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** Where clinvk listens, unless it is told otherwise. */
  readonly url: string
  /** Puts a program on the PATH. */
  add(name: string, path?: string | null): Promise<void>
  open(): Promise<Terminal>
  /** From now on nothing outside the machine can be reached. */
  disconnect(): void
  /** Everything of it that runs, but the shells of its windows. Gives what is just ending a moment. */
  running(): Promise<string[]>
  /** Ends also what a test that failed has left. */
  remove(): Promise<void>
}

/** The discard port, where nothing listens. */
const NOWHERE = 'http://127.0.0.1:9'

/** Makes one whose PATH has these programs, a shell, and what the user may install in the home. */
export async function createMachine(
  programs: readonly string[],
  more: (home: string) => Readonly<Record<string, string>> = () => ({}),
): Promise<Machine> {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-ways-')))
  const [bin, home, temp] = [join(root, 'bin'), join(root, 'home'), join(root, 'tmp')]
  const folder = join(home, 'empty')
  await Promise.all([bin, folder, temp].map((path) => mkdir(path, { recursive: true })))
  const port = await freePort()
  const env: Record<string, string> = {
    PATH: [bin, join(home, '.local/bin'), join(home, '.bun/bin')].join(':'),
    HOME: home,
    TMPDIR: temp,
    npm_config_update_notifier: 'false',
    // The port of the documentation may be in use where the tests run.
    CLINVK_PORT: String(port),
    ...more(home),
  }
  const machine: Machine = {
    home,
    folder,
    env,
    url: `http://127.0.0.1:${port}`,
    async add(name, path = Bun.which(name)) {
      if (!path) throw new Error(`${name} is needed.`)
      await symlink(path, join(bin, name))
    },
    open: () => openTerminal(env, folder),
    disconnect: () =>
      Object.assign(env, { HTTP_PROXY: NOWHERE, HTTPS_PROXY: NOWHERE, NO_PROXY: '127.0.0.1,localhost' }),
    async running() {
      const find = async () => (await runningIn(home)).filter(({ command }) => command !== 'sh -i ')
      await waitUntil(async () => (await find()).length === 0).catch(() => {})
      return (await find()).map(({ command }) => command)
    },
    async remove() {
      for (const { pid } of await runningIn(home))
        try {
          process.kill(pid, 'SIGKILL')
        } catch {
          // It has just ended.
        }
      await rm(root, { recursive: true, force: true, maxRetries: 3 })
    },
  }
  for (const program of ['sh', ...programs]) await machine.add(program)
  return machine
}
