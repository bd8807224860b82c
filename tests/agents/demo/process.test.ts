import { afterEach, beforeEach, expect, test } from 'bun:test'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { selfCommand } from '../../../src/agents/demo/self-command.ts'
import { type Child, spawnChild } from '../../../src/process/child.ts'
import { readLines } from '../../../src/process/lines.ts'

interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly update: { readonly content: { readonly text: string } } }
  readonly result?: Record<string, unknown>
  readonly error?: unknown
}

let folder: string
let child: Child
let lines: AsyncGenerator<string, void>
let sessionId: unknown

beforeEach(async () => {
  // A folder that would break the agent, if Bun took its settings from there.
  folder = await mkdtemp(join(tmpdir(), 'clinvk-demo-'))
  await writeFile(join(folder, 'bunfig.toml'), 'preload = ["./preload.ts"]\n')
  await writeFile(join(folder, 'preload.ts'), 'console.log("loaded")\n')
  const paths = { '*': ['./preload.ts'] }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: { paths } }))
  child = await spawnChild({
    command: selfCommand(['demo-agent']),
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '' },
  })
  lines = readLines(child.stdout)
  await send({ id: 1, method: 'initialize', params: { protocolVersion: 1 } })
  await next()
  await send({ id: 2, method: 'session/new', params: { cwd: '/', mcpServers: [] } })
  sessionId = (await next())?.result?.['sessionId']
})

afterEach(async () => {
  await child.terminate({ termMs: 100 })
  await rm(folder, { recursive: true })
})

const send = (message: Record<string, unknown>) =>
  child.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
const prompt = (text: string) =>
  send({ id: 3, method: 'session/prompt', params: { sessionId, prompt: [{ type: 'text', text }] } })
const cancel = () => send({ method: 'session/cancel', params: { sessionId } })

/** The next line, which must be JSON; `undefined` at the end. */
async function next(): Promise<Message | undefined> {
  const { value } = await lines.next()
  return value === undefined ? undefined : (JSON.parse(value) as Message)
}

/** Everything up to the answer of the prompt, or to the end of the process. */
async function readTurn() {
  const chunks: string[] = []
  for (;;) {
    const message = await next()
    if (message?.method !== 'session/update') return { chunks, answer: message }
    chunks.push(message.params?.update.content.text ?? '')
  }
}

test('it writes nothing to stdout but messages, ends with exit code 0 when stdin is closed, even in a turn', async () => {
  await prompt('demo: say=Grüße 👋; ignore-cancel; wait=3600s')
  expect((await next())?.params?.update.content.text).toBe('Grüße')
  expect((await next())?.params?.update.content.text).toBe(' 👋')
  await child.endInput()
  expect(await child.exited).toEqual({ code: 0, signal: null })
  expect(await next()).toBeUndefined()
  expect(child.stderrTail()).toBe('')
})

test.each([
  ['crash', 1],
  ['crash=7', 7],
])('%s delivers what was said before, then ends the process with exit code %d', async (directive, code) => {
  await prompt(`demo: say=before; ${directive}`)
  const { chunks, answer } = await readTurn()
  expect(chunks).toEqual(['before', '[clinvk demo agent, no model] Crashing as asked.'])
  expect(answer).toBeUndefined()
  expect(await child.exited).toEqual({ code, signal: null })
  expect(child.stderrTail()).toBe('clinvk demo agent: crashing as asked')
})

test('at full speed it still hears a cancel, and takes the next prompt', async () => {
  await prompt('demo: tokens=100000000')
  await next()
  await cancel()
  expect((await readTurn()).answer?.result).toMatchObject({ stopReason: 'cancelled' })
  await prompt('demo: tokens=2')
  expect((await readTurn()).chunks).toEqual(['token1 ', 'token2 '])
})

test('it writes no more than the pipe takes while nobody reads', async () => {
  const size = 100_000
  await prompt(`demo: tokens=100000000 size=${size}`)
  // Time enough for an agent that does not wait for its pipe to write or queue some hundred MB.
  await Bun.sleep(500)
  await cancel()
  const { chunks, answer } = await readTurn()
  expect(answer?.result).toMatchObject({ stopReason: 'cancelled', usage: { outputTokens: chunks.length } })
  expect(chunks.length * size).toBeLessThan(5_000_000)
})
