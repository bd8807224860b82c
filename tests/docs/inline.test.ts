/** The commands of clinvk that stand in sentences. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { toRun } from './inline.ts'
import { allPages, inlineCommandsOf } from './markdown.ts'
import { createReader, type Reader } from './reader.ts'

const all = (await Promise.all((await allPages()).map(inlineCommandsOf))).flat()
const commands = [...new Set(all.flatMap(({ command }) => toRun(command) ?? []))].sort()

const serves = (command: string) => command.startsWith('clinvk serve')
/** A model is known where its agent is. */
const needsAgents = (command: string) => /^clinvk doctor| --model /.test(command)

describe.each([
  ['without agents', false],
  ['with agents', true],
])('%s', (_, agents) => {
  let reader: Reader
  beforeAll(async () => {
    reader = await createReader({ agents })
  }, 600_000)
  afterAll(() => reader.leave())

  test.each(commands.filter((command) => !serves(command) && needsAgents(command) === agents))(
    '%s',
    async (command) => {
      const { out, errors, code } = await reader.try(command)
      // Port 8080 may be somebody's, which the doctor says with 1; a flag that does not exist is 2.
      const codes = command.startsWith('clinvk doctor') ? [0, 1] : [0]
      expect({ errors, well: codes.includes(code) }).toMatchObject({ well: true })
      expect(out).not.toBe('')
    },
    120_000,
  )
})

test.each(commands.filter(serves))(
  '%s',
  async (command) => {
    const reader = await createReader({ agents: false })
    try {
      await reader.serve(command)
      expect(await reader.run('curl http://127.0.0.1:8080/health')).toContain('"status"')
    } finally {
      await reader.leave()
    }
  },
  180_000,
)
