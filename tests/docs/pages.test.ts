/** The commands of a page, in their order, with what the page says that they print. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { allPages, type Block, blocksOf } from './markdown.ts'
import { createReader, type Reader } from './reader.ts'

/** What starts the server, in a block of its own. */
const START = /^(?:npx |bunx )?clinvk serve\b[^\n]*$/

for (const page of await allPages()) {
  const blocks = await blocksOf(page)
  const commands = blocks.filter(({ language, mark }) => language === 'sh' && mark === undefined)
  if (commands.length === 0) continue
  describe(page, () => {
    let reader: Reader
    beforeAll(async () => {
      reader = await createReader()
      await reader.serve(commands.find(({ text }) => START.test(text))?.text ?? 'clinvk serve')
    }, 600_000)
    afterAll(() => reader.leave())

    test.each(commands.filter(({ text }) => !START.test(text)).map((block) => [block.line, block] as const))(
      'line %i',
      async (_, block) => {
        const out = await reader.run(block.text)
        const printed = blocks[blocks.indexOf(block) + 1]
        if (printed?.answers) expect(parse(out, printed)).toMatchObject(parse(printed.text, printed))
        else if (block.text.includes('"stream": true')) expect(out).toContain('event: done')
        else expect(out.length).toBeGreaterThan(0)
      },
      180_000,
    )
  })
}

function parse(text: string, { language }: Block): unknown[] {
  const all = language === 'jsonl' ? text.trim().split('\n') : [text]
  return all.map((line) => JSON.parse(line))
}
