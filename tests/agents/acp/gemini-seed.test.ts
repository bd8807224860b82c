import { describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeHistory } from '../../../src/agents/acp/gemini-history.ts'
import { seedGemini, toChat } from '../../../src/agents/acp/gemini-seed.ts'
import type { HistoryMessage } from '../../../src/agents/messages.ts'

const user = (text: string): HistoryMessage => ({ role: 'user', parts: [{ type: 'text', text }] })
const seed = (...history: HistoryMessage[]) => ({ history, systemPrompt: undefined, folder: '/x/work' })
const contents = (...history: HistoryMessage[]) =>
  toChat(seed(...history), 'ID')
    ?.trim()
    .split('\n')
    .slice(1)
    .map((line): unknown => JSON.parse(line).content)

describe('a conversation for Gemini CLI', () => {
  test('has what it would leave out: commands, its own marks, nothing at all', () => {
    expect(contents(user('/help'), user(' ?'), user('<session_context>'), user(' '), user('a/b'))).toEqual(
      ['\u200B/help', '\u200B ?', '\u200B<session_context>', '\u200B ', 'a/b'].map((text) => [{ text }]),
    )
  })

  test('has arguments and results as its provider takes them', () => {
    const told = contents(
      { role: 'assistant', text: '', toolCalls: [{ id: 'c', name: 'a b', input: [1] }] },
      { role: 'tool', callId: 'c', parts: [{ type: 'text', text: 'no' }], isError: true },
    )
    expect(told).toEqual([
      [{ functionCall: { id: 'c', name: 'a_b', args: { input: [1] } } }],
      [{ functionResponse: { id: 'c', name: 'a_b', response: { error: 'no' } } }],
      [{ text: '\u200B' }],
    ])
  })

  test('is none where a result has no call', () => {
    expect(contents({ role: 'tool', callId: 'c', parts: [], isError: false })).toBeUndefined()
  })

  test('lies where it looks for it, and goes when it is forgotten', async () => {
    const home = await mkdtemp(join(tmpdir(), 'clinvk-gemini-'))
    try {
      const env = { GEMINI_CLI_HOME: home }
      const chatsOf = (slug: string) =>
        readdir(join(home, '.gemini', 'tmp', slug, 'chats')).catch((): string[] => [])
      const one = (await seedGemini(seed(user('x')), env)) ?? ''
      expect(await chatsOf('work')).toEqual([`session-2026-01-01T00-00-${one.slice(0, 8)}.jsonl`])
      await mkdir(join(home, '.gemini'), { recursive: true })
      const projects = { '/y/work': 'work', '/x/work': 'work-1' }
      await writeFile(join(home, '.gemini', 'projects.json'), JSON.stringify({ projects }))
      await seedGemini(seed(user('x')), env)
      expect(await chatsOf('work-1')).toHaveLength(1)
      await removeHistory(one, env)
      expect(await chatsOf('work')).toEqual([])
      expect(await chatsOf('work-1')).toHaveLength(1)
    } finally {
      await rm(home, { recursive: true })
    }
  })
})
