import { Database, SQLiteError } from 'bun:sqlite'
import { existsSync } from 'node:fs'
import { lstat, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const HERE = import.meta.dir
const MODULES = join(HERE, 'node_modules')
const BIN = join(MODULES, '.agent-bin')
const STAMP = join(MODULES, '.agent-stamp')

/** The agents that are installed, and where the program of each may be, first found first. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  // The two native programs are taken from their platform packages: their postinstall scripts only copy them, and
  // no script of a dependency runs here. Bun installs the packages of this platform's CPU and libc only.
  claude: platforms().map((platform) => `@anthropic-ai/claude-code-${platform}/claude`),
  // The baseline build runs on CPUs without AVX2 too.
  opencode: platforms().flatMap((platform) => {
    const [plain, libc] = platform.split('-musl')
    const suffix = libc === undefined ? '' : '-musl'
    return [`opencode-${plain}-baseline${suffix}/bin/opencode`, `opencode-${platform}/bin/opencode`]
  }),
  codex: ['@openai/codex/bin/codex.js'],
  gemini: ['@google/gemini-cli/bundle/gemini.js'],
}

/** Gemini CLI refuses an older Node. */
const NODE_MAJOR = 20

let installed: Promise<string> | undefined

/**
 * The directory to put on PATH, with the pinned `claude`, `codex`, `gemini` and `opencode`. Installs them on first use
 * (about 1.3 GB) and is quick afterwards; any number of processes may call it at once. Where no fitting Node is on
 * PATH the directory also holds a `node` that is Bun, which runs both Node programs among them.
 *
 * @throws Error when the package manager fails or a program is not where it should be.
 */
export function agentBin(): Promise<string> {
  installed ??= install()
  return installed
}

async function install(): Promise<string> {
  await mkdir(MODULES, { recursive: true })
  return locked(join(MODULES, '.agent-lock'), async () => {
    const stamp = await wantedStamp()
    if ((await readFile(STAMP, 'utf8').catch(() => '')) !== stamp) {
      await runInstall()
      await rm(BIN, { recursive: true, force: true })
      await mkdir(BIN)
      for (const [name, candidates] of Object.entries(PROGRAMS)) await link(name, candidates)
      await writeFile(STAMP, stamp)
    }
    await ensureNode()
    for (const name of Object.keys(PROGRAMS)) {
      if (existsSync(join(BIN, name))) continue
      throw new Error(`${name} is missing in ${BIN}. Delete ${MODULES} and run the tests again.`)
    }
    return BIN
  })
}

/** Changes whenever the pinned versions, the platform or this file do. */
async function wantedStamp(): Promise<string> {
  const hash = new Bun.CryptoHasher('sha256').update(`${process.platform}-${process.arch}\n`)
  for (const file of ['package.json', 'bun.lock', 'install.ts']) hash.update(await readFile(join(HERE, file)))
  return hash.digest('hex')
}

async function runInstall(): Promise<void> {
  const child = Bun.spawn(
    [process.execPath, 'install', '--frozen-lockfile', '--ignore-scripts', '--linker=hoisted'],
    {
      cwd: HERE,
      stdin: 'ignore',
      stdout: 'pipe',
      stderr: 'pipe',
    },
  )
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code !== 0)
    throw new Error(`Installing the agents in ${HERE} failed (exit ${code}):\n${stdout}${stderr}`)
}

async function link(name: string, candidates: readonly string[]): Promise<void> {
  const found = candidates.map((candidate) => join(MODULES, candidate)).find((path) => existsSync(path))
  if (!found) throw new Error(`${name} was not installed: none of ${candidates.join(', ')} is in ${MODULES}.`)
  await symlink(found, join(BIN, name))
}

/** Bun acts as Node when it is called by that name. */
async function ensureNode(): Promise<void> {
  const shim = join(BIN, 'node')
  const present = await lstat(shim).then(
    () => true,
    () => false,
  )
  if (present) await rm(shim)
  if (!(await hasNode())) await symlink(process.execPath, shim)
}

async function hasNode(): Promise<boolean> {
  const node = Bun.which('node')
  if (node === null) return false
  const version = await Bun.$`${node} --version`.nothrow().quiet().text()
  return Number(/^v(\d+)/.exec(version)?.[1] ?? 0) >= NODE_MAJOR
}

function platforms(): string[] {
  const plain = `${process.platform}-${process.arch}`
  return process.platform === 'linux' ? [plain, `${plain}-musl`] : [plain]
}

/** SQLite's lock on a file is the one that goes away with its process, however that ends. */
async function locked<T>(path: string, work: () => Promise<T>): Promise<T> {
  const database = new Database(path)
  try {
    while (!tryLock(database)) await Bun.sleep(100)
    return await work()
  } finally {
    database.close()
  }
}

function tryLock(database: Database): boolean {
  try {
    database.run('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if (error instanceof SQLiteError && error.code === 'SQLITE_BUSY') return false
    throw error
  }
}
