import { describe, expect, test } from 'bun:test'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RecordedRequest } from '../support/mock-provider/index.ts'
import { type AgentTask, type ClientName, createTask } from './agent-clients.ts'
import { describeChat } from './suite.ts'

/** OpenCode alone takes seconds to start, and many where the machine is busy. */
const TIMEOUT_MS = 120_000

describeChat('agents as clients', (stage) => {
  const cases: [client: ClientName, model: string][] = [
    ['claude', 'claude'],
    ['claude', 'codex'],
    ['claude', 'gemini'],
    ['codex', 'claude'],
    ['codex', 'codex'],
    ['codex', 'gemini'],
    ['codex', 'gpt-5.5'],
    ['codex', 'gpt-6-sol'],
    ['opencode', 'claude'],
    ['opencode-anthropic', 'codex'],
    ['opencode', 'gemini'],
  ]
  test.each(cases)(
    '%s reads and edits a file with %s as its model',
    async (client, model) => {
      const task = await createTask(client, stage.url, model)
      stage.model.play(task.play)
      const { proc, output } = task.start()
      expect([await proc.exited, await output]).toEqual([0, expect.stringContaining('All is done.')])
      expect(await notesOf(task)).toBe('I like pears.\n')
      expect(task.rounds).toHaveLength(task.steps.length + 1)
      expect(JSON.stringify(task.rounds[1]?.body)).toContain('I like apples.')
      expectOneAgent(task, client === 'codex' && model === 'gpt-5.5' ? 2 : 1)
      await task.end()
    },
    TIMEOUT_MS,
  )

  test(
    'Claude Code calls twenty times in a row, and one agent has all of it',
    async () => {
      const more = Array.from({ length: 20 }, (_, round) => ({
        tool: 'Bash',
        input: { command: `echo round-${round}`, description: 'Says which round it is' },
      }))
      const task = await createTask('claude', stage.url, 'codex', more)
      stage.model.play(task.play)
      const { proc, output } = task.start()
      expect([await proc.exited, await output]).toEqual([0, expect.stringContaining('All is done.')])
      expect(task.rounds).toHaveLength(23)
      expect(JSON.stringify(task.rounds.at(-1)?.body)).toContain('round-19')
      expectOneAgent(task)
      await task.end()
    },
    TIMEOUT_MS,
  )

  test(
    'two at once do not get into each other',
    async () => {
      const tasks = await Promise.all(
        (['claude', 'codex'] as const).map((client) => createTask(client, stage.url, 'codex')),
      )
      stage.model.play((request) => {
        const sent = JSON.stringify(request.body)
        const task = tasks.find(({ home }) => sent.includes(home.workdir))
        return task?.play(request) ?? { text: 'Whose request is this?' }
      })
      await Promise.all(tasks.map((task) => task.start().proc.exited))
      for (const task of tasks) {
        expect(await notesOf(task)).toBe('I like pears.\n')
        expect(task.rounds).toHaveLength(task.steps.length + 1)
        expectOneAgent(task)
        await task.end()
      }
    },
    TIMEOUT_MS,
  )

  test.each(['claude', 'codex'] as const)(
    '%s is interrupted while it is answered, and its model is let go',
    async (client) => {
      const task = await createTask(client, stage.url, 'codex')
      stage.model.play((request) => {
        const reply = task.play(request)
        return task.rounds.length === 2 ? { text: ['a ', 'b'], stallAfter: 1 } : reply
      })
      const { proc } = task.start()
      await stage.model.waitFor(() => task.rounds.length === 2 && stage.model.calls.at(-1)?.deltas === 1, {
        timeoutMs: TIMEOUT_MS / 2,
      })
      proc.kill('SIGINT')
      await stage.model.idle()
      expect(stage.model.calls.at(-1)?.state).toBe('aborted')
      await proc.exited
      expect(task.rounds).toHaveLength(2)
      await task.end()
    },
    TIMEOUT_MS,
  )

  describe.each(['claude', 'codex', 'gemini'])("Cursor's mixed body with %s", (model) => {
    const patch = '*** Begin Patch\n*** Update File: notes.txt\n@@\n-apples\n+pears\n*** End Patch'
    const tools = [
      {
        type: 'function',
        name: 'Read',
        description: 'Reads a file.',
        parameters: { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] },
        strict: false,
      },
      {
        type: 'custom',
        name: 'ApplyPatch',
        description: 'Edits files.',
        format: { type: 'grammar', syntax: 'lark', definition: 'start: "*** Begin Patch" LF' },
      },
    ]
    const asked = [
      { role: 'system', content: 'You edit files.' },
      { role: 'user', content: [{ type: 'input_text', text: 'Replace apples by pears in notes.txt.' }] },
    ]
    const ask = (more: readonly object[]) =>
      chunksOf(stage.url, {
        model,
        user: 'somebody',
        stream: true,
        stream_options: { include_usage: true },
        input: [...asked, ...more],
        tools,
        tool_choice: 'auto',
        store: false,
        include: ['reasoning.encrypted_content'],
        reasoning: { effort: 'medium', summary: 'auto' },
        text: { verbosity: 'low' },
        prompt_cache_retention: '24h',
        metadata: { cursorConversationId: 'c' },
      })

    test('gets the calls of flat and of custom tools as chunks, and goes on with their outputs', async () => {
      const before = stage.model.calls.length
      stage.model.play((request) => {
        const named = (tool: string) => request.tools.find((name) => name.endsWith(tool)) ?? 'none'
        const round = stage.model.calls.length - before
        if (round === 1) return { toolCalls: [{ name: named('Read'), input: { path: 'notes.txt' } }] }
        if (round === 2) return { toolCalls: [{ name: named('ApplyPatch'), input: { input: patch } }] }
        return { text: 'All is done.' }
      })
      const read = toldBy(await ask([]))
      expect(read).toMatchObject({
        finish: 'tool_calls',
        call: { type: 'function', name: 'Read', text: '{"path":"notes.txt"}' },
      })
      const reading = [
        { type: 'function_call', call_id: read.call?.id, name: 'Read', arguments: read.call?.text },
        { type: 'function_call_output', call_id: read.call?.id, output: 'I like apples.' },
      ]
      const edit = toldBy(await ask(reading))
      expect(edit).toMatchObject({
        finish: 'tool_calls',
        call: { type: 'custom', name: 'ApplyPatch', text: patch },
      })
      const editing = [
        { type: 'custom_tool_call', call_id: edit.call?.id, name: 'ApplyPatch', input: edit.call?.text },
        { type: 'custom_tool_call_output', call_id: edit.call?.id, output: 'Success.' },
      ]
      expect(toldBy(await ask([...reading, ...editing]))).toEqual({ text: 'All is done.', finish: 'stop' })
      const rounds = stage.model.calls.slice(before)
      expect(JSON.stringify(rounds[1]?.body)).toContain('I like apples.')
      expectOneAgent({ rounds })
      expect(rounds).toHaveLength(3)
    })
  })
})

/** The chunks of a chat completion, as a client reads them. */
async function chunksOf(url: string, body: object): Promise<Chunk[]> {
  const response = await fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status}: ${text}`)
  const data = text.split('\n\n').flatMap((block) => /^data: (.+)$/s.exec(block)?.[1] ?? [])
  expect(data.at(-1)).toBe('[DONE]')
  return data.slice(0, -1).map((json) => JSON.parse(json))
}

interface Chunk {
  readonly choices: readonly { readonly delta: ChunkDelta; readonly finish_reason: string | null }[]
}
interface ChunkDelta {
  readonly content?: string | null
  readonly tool_calls?: readonly {
    readonly id?: string
    readonly type?: string
    readonly function?: { readonly name?: string; readonly arguments?: string }
    readonly custom?: { readonly name?: string; readonly input?: string }
  }[]
}

/** What they tell, put together: a text or one call, and why it ended. */
function toldBy(chunks: readonly Chunk[]) {
  const choices = chunks.flatMap((chunk) => chunk.choices)
  const finish = choices.at(-1)?.finish_reason
  const calls = choices.flatMap(({ delta }) => delta.tool_calls ?? [])
  const [first] = calls
  if (!first) return { text: choices.map(({ delta }) => delta.content ?? '').join(''), finish }
  const { id, type } = first
  const text = calls.map((call) => call.function?.arguments ?? call.custom?.input ?? '').join('')
  return { finish, call: { id, type, name: first.function?.name ?? first.custom?.name, text } }
}

async function notesOf({ home }: AgentTask): Promise<string> {
  return await readFile(join(home.workdir, 'notes.txt'), 'utf8')
}

/** That the agent which made the calls got their results: nothing was told anew. */
function expectOneAgent({ rounds }: Pick<AgentTask, 'rounds'>, agents = 1): void {
  expect(new Set(rounds.map(sessionOf)).size).toBe(agents)
}

/** The session of the agent that asked, as the provider sees it. Gemini CLI tells none, but begins with its folder. */
function sessionOf({ headers, body }: RecordedRequest): unknown {
  const contents = body['contents']
  if (Array.isArray(contents)) return JSON.stringify(contents[0])
  return headers['thread-id'] ?? headers['x-claude-code-session-id']
}
