/**
 * `bun run check:platforms`: runs the executables for arm64 and for Windows on Linux on x64, each in a Debian of its own:
 * QEMU runs the programs of one for arm64, and Wine that for Windows. The namespaces that this is done in have no network,
 * and their own list of what runs which program. With the name of a target that one alone is tried.
 */
import { chmod, copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import manifest from '../../package.json' with { type: 'json' }
import { compile } from '../../packaging/compile.ts'
import { TARGETS } from '../../packaging/targets.ts'
import { createChecks, holds } from '../support/checks.ts'
import { needPackages, noDebian, pinnedDebian } from '../support/debian.ts'
import { execute, must, type Outcome } from '../support/execute.ts'

const ROOT = join(import.meta.dir, '../..')
const SPACES = [
  ...['unshare', '--user', '--map-root-user', '--mount', '--pid', '--fork', '--kill-child', '--net'],
]
/** An emulated processor is slow; but what hangs is ended. */
const PATIENCE_SECS = '300'
/** QEMU, the head of an ELF program of 64 bits, little-endian, for AArch64, as binfmt_misc takes it, and what of it counts. */
const ARM64 = [
  '/usr/bin/qemu-aarch64-static',
  String.raw`\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00`,
  String.raw`\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff`,
]

/** A platform that can be played here. */
interface Platform {
  /** Of the executable. */
  readonly target: string
  /** How debootstrap makes what it runs in. The first stage alone unpacks enough of another processor's. */
  readonly debootstrap: readonly string[]
  readonly emulator: readonly string[]
  /** Where the executable is put, and how it is started. */
  readonly file: string
  readonly command: readonly string[]
  /** What a shell says of a server that was asked to end: to Windows a signal is no question. */
  readonly ends: string
}

const PLATFORMS: readonly Platform[] = [
  {
    target: 'linux-arm64',
    debootstrap: ['--foreign', '--arch=arm64'],
    emulator: ARM64,
    file: 'usr/bin/clinvk',
    command: ['clinvk'],
    ends: 'ended with 0',
  },
  {
    target: 'windows-x64',
    // A client of Wine's that finds nobody waits for ever.
    debootstrap: ['--include=wine64,curl'],
    emulator: ['', '', ''],
    file: 'opt/clinvk.exe',
    command: ['/usr/lib/wine/wine64', '/opt/clinvk.exe'],
    ends: 'ended with ',
  },
]

const { check, end } = createChecks()
const reason =
  noDebian() ?? (process.arch === 'x64' ? await withoutOwnFormats() : 'this is another processor')
if (reason) console.log(`skipped: Other platforms cannot be played here: ${reason}.`)
else {
  await needPackages(['debootstrap', 'qemu-user-static', 'iproute2'])
  const [only] = process.argv.slice(2)
  for (const platform of PLATFORMS)
    if (only === undefined || only === platform.target) await checkPlatform(platform)
  end()
}

async function checkPlatform(platform: Platform): Promise<void> {
  const { target: name, command, file } = platform
  const folder = await mkdtemp(join(tmpdir(), `clinvk-${name}-`))
  const tree = join(folder, 'tree')
  const run = (...words: string[]) => enter(platform, tree, words)
  try {
    await makeTree(platform, tree)
    const built = await check(`the executable for ${name} is built`, async () => {
      const target = TARGETS.find((candidate) => candidate.name === name)
      if (!target) throw new Error('There is no such target.')
      const program = join(folder, 'clinvk.exe')
      await compile(target, program)
      await copyFile(program, join(tree, file))
      await chmod(join(tree, file), 0o755)
    })
    if (!built) return
    await check(`${name}: it starts`, async () => {
      const { code, stdout, stderr } = await run(...command, 'version')
      if (code !== 0) throw new Error(stdout + stderr)
      holds(stdout, manifest.version)
    })
    await check(`${name}: it serves, and its agent answers`, async () => {
      const { code, stdout, stderr } = await run('sh', '/opt/serve.sh', ...command)
      if (code !== 0) throw new Error(stdout + stderr)
      holds(stdout, '"status":"ok"')
      holds(stdout, 'You said: hello')
      holds(stdout, platform.ends)
    })
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** Only since Linux 6.7 user namespaces have a list of their own of what runs which program. */
async function withoutOwnFormats(): Promise<string | undefined> {
  const mount = ['mount', '-t', 'binfmt_misc', 'binfmt_misc', '/mnt']
  const { code, stderr } = await execute([...SPACES, ...mount])
  return code === 0 ? undefined : stderr.trim()
}

async function makeTree({ debootstrap }: Platform, tree: string): Promise<void> {
  const { suite } = await pinnedDebian(ROOT)
  await must(['debootstrap', ...debootstrap, '--variant=minbase', suite, tree])
  // In a container debootstrap may make it a link to itself.
  await rm(join(tree, 'proc'), { recursive: true })
  for (const name of ['proc', 'opt', 'mnt']) await mkdir(join(tree, name), { recursive: true })
  await copyFile(join(ROOT, 'tests/docker/inside/request.ts'), join(tree, 'opt/request.ts'))
  await copyFile(join(import.meta.dir, 'inside/serve.sh'), join(tree, 'opt/serve.sh'))
}

function enter({ emulator }: Platform, tree: string, words: readonly string[]): Promise<Outcome> {
  const script = ['sh', join(import.meta.dir, 'enter.sh'), tree, ...emulator]
  return execute(['timeout', '--kill-after=5', PATIENCE_SECS, ...SPACES, ...script, ...words])
}
