import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '../support/checks.ts'
import { needPackages, noDebian, pinnedDebian } from '../support/debian.ts'
import { execute, must, type Outcome } from '../support/execute.ts'

/** A Debian with a systemd that is its first process, in namespaces of its own. Of all networks it has its loopback only. */
export interface Machine {
  /** What is where in its tree, seen from here. */
  path(inside: string): string
  /** Starts it, and waits until systemd has started everything. */
  boot(): Promise<void>
  /** Runs a command as root, or a shell's line as a user who has logged in for it. */
  root(words: readonly string[]): Promise<Outcome>
  as(user: string, line: string): Promise<Outcome>
  /** Has systemd end everything, and waits until it has. */
  powerOff(): Promise<void>
  /** Removes all of it. */
  close(): Promise<void>
}

const PACKAGES = [
  ...['systemd', 'systemd-sysv', 'dbus', 'dbus-user-session', 'libpam-systemd', 'polkitd'],
  ...['sudo', 'curl', 'ca-certificates', 'procps', 'git'],
]
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Makes a machine of Debian's packages, at the release that the image has.
 *
 * @param keep a folder to keep what debootstrap makes in, for the next time
 * @returns the reason where there can be none.
 */
export async function makeMachine(
  root: string,
  keep?: string,
): Promise<Machine | { readonly reason: string }> {
  const reason = noDebian()
  if (reason) return { reason: `No machine can be made here: ${reason}.` }
  await needPackages(['debootstrap'])
  const folder = await mkdtemp(join(tmpdir(), 'clinvk-systemd-'))
  const groups = join(folder, 'groups')
  const group = join(groups, `clinvk-check-${process.pid}`)
  const tree = join(folder, 'tree')
  await mkdir(groups)
  const mounted = await execute(['mount', '-t', 'cgroup2', 'cgroup2', groups])
  if (mounted.code !== 0) {
    await rm(folder, { recursive: true })
    return { reason: `Control groups cannot be had here: ${mounted.stderr.trim()}` }
  }
  let booted: Bun.Subprocess | undefined
  let init: string | undefined

  const machine: Machine = {
    path: (inside) => join(tree, inside),
    async boot() {
      const script = ['sh', join(import.meta.dir, 'boot.sh'), tree, join(root, 'tests')]
      const spaces = ['--fork', '--kill-child', '--pid', '--mount', '--uts', '--ipc', '--cgroup', '--net']
      const enter = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
      booted = Bun.spawn({
        cmd: ['sh', '-c', enter, group, 'unshare', ...spaces, ...script],
        stdin: 'ignore',
        stdout: Bun.file(join(folder, 'boot.log')),
        stderr: Bun.file(join(folder, 'boot.log')),
      })
      init = await eventually(async () => await childNamed(booted?.pid ?? 0, 'systemd'))
      const state = ['systemctl', 'is-system-running', '--wait']
      await eventually(async () => {
        const { stdout, stderr } = await machine.root(state)
        // A machine without hardware has units that fail.
        if (!/^(running|degraded)$/m.test(stdout)) throw new Error(stdout + stderr)
      })
    },
    root: (words) => execute([...enterWords(init), '--', 'env', '-i', PATH, 'LANG=C.UTF-8', ...words]),
    as(user, line) {
      const login = [
        'systemd-run',
        '--quiet',
        '--pipe',
        '--wait',
        `--uid=${user}`,
        '--property=PAMName=login',
      ]
      return machine.root([...login, '--property=WorkingDirectory=~', 'bash', '-lc', line])
    },
    async powerOff() {
      await machine.root(['systemctl', 'poweroff'])
      await booted?.exited
      init = undefined
    },
    async close() {
      booted?.kill('SIGKILL')
      await booted?.exited
      // Deepest first; one that was just left is busy for a moment.
      await eventually(() => must(['find', group, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', '+']))
      await must(['umount', groups])
      await rm(folder, { recursive: true })
    },
  }
  try {
    await mkdir(group)
    await makeTree(root, tree, keep)
    return machine
  } catch (error) {
    await machine.close()
    throw error
  }
}

async function makeTree(root: string, tree: string, keep: string | undefined): Promise<void> {
  const { suite } = await pinnedDebian(root)
  const made = keep ?? tree
  if (!existsSync(join(made, 'sbin/init')))
    await must(['debootstrap', '--variant=minbase', `--include=${PACKAGES.join(',')}`, suite, made])
  if (made !== tree) await must(['cp', '-a', '--reflink=auto', made, tree])
  await mkdir(join(tree, 'opt/tests'))
  await writeFile(join(tree, 'etc/hostname'), 'clinvk-check\n')
  await writeFile(join(tree, 'etc/hosts'), '127.0.0.1 localhost clinvk-check\n::1 localhost\n')
  await writeFile(join(tree, 'etc/resolv.conf'), '')
}

/** Puts a program into its tree. */
export async function putProgram(machine: Machine, file: string, inside: string): Promise<void> {
  await copyFile(file, machine.path(inside))
  await chmod(machine.path(inside), 0o755)
}

function enterWords(init: string | undefined): string[] {
  if (init === undefined) throw new Error('The machine does not run.')
  const spaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root', '--wd']
  return ['nsenter', '--target', init, ...spaces]
}

async function childNamed(parent: number, name: string): Promise<string> {
  const [pid, command] = (await must(['ps', '--ppid', String(parent), '-o', 'pid=,comm=']))
    .trim()
    .split(/\s+/)
  if (pid === undefined || command !== name) throw new Error(`There is no ${name}, but ${command}.`)
  return pid
}
