/** The examples of the documentation do what stands behind them. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { processesIn } from '../support/processes.ts'
import { type ServedClinvk, startClinvk } from '../support/serve.ts'
import { runExample } from '../support/shell.ts'

const PAGES = ['orchestration.md', 'sessions.md']

/** Each command of a page, with the answer that stands behind it. */
async function examplesOf(page: string) {
  const text = await readFile(join(import.meta.dir, '../../docs', page), 'utf8')
  const found = [...text.matchAll(/```sh\n(.*?)```\n\n```(json|jsonl)\n(.*?)```/gs)]
  expect(found).toHaveLength(text.split('```sh').length - 1)
  return found.map(([, command = '', form, answer = '']) => ({ command, lines: form === 'jsonl', answer }))
}

let home: string
let clinvk: ServedClinvk
beforeAll(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'clinvk-docs-')))
  await mkdir(join(home, 'work'))
  clinvk = await startClinvk({ env: { PATH: '/usr/bin:/bin', HOME: home }, cwd: join(home, 'work') })
})
afterAll(async () => {
  expect(await clinvk.stop()).toBe(0)
  expect(await processesIn(home)).toEqual([])
  await rm(home, { recursive: true, force: true })
})

for (const page of PAGES)
  describe(page, async () => {
    const examples = await examplesOf(page)
    test.each(examples.map((example, index) => [index, example] as const))(
      'example %i',
      async (_, { command, lines, answer }) => {
        const parse = (text: string) => {
          const all = lines ? text.trim().split('\n') : [text]
          return all.map((line) => JSON.parse(line))
        }
        expect(parse(await runExample(command, clinvk.url))).toMatchObject(parse(answer))
      },
    )
  })
