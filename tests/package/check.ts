/**
 * `bun run check:binary`: makes the executable and runs every end-to-end test with it in place of the source: real agents,
 * clients, commands, the documentation. `bun run check` does so with a part of them; this takes as long again as that.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countTests } from '../support/junit.ts'

const ROOT = join(import.meta.dir, '../..')
/** Where clinvk is a process of its own (`clinvkCommand`). */
const TESTS = [
  'tests/agents/real',
  'tests/clients',
  'tests/commands',
  'tests/docs',
  'tests/server/rest/processes',
]

const folder = await mkdtemp(join(tmpdir(), 'clinvk-check-'))
try {
  const built = await run(['packaging/build.ts', '--out', folder], {})
  const report = join(folder, 'junit.xml')
  const flags = ['--timeout=180000', '--reporter=junit', `--reporter-outfile=${report}`]
  const tested =
    built === 0 && (await run(['test', ...flags, ...TESTS], { CLINVK_BINARY: join(folder, 'clinvk') }))
  const { passed, failed, skipped } = countTests(
    await Bun.file(report)
      .text()
      .catch(() => ''),
  )
  console.log(`\n${passed} passed, ${failed + skipped} failed`)
  process.exitCode = tested === 0 && passed > 0 && skipped === 0 ? 0 : 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function run(words: readonly string[], env: Readonly<Record<string, string>>): Promise<number> {
  const child = Bun.spawn({
    cmd: [process.execPath, ...words],
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
  })
  return await child.exited
}
