import { expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generatedPages } from '../support/docs/pages.ts'

test.each((await generatedPages()).map((page) => [page.path, page] as const))(
  '%s is what the schemas say',
  async (path, page) => {
    const committed = await readFile(join(import.meta.dir, '../..', path), 'utf8')
    expect(committed, 'Run: bun run docs').toBe(page.text)
  },
)
