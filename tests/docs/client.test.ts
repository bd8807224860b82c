/** The programs in docs/client.md and packaging/README.md do what is said of them. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { blocksOf } from './markdown.ts'
import { createReader, type Reader } from './reader.ts'

const ROOT = join(import.meta.dir, '../..')

let reader: Reader
beforeAll(async () => {
  reader = await createReader()
  await reader.serve('clinvk serve')
  // That the package has this entry is tested with the package.
  const paths = { 'clinvk/client': [join(ROOT, 'src/client/client.ts')] }
  await writeFile(join(reader.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { paths } }))
}, 600_000)
afterAll(() => reader.leave())

test.each([
  // An answer, and one that comes in pieces.
  [
    'docs/client.md',
    '[clinvk demo agent, no model] You said: hello\n[clinvk demo agent, no model] You said: hello again',
  ],
  ['packaging/README.md', 'Hello from the mock.\nHello from the mock.'],
])('%s', async (page, said) => {
  const programs = (await blocksOf(page)).filter(({ language }) => language === 'ts')
  expect(programs).toHaveLength(1)
  await writeFile(join(reader.folder, 'program.ts'), reader.here(`${programs[0]?.text}\n`))
  expect(await reader.run(`'${process.execPath}' program.ts`)).toBe(said)
})
