/**
 * `bun run compatibility`: tries every real agent and writes what came of it into docs/compatibility.md, one line for each
 * version of an agent that was ever tried. With `--newest` the newest releases are installed first, in place of the
 * pinned ones. Ends with 1 where an agent does not work as it should.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agentBin } from '../agents/install.ts'
import { REAL_AGENTS } from '../agents/real/agents.ts'
import { type Tried, toTable, withTried } from './compatibility-table.ts'
import { countTests } from './junit.ts'

const ROOT = join(import.meta.dir, '../..')
const PAGE = join(ROOT, 'docs/compatibility.md')
const AGENTS = join(ROOT, 'tests/agents')
const PACKAGES = {
  claude: '@anthropic-ai/claude-code',
  codex: '@openai/codex',
  gemini: '@google/gemini-cli',
  opencode: 'opencode-ai',
} as const
const TEST_TIMEOUT_MS = 120_000

const newest = process.argv.includes('--newest')
if (newest) await takeNewest()
await agentBin()

const tried: Tried[] = []
for (const { name } of REAL_AGENTS) {
  const { passed, failed } = await tryAgent(name)
  console.log(`${name} ${await versionOf(name)}: ${passed} passed, ${failed} failed`)
  tried.push({
    agent: name,
    version: await versionOf(name),
    on: new Date().toISOString().slice(0, 10),
    passed,
    failed,
  })
}
const before = await readFile(PAGE, 'utf8').catch(() => '')
await writeFile(PAGE, toTable(withTried(before, tried)))
process.exitCode = tried.every(({ passed, failed }) => failed === 0 && passed > 0) ? 0 : 1

/** The newest versions become the pinned ones of this checkout, so that everything else is as always. */
async function takeNewest(): Promise<void> {
  const add = Object.values(PACKAGES).map((name) => `${name}@latest`)
  const child = Bun.spawn(
    [process.execPath, 'add', '--exact', '--ignore-scripts', '--linker=hoisted', ...add],
    {
      cwd: AGENTS,
      stdout: 'inherit',
      stderr: 'inherit',
    },
  )
  if ((await child.exited) !== 0) throw new Error('The newest agents could not be installed.')
}

async function versionOf(agent: keyof typeof PACKAGES): Promise<string> {
  const manifest = JSON.parse(await readFile(join(AGENTS, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
  }
  return manifest.dependencies[PACKAGES[agent]] ?? 'unknown'
}

/** Runs the tests that every agent has to pass, for one of them. */
async function tryAgent(name: string): Promise<{ passed: number; failed: number }> {
  const folder = await mkdtemp(join(tmpdir(), 'clinvk-compatibility-'))
  try {
    const report = join(folder, 'junit.xml')
    const command = [
      'test',
      `--timeout=${TEST_TIMEOUT_MS}`,
      '--reporter=junit',
      `--reporter-outfile=${report}`,
    ]
    const child = Bun.spawn(
      [process.execPath, ...command, '--test-name-pattern', `\\b${name}\\b`, 'tests/agents/real'],
      { cwd: ROOT, stdout: 'inherit', stderr: 'inherit' },
    )
    await child.exited
    return countTests(await readFile(report, 'utf8').catch(() => ''))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
