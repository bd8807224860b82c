/** Conversations that share processes, one after another and at once: nothing of one reaches another. */
import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RecordedRequest } from '../../support/mock-provider/index.ts'
import { describeAgents } from './suite.ts'

const LONG_MS = 180_000
const MANY = 6

interface Body {
  readonly session_id: string
  readonly output: string
  readonly start: string
  readonly token_usage: { readonly input_tokens?: number; readonly output_tokens?: number }
}

/** What each agent calls the instructions of a folder. */
const INSTRUCTIONS = {
  claude: 'CLAUDE.md',
  codex: 'AGENTS.md',
  gemini: 'GEMINI.md',
  opencode: 'AGENTS.md',
} as const

describeAgents((agent, stage) => {
  const { name } = agent
  const folderOf = async (tag: string) => {
    const folder = join(stage.home.home, `folder-${tag}`)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, INSTRUCTIONS[name]), `RULE-${tag}`)
    return folder
  }
  const ask = async (words: string, more: Record<string, unknown>) => {
    const response = await stage.prompt(words, more)
    const text = await response.text()
    expect([response.status, response.ok ? '' : text]).toEqual([200, ''])
    return JSON.parse(text) as Body
  }
  const said = ({ body }: RecordedRequest) => JSON.stringify(body)
  const callsWith = (text: string) => stage.model.calls.filter((call) => said(call).includes(text))

  test(
    'conversations at once hear nothing of each other, turn after turn',
    async () => {
      const tags = Array.from({ length: MANY }, (_, index) => `TAG${index}${name}`)
      // Each is answered by its own words, with tokens of its own.
      stage.model.play((request) => {
        const tag = tags.find((one) => request.prompt.includes(one)) ?? 'none'
        return {
          text: `ANSWER-${tag}`,
          usage: { input: 1000 + tags.indexOf(tag), output: 10 + tags.indexOf(tag) },
        }
      })
      const sessions = new Map<string, string>()
      for (const turn of ['one', 'two'])
        await Promise.all(
          tags.map(async (tag, index) => {
            const known = sessions.get(tag)
            const more =
              known === undefined
                ? { workdir: await folderOf(tag), system_prompt: `SYSTEM-${tag}` }
                : { session_id: known }
            const { session_id: id, output, token_usage: usage } = await ask(`PROMPT-${turn}-${tag}`, more)
            sessions.set(tag, id)
            expect(output).toBe(`ANSWER-${tag}`)
            expect(usage).toMatchObject({ input_tokens: 1000 + index, output_tokens: 10 + index })
          }),
        )
      for (const tag of tags) {
        const calls = callsWith(`PROMPT-two-${tag}`)
        expect(calls).toHaveLength(1)
        for (const call of calls) {
          const heard = said(call)
          for (const word of [`PROMPT-one-${tag}`, `ANSWER-${tag}`, `SYSTEM-${tag}`, `RULE-${tag}`])
            expect(heard).toContain(word)
          for (const other of tags) if (other !== tag) expect(heard).not.toContain(other)
        }
      }
    },
    LONG_MS,
  )

  test(
    'what one conversation may do is no licence for the next, in the same folder and process',
    async () => {
      const workdir = await folderOf('rights')
      const path = (file: string) => join(workdir, file)
      const write = (file: string, mode: string) => {
        stage.model.play([{ toolCalls: [agent.write(path(file), 'x')] }, { text: 'Done.' }])
        return ask('write', {
          workdir,
          approval_mode: mode,
          ...(mode === 'none' ? { sandbox_mode: 'full' } : {}),
        })
      }
      for (const round of ['1', '2']) {
        await write(`allowed${round}.txt`, 'none')
        await write(`denied${round}.txt`, 'always')
        expect([existsSync(path(`allowed${round}.txt`)), existsSync(path(`denied${round}.txt`))]).toEqual([
          true,
          false,
        ])
      }
    },
    LONG_MS,
  )

  test(
    'a conversation that failed, or was left, leaves nothing to the next',
    async () => {
      stage.model.play({ status: 400, message: 'FAILURE-of-another' })
      const failed = await stage.prompt('PROMPT-failed')
      expect(failed.status).toBe(400)
      stage.model.play({ text: ['LEFT '], stallAfter: 1 })
      const leaving = new AbortController()
      const left = await stage.prompt('PROMPT-left', { stream: true }, { signal: leaving.signal })
      await left.body?.getReader().read()
      leaving.abort()
      await stage.model.idle()
      stage.model.play({ text: 'Fine.' })
      const { output } = await ask('PROMPT-after', {})
      expect(output).toBe('Fine.')
      const heard = said(stage.lastCall())
      for (const word of ['FAILURE-of-another', 'PROMPT-failed', 'PROMPT-left', 'LEFT'])
        expect(heard).not.toContain(word)
    },
    LONG_MS,
  )
})
