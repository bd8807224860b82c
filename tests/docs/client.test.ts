/** The program in docs/packages.md does what is said of it. */
import { expect, test } from 'bun:test'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { blocksOf } from './markdown.ts'
import { createReader } from './reader.ts'

const ROOT = join(import.meta.dir, '../..')

test('the typed client asks the demo agent', async () => {
  const [program] = (await blocksOf('docs/packages.md')).filter(({ language }) => language === 'ts')
  const reader = await createReader({ agents: false })
  try {
    await reader.serve('clinvk serve')
    const print = 'console.log(JSON.stringify({ error, said: data && "response" in data && data.response }))'
    await writeFile(join(reader.folder, 'program.ts'), reader.here(`${program?.text}\n${print}\n`))
    // That the package has this entry is tested with the package.
    const paths = { 'clinvk/client': [join(ROOT, 'src/client/client.ts')] }
    await writeFile(join(reader.folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { paths } }))
    const said = await reader.run(`'${process.execPath}' program.ts`)
    expect(JSON.parse(said)).toEqual({
      error: null,
      said: '[clinvk demo agent, no model] You said: hello',
    })
  } finally {
    await reader.leave()
  }
}, 60_000)
