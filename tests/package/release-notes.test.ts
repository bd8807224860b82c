import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { version } from '../../package.json'

const notes = (of: string) =>
  Bun.$`${process.execPath} ${join(import.meta.dir, '../../packaging/release-notes.ts')} ${of}`
    .nothrow()
    .quiet()

test('the version that is next has notes, whose links lead into its files', async () => {
  const { exitCode, stdout } = await notes(version)
  expect({ exitCode, text: stdout.toString() }).toEqual({
    exitCode: 0,
    text: expect.stringContaining(`](https://github.com/signalridge/clinvk/blob/v${version}/docs/`),
  })
  expect(stdout.toString()).not.toMatch(/^## |\]\(docs/m)
})

test('a version that nobody wrote about is an error', async () => {
  const { exitCode, stdout, stderr } = await notes('9.9.9')
  expect([exitCode, stdout.toString(), stderr.toString()]).toEqual([
    1,
    '',
    'CHANGELOG.md has no section "## 9.9.9".\n',
  ])
})
