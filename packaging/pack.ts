/**
 * `bun run pack`: the packages for npm as tarballs in `dist/npm`: `clinvk` and the one with the executable for this
 * platform, or with `--all` those for every platform. `--out DIR` puts them elsewhere, `--fast` hardly compresses.
 */
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bundle, compile, runBun } from './compile.ts'
import { writeLibrary } from './library.ts'
import { thirdPartyNotices } from './licenses.ts'
import { mainManifest, packageName, platformManifest } from './manifests.ts'
import { programName, TARGETS, thisTarget } from './targets.ts'

const ROOT = join(import.meta.dir, '..')

/** Both kinds of packages hold the code of others. */
const NOTICES = 'THIRD-PARTY-NOTICES'

const { values } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    fast: { type: 'boolean', default: false },
    out: { type: 'string', default: join(ROOT, 'dist/npm') },
  },
})
await rm(values.out, { recursive: true, force: true })

await pack('clinvk', mainManifest(), async (folder) => {
  await bundle(join(folder, 'lib/server'))
  await writeLibrary(join(folder, 'lib'))
  await mkdir(join(folder, 'bin'))
  await copyFile(join(import.meta.dir, 'launcher.mjs'), join(folder, 'bin/clinvk.mjs'))
  await chmod(join(folder, 'bin/clinvk.mjs'), 0o755)
  await copyFile(join(import.meta.dir, 'README.md'), join(folder, 'README.md'))
})
for (const target of values.all ? TARGETS : [thisTarget()])
  await pack(packageName(target), platformManifest(target), (folder) =>
    compile(target, join(folder, programName(target))),
  )

/** Fills a folder with what a package holds, and makes the tarball of it. */
async function pack(name: string, manifest: object, fill: (folder: string) => Promise<void>): Promise<void> {
  const folder = join(values.out, name)
  await mkdir(folder, { recursive: true })
  await fill(folder)
  await copyFile(join(ROOT, 'LICENSE'), join(folder, 'LICENSE'))
  await writeFile(join(folder, NOTICES), await thirdPartyNotices())
  await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  const level = values.fast ? '1' : '9'
  const words = ['pm', 'pack', '--quiet', `--gzip-level=${level}`, `--destination=${values.out}`]
  console.log((await runBun(words, folder)).trim())
  await rm(folder, { recursive: true })
}
