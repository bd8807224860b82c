/**
 * `bun run check`: format and lint, types, unused code, every test. Everything runs even where something fails,
 * so that one run tells all; the last line counts.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countTests } from './junit.ts'

const STEPS: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['format and lint', ['biome', 'ci', '--colors=off', '--error-on-warnings']],
  ['types', ['tsc', '-p', '.']],
  ['unused code', ['knip']],
]
const TEST_TIMEOUT_MS = 180_000

const folder = await mkdtemp(join(tmpdir(), 'clinvk-check-'))
let passed = 0
let failed = 0
try {
  for (const [name, command] of STEPS) {
    console.log(`\n== ${name}`)
    const ok = (await run([process.execPath, 'x', '--bun', '--no-install', ...command])) === 0
    if (ok) passed += 1
    else failed += 1
    console.log(ok ? `${name}: ok` : `${name}: failed`)
  }
  console.log('\n== tests')
  const report = join(folder, 'junit.xml')
  const code = await run([
    process.execPath,
    'test',
    `--timeout=${TEST_TIMEOUT_MS}`,
    '--reporter=junit',
    `--reporter-outfile=${report}`,
    'tests',
  ])
  const tests = countTests(await readFile(report, 'utf8').catch(() => ''))
  passed += tests.passed
  failed += tests.failed + tests.skipped
  if (tests.skipped > 0) console.log(`${tests.skipped} skipped tests count as failed.`)
  if (code !== 0 && tests.failed === 0) {
    console.log(`bun test ended with code ${code}.`)
    failed += 1
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > STEPS.length ? 0 : 1

async function run(cmd: string[]): Promise<number> {
  return await Bun.spawn({ cmd, stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' }).exited
}
