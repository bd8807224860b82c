/** The client as it is built, in Node, whose fetch fails in its own ways. */
import { expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runBun } from '../../packaging/compile.ts'
import { startBadServer } from './bad-server.ts'

/** Streams from each of the addresses, and prints what became of it. */
const PROGRAM = `import { createClient, streamPrompt } from './client.js'
const found = {}
for (const url of process.argv.slice(2)) {
  const client = createClient(url, { apiKey: 'secret' })
  const events = []
  let code
  try {
    for await (const { type } of streamPrompt(client, { prompt: 'hi' })) events.push(type)
  } catch (error) {
    code = error.problem?.code ?? String(error)
  }
  const called = await client.api.v1.prompt.post({ prompt: 'hi' })
  found[new URL(url).pathname.slice(1)] = [events.join(' '), code ?? null, called.error?.value.code ?? null]
}
console.log(JSON.stringify(found))
`

test.if(Bun.which('node') !== null)('the built client tells a bad answer in Node', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'clinvk-client-'))
  const server = startBadServer()
  try {
    await runBun([
      'build',
      '--target=browser',
      '--format=esm',
      'src/client/client.ts',
      `--outfile=${join(folder, 'client.js')}`,
    ])
    await writeFile(join(folder, 'package.json'), '{"type":"module"}')
    await writeFile(join(folder, 'program.js'), PROGRAM)
    const ways = ['whole', 'crlf', 'cut', 'lines', 'html', 'json', 'broken-json', 'refused'] as const
    const urls = [...ways.map(server.at), server.elsewhere, 'http://127.0.0.1:9/nobody']
    const child = Bun.spawn({ cmd: ['node', 'program.js', ...urls], cwd: folder, stderr: 'inherit' })
    expect(JSON.parse(await child.stdout.text())).toEqual({
      whole: ['init message done', null, null],
      crlf: ['init message done', null, null],
      cut: ['init message', 'stream_cut', null],
      lines: ['init', 'foreign_answer', null],
      html: ['', 'foreign_answer', 'foreign_answer'],
      json: ['', 'foreign_answer', null],
      'broken-json': ['', 'foreign_answer', 'foreign_answer'],
      refused: ['', 'queue_full', 'queue_full'],
      elsewhere: ['', 'unreachable', 'unreachable'],
      nobody: ['', 'unreachable', 'unreachable'],
    })
    expect(server.redirected).toEqual([])
  } finally {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
})
