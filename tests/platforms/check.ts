/**
 * `bun run check:platforms`: runs the executable for arm64 on an x64 machine, in a Debian for arm64 whose programs QEMU
 * runs. The namespaces that it does this in have no network, and their own list of what runs which program.
 */
import { chmod, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { compile } from '../../packaging/compile.ts'
import { TARGETS } from '../../packaging/targets.ts'
import { createChecks, holds, same } from '../support/checks.ts'
import { needPackages, noDebian, pinnedDebian } from '../support/debian.ts'
import { execute, must, type Outcome } from '../support/execute.ts'

const ROOT = join(import.meta.dir, '../..')
const QEMU = '/usr/bin/qemu-aarch64-static'
/** The head of an ELF program of 64 bits, little-endian, for AArch64, as binfmt_misc takes it, and what of it counts. */
const HEAD = String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`
const MASK = String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`
const SPACES = [
  ...['unshare', '--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child', '--net'],
]
/** QEMU is slow; but what hangs is ended. */
const PATIENCE_SECS = '300'

const { check, end } = createChecks()
const reason =
  noDebian() ?? (process.arch === 'x64' ? await withoutOwnFormats() : 'this is the other platform')
if (reason) console.log(`skipped: Programs for arm64 cannot be run here: ${reason}.`)
else {
  await needPackages(['debootstrap', 'qemu-user-static', 'iproute2'])
  const folder = await mkdtemp(join(tmpdir(), 'clinvk-arm64-'))
  const tree = join(folder, 'tree')
  try {
    await makeTree(tree)
    const run = (...words: string[]) => enter(tree, words)
    const built = await check('the executable for arm64 is built', async () => {
      const target = TARGETS.find(({ name }) => name === 'linux-arm64')
      if (!target) throw new Error('There is no such target.')
      const program = join(folder, 'clinvk')
      await compile(target, program)
      await copyFile(program, join(tree, 'usr/bin/clinvk'))
      await chmod(join(tree, 'usr/bin/clinvk'), 0o755)
    })
    if (built) {
      await check('it starts', async () => {
        same((await run('uname', '-m')).stdout, 'aarch64\n')
        const { code, stdout, stderr } = await run('clinvk', 'version')
        same([code, stderr], [0, ''])
        holds(stdout, manifest.version)
      })
      await check('it serves, its agent answers, and it ends in order', async () => {
        const { code, stdout, stderr } = await run('sh', '/opt/serve.sh')
        same([code, stderr], [0, ''])
        holds(stdout, '"status":"ok"')
        holds(stdout, 'You said: hello')
        holds(stdout, 'ended with 0')
      })
    }
  } finally {
    await rm(folder, { recursive: true })
  }
  end()
}

/** Only since Linux 6.7 user namespaces have a list of their own of what runs which program. */
async function withoutOwnFormats(): Promise<string | undefined> {
  const mount = ['mount', '-t', 'binfmt_misc', 'binfmt_misc', '/mnt']
  const { code, stderr } = await execute([...SPACES, ...mount])
  return code === 0 ? undefined : stderr.trim()
}

/** The first stage alone: what is unpacked runs, and nothing needs to be set up. */
async function makeTree(tree: string): Promise<void> {
  const { suite } = await pinnedDebian(ROOT)
  await must(['debootstrap', '--foreign', '--arch=arm64', '--variant=minbase', suite, tree])
  // In a container debootstrap makes it a link to itself.
  await rm(join(tree, 'proc'), { recursive: true })
  for (const name of ['proc', 'opt', 'mnt']) await mkdir(join(tree, name), { recursive: true })
  await copyFile(join(ROOT, 'tests/docker/inside/request.ts'), join(tree, 'opt/request.ts'))
  await copyFile(join(import.meta.dir, 'inside/serve.sh'), join(tree, 'opt/serve.sh'))
}

function enter(tree: string, words: readonly string[]): Promise<Outcome> {
  const script = ['sh', join(import.meta.dir, 'enter.sh'), tree, QEMU, HEAD, MASK]
  return execute(['timeout', '--kill-after=5', PATIENCE_SECS, ...SPACES, ...script, ...words])
}
