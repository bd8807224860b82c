/** What the workflows run is there, and their own lines of shell do what they are for. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { scripts, version } from '../../package.json'
import { packageName } from '../../packaging/manifests.ts'
import { TARGETS } from '../../packaging/targets.ts'

const ROOT = join(import.meta.dir, '../..')
const FOLDER = join(ROOT, '.github/workflows')

interface Step {
  readonly run?: string
}
async function stepsOf(file: string, job?: string): Promise<Step[]> {
  const { jobs } = parse(await readFile(join(FOLDER, file), 'utf8'))
  return Object.entries<{ steps: Step[] }>(jobs)
    .filter(([name]) => job === undefined || name === job)
    .flatMap(([, { steps }]) => steps)
}

describe.each(await readdir(FOLDER))('%s', (file) => {
  test('runs scripts that are there', async () => {
    const lines = (await stepsOf(file)).flatMap(({ run }) => run?.split('\n') ?? [])
    const words = lines.flatMap((line) => /^(?:bun run|npm|bun) (\S+)/.exec(line)?.[1] ?? [])
    const missing = words.filter(
      (word) => !(word in scripts) && word !== 'install' && !existsSync(join(ROOT, word)),
    )
    expect(lines.length).toBeGreaterThan(0)
    expect(missing).toEqual([])
  })
})

describe('a release', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clinvk-release-'))
    await mkdir(join(folder, 'bin'))
    await writeFile(
      join(folder, 'bin/npm'),
      `#!/bin/sh\n[ "$1" = view ] && { [ "$2" = "$PUBLISHED" ]; exit; }\necho "$@" >> '${folder}/asked'\n`,
    )
    await chmod(join(folder, 'bin/npm'), 0o755)
    await mkdir(join(folder, 'dist/npm'), { recursive: true })
    const names = ['clinvk', ...TARGETS.map(packageName)]
    for (const name of names) await writeFile(join(folder, `dist/npm/${name}-${version}.tgz`), '')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  /** What npm is asked to publish for a tag, of whose packages one may be there already. */
  async function publish(tag: string, published = ''): Promise<string[]> {
    const [step] = (await stepsOf('release.yml', 'npm')).filter(({ run }) => run?.includes('publish'))
    await rm(join(folder, 'asked'), { force: true })
    const shell = Bun.spawn({
      cmd: ['bash', '-e', '-c', step?.run ?? 'false'],
      cwd: folder,
      env: { PATH: `${folder}/bin:/usr/bin:/bin`, GITHUB_REF_NAME: tag, PUBLISHED: published },
    })
    expect(await shell.exited).toBe(0)
    return (await readFile(join(folder, 'asked'), 'utf8')).trim().split('\n')
  }

  test('packs for every platform and publishes all of it with its provenance, clinvk last', async () => {
    expect((await stepsOf('release.yml', 'build')).map(({ run }) => run)).toContain('bun run pack --all')
    const asked = await publish(`v${version}`)
    expect(asked).toHaveLength(TARGETS.length + 1)
    for (const line of asked)
      expect(line).toMatch(
        /^publish --provenance --access public --tag latest \.\/dist\/npm\/clinvk\S*\.tgz$/,
      )
    expect(asked.at(-1)).toEndWith(`/clinvk-${version}.tgz`)
  })

  test('goes on where it failed before, and is not the latest where it comes before a release', async () => {
    const asked = await publish(`v${version}`, `clinvk-linux-x64@${version}`)
    expect(asked).toHaveLength(TARGETS.length)
    expect(asked.join()).not.toContain('clinvk-linux-x64-0')
    expect((await publish('v9.0.0-rc.1'))[0]).toContain('--tag next ')
  })
})
