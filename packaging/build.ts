/**
 * `bun run build`: the executable for this platform, as `dist/clinvk`. With `--all` one for every platform, as
 * `dist/clinvk-<platform>`, with their SHA-256 in `dist/SHA256SUMS`. `--out DIR` puts them elsewhere.
 */
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compile } from './compile.ts'
import { programName, TARGETS, thisTarget } from './targets.ts'

const { values } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    out: { type: 'string', default: join(import.meta.dir, '../dist') },
  },
})
await mkdir(values.out, { recursive: true })
const chosen = values.all
  ? TARGETS.map((target) => ({ target, name: programName(target, `clinvk-${target.name}`) }))
  : [{ target: thisTarget(), name: programName(thisTarget()) }]

const sums: string[] = []
const failed: string[] = []
for (const { target, name } of chosen) {
  const path = join(values.out, name)
  try {
    await compile(target, path)
  } catch (error) {
    // One platform whose runtime cannot be fetched does not take the others along.
    console.error(`${name}: ${error instanceof Error ? error.message : error}`)
    failed.push(name)
    continue
  }
  const { size } = await stat(path)
  sums.push(`${await sha256(path)}  ${name}\n`)
  console.log(`${path}  ${(size / 1024 ** 2).toFixed(1)} MiB`)
}
await writeFile(join(values.out, 'SHA256SUMS'), sums.join(''))
if (failed.length > 0) {
  console.error(`Not built: ${failed.join(', ')}.`)
  process.exitCode = 1
}

async function sha256(path: string): Promise<string> {
  const hash = new Bun.CryptoHasher('sha256')
  for await (const chunk of Bun.file(path).stream()) hash.update(chunk)
  return hash.digest('hex')
}
