/** The executable as its downloader has it: one file, which may not be run yet, in an empty folder. */
import { describe, expect, test } from 'bun:test'
import { appendFile, chmod, copyFile, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { builtExecutable } from '../support/built.ts'
import { newcomer, triesAnAgent, triesTheCommands, triesTheServer } from './newcomer.ts'

describe('the executable, on a machine with neither Node nor Bun', async () => {
  const [check = '', permit = '', doctor = '', serve = ''] = await documentedLines()
  const user = newcomer({
    programs: ['sha256sum', 'chmod'],
    serve,
    async prepare({ folder }, window) {
      const built = await builtExecutable()
      for (const file of ['clinvk', 'SHA256SUMS']) await copyFile(join(built, file), join(folder, file))
      await chmod(join(folder, 'clinvk'), 0o644)
      // The sums of a release are those of all platforms.
      await appendFile(join(folder, 'SHA256SUMS'), `${'0'.repeat(64)}  clinvk-of-another-platform\n`)
      expect(await window.run(check)).toEqual({ text: 'clinvk: OK\n', code: 0 })
      expect(await window.run(permit)).toEqual({ text: '', code: 0 })
    },
  })
  triesTheServer(user)
  triesTheCommands(user, doctor.replace(' doctor', ''))
  triesAnAgent(user)

  test('the folder has what was put there', async () => {
    expect((await readdir(user.machine().folder)).toSorted()).toEqual(['SHA256SUMS', 'clinvk'])
  })
})

/** What the documentation tells whoever has downloaded it, with the name that it is built under. */
async function documentedLines(): Promise<string[]> {
  const page = await readFile(join(import.meta.dir, '../../docs/packages.md'), 'utf8')
  const block = page.split('```sh\n').find((text) => text.startsWith('sha256sum')) ?? ''
  const lines = block.slice(0, block.indexOf('```')).trim().split('\n')
  return lines.map((line) => line.replace('clinvk-linux-x64', 'clinvk'))
}
