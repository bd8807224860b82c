/** Every command and every snippet of the README and the documentation is tried by somebody, or says why not. */
import { describe, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, normalize } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import { FOREIGN, isScript, PLACEHOLDERS, toRun } from './inline.ts'
import { allPages, anchorsOf, type Block, blocksOf, inlineCommandsOf, linksOf } from './markdown.ts'

const ROOT = join(import.meta.dir, '../..')
const pages = await allPages()

/** How a block is tried. @throws Error where nobody does. */
function howTried({ page, line, language, mark, answers }: Block): string {
  if (mark?.startsWith('not run: ')) return 'not run'
  const runner = mark && /^run by (\S+\.ts)$/.exec(mark)?.[1]
  if (runner) return runner
  if (mark === undefined && (language === 'sh' || answers)) return 'pages.test.ts'
  if (mark === undefined && language === 'yaml') return 'configuration'
  if (language === '') return 'a picture'
  throw new Error(`${page}:${line}: nobody tries this ${language} block, and it does not say why.`)
}

describe.each(pages)('%s', async (page) => {
  const blocks = await blocksOf(page)

  test('each of its blocks is tried, or says why not', async () => {
    for (const block of blocks) {
      const how = howTried(block)
      if (how === 'not run') expect(block.mark?.length).toBeGreaterThan('not run: because'.length)
      if (!how.startsWith('tests/')) continue
      // It reads the page or what the page is made from, or names the command.
      const text = await Bun.file(join(ROOT, how)).text()
      const names = [page, page === 'docs/connect.md' ? 'clinvk connect' : block.text]
      expect([how, names.some((name) => text.includes(name))]).toEqual([how, true])
    }
  })

  test('each of its configurations is one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'clinvk-page-'))
    try {
      for (const { text, line } of blocks.filter((block) => howTried(block) === 'configuration')) {
        const file = join(folder, `${line}.yaml`)
        await Bun.write(file, text)
        const { warnings } = await loadConfig({ flags: { config: file }, env: {}, homeDir: folder })
        expect({ page, line, warnings }).toEqual({ page, line, warnings: [] })
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('each command in its sentences is run, or it is known why not', async () => {
    const unknown = (await inlineCommandsOf(page)).filter(
      ({ command }) => toRun(command) === undefined && !isScript(command) && !(command in FOREIGN),
    )
    expect(unknown).toEqual([])
  })

  test('each of its links leads somewhere', async () => {
    for (const { target, line } of await linksOf(page)) {
      const [path = '', anchor] = target.split('#')
      const found = path === '' ? page : normalize(join(page, '..', path))
      expect({ page, line, target, there: existsSync(join(ROOT, found)) }).toMatchObject({ there: true })
      if (anchor !== undefined && found.endsWith('.md'))
        expect([page, line, [...(await anchorsOf(found))]]).toEqual([
          page,
          line,
          expect.arrayContaining([anchor]),
        ])
    }
  })
})

test('what is said of commands that are not run is said of commands that are there', async () => {
  const all = (await Promise.all(pages.map(inlineCommandsOf))).flat().map(({ command }) => command)
  expect(Object.keys(FOREIGN).filter((command) => !all.includes(command))).toEqual([])
  const words = all.flatMap((command) => command.split(' '))
  expect(Object.keys(PLACEHOLDERS).filter((word) => !words.includes(word))).toEqual([])
})
