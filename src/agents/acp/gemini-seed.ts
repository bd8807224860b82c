import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Fields, fields, word } from '../fields.ts'
import type { HistoryMessage, ToolResult } from '../messages.ts'
import type { InputPart } from '../types.ts'
import { geminiFolder, historyName } from './gemini-history.ts'
import { toInstructions } from './history.ts'
import type { Seed } from './profile.ts'
import { ZERO_WIDTH_SPACE } from './prompt.ts'

/** Any time but this minute, see `untilReopenable`. */
const LONG_AGO = new Date('2026-01-01T00:00:00.000Z')

/**
 * Writes a conversation as one that Gemini CLI has had itself (0.61.0), calls of tools and their results as such.
 *
 * @returns the session to load, or `undefined` where the conversation cannot be told so.
 */
export async function seedGemini(
  seed: Seed,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const folder = geminiFolder(env)
  const sessionId = randomUUID()
  const chat = toChat(seed, sessionId)
  if (folder === undefined || chat === undefined) return undefined
  const chats = join(folder, 'tmp', await slugOf(folder, seed.folder), 'chats')
  await mkdir(chats, { recursive: true, mode: 0o700 })
  await writeFile(join(chats, historyName(sessionId, LONG_AGO)), chat, { mode: 0o600 })
  return sessionId
}

/** The file of a chat: a line that says which, and one for each message. */
export function toChat({ history, systemPrompt }: Seed, sessionId: string): string | undefined {
  const timestamp = LONG_AGO.toISOString()
  const messages = toMessages(history)
  if (messages === undefined) return undefined
  const instructions =
    systemPrompt === undefined
      ? []
      : [user([{ text: toInstructions(systemPrompt, randomBytes(12).toString('hex')).text }])]
  // Else it tells the model that its answer to the results was interrupted.
  const end = history.at(-1)?.role === 'tool' ? [user([{ text: ZERO_WIDTH_SPACE }])] : []
  const head = {
    sessionId,
    projectHash: 'clinvk',
    startTime: timestamp,
    lastUpdated: timestamp,
    kind: 'main',
  }
  const lines = [...instructions, ...messages, ...end].map((line) => ({
    id: randomUUID(),
    timestamp,
    ...line,
  }))
  return [head, ...lines].map((line) => `${JSON.stringify(line)}\n`).join('')
}

/** Neighbours of one role are one turn to the model. */
function toMessages(history: readonly HistoryMessage[]): Fields[] | undefined {
  const names = new Map<string, string>()
  const messages: Fields[] = []
  for (const message of history) {
    switch (message.role) {
      case 'user':
        messages.push(user(message.parts.map(toPart)))
        break
      case 'assistant': {
        for (const { id, name } of message.toolCalls) names.set(id, toFunctionName(name))
        const calls = message.toolCalls.map(({ id, name, input }) => ({
          functionCall: { id, name: toFunctionName(name), args: toArguments(input) },
        }))
        const text = message.text === '' ? [] : [{ text: message.text }]
        messages.push({ type: 'gemini', content: [...text, ...calls], model: 'gemini' })
        break
      }
      case 'tool': {
        const name = names.get(message.callId)
        if (name === undefined) return undefined
        messages.push(user(toResponse(name, message)))
      }
    }
  }
  return messages
}

function user(content: readonly unknown[]): Fields {
  return { type: 'user', content }
}

/** A user's words that look like a command, or like what Gemini CLI adds by itself, are left out when they are read. */
function toPart(part: InputPart): Fields {
  if (part.type !== 'text') return { inlineData: { mimeType: part.mediaType, data: part.data } }
  return {
    text: /^\s*(?:$|[/?]|<(?:session|hook)_context>)/.test(part.text)
      ? `${ZERO_WIDTH_SPACE}${part.text}`
      : part.text,
  }
}

function toResponse(name: string, { callId, parts, isError }: ToolResult): Fields[] {
  const text = parts.map((part) => (part.type === 'text' ? part.text : '')).join('\n')
  return [
    { functionResponse: { id: callId, name, response: isError ? { error: text } : { output: text } } },
    ...parts.filter(({ type }) => type !== 'text').map(toPart),
  ]
}

/** A tool may have been another client's, and its name what no provider takes. */
function toFunctionName(name: string): string {
  return name.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 64) || '_'
}

function toArguments(input: unknown): Fields {
  const isObject = typeof input === 'object' && input !== null && !Array.isArray(input)
  return isObject ? fields(input) : { input }
}

/** What Gemini calls a working directory: its last part, and a number where another one has that already. */
async function slugOf(folder: string, workdir: string): Promise<string> {
  const found = await readFile(join(folder, 'projects.json'), 'utf8')
    .then((text) => fields(JSON.parse(text)))
    .catch(() => fields(undefined))
  return word(fields(found['projects'])[workdir]) ?? basename(workdir)
}
