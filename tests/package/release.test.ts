/** What the release does with the packages, with an npm that only says what it is told. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { version } from '../../package.json'
import { packageName } from '../../packaging/manifests.ts'
import { TARGETS } from '../../packaging/targets.ts'

interface Workflow {
  readonly jobs: Record<string, { readonly steps: readonly { readonly run?: string }[] }>
}

let folder: string
let runs: Record<string, readonly string[]>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clinvk-release-'))
  const text = await readFile(join(import.meta.dir, '../../.github/workflows/release.yml'), 'utf8')
  const { jobs } = parse(text) as Workflow
  runs = Object.fromEntries(
    Object.entries(jobs).map(([name, { steps }]) => [name, steps.flatMap(({ run }) => run ?? [])]),
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('the packages of all platforms are made, and published before the one that names them', async () => {
  expect(runs['build']).toContain('bun run pack --all')
  const platforms = TARGETS.map((target) => `dist/npm/${packageName(target)}-${version}.tgz`)
  const main = `dist/npm/clinvk-${version}.tgz`
  await mkdir(join(folder, 'dist/npm'), { recursive: true })
  for (const path of [main, ...platforms]) await writeFile(join(folder, path), '')
  await writeFile(join(folder, 'npm'), '#!/bin/sh\necho "$@"\n')
  await chmod(join(folder, 'npm'), 0o755)

  const child = Bun.spawn({
    cmd: ['sh', '-ec', (runs['npm'] ?? []).join('\n')],
    cwd: folder,
    env: { PATH: `${folder}:/usr/bin:/bin`, GITHUB_REF_NAME: `v${version}` },
    stdout: 'pipe',
  })
  const lines = (await child.stdout.text()).trim().split('\n')
  const published = lines.map((line) => line.split(' ').at(-1)?.replace('./', ''))
  expect(published.at(-1)).toBe(main)
  expect(published.toSorted()).toEqual([main, ...platforms].toSorted())
  expect(lines.every((line) => line.startsWith('publish --provenance --access public '))).toBe(true)
  expect(await child.exited).toBe(0)
})
