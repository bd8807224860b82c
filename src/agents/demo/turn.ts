import { setTimeout as delay, setImmediate as nextTick } from 'node:timers/promises'
import type { RequestPermissionOutcome, SessionUpdate, ToolCallUpdate } from '@agentclientprotocol/sdk'
import type { Prompt } from './prompt.ts'

/** What the demo agent remembers of a session. */
export interface DemoSession {
  readonly id: string
  readonly cwd: string
  /** The texts of its earlier prompts, oldest first. */
  readonly prompts: string[]
  toolCalls: number
  /** Cancels the turn that runs. */
  running?: AbortController
}

/** One prompt that is being answered. */
export interface Turn {
  readonly session: DemoSession
  readonly prompt: Prompt
  /** Aborts when the turn is cancelled. The directive `ignore-cancel` replaces it by one that never does. */
  signal: AbortSignal
  /** Tokens sent so far: one for each message. */
  readonly sent: { text: number; thought: number }
  /** Resolves when the client's pipe has taken it. */
  send(update: SessionUpdate): Promise<void>
  askPermission(toolCall: ToolCallUpdate): Promise<RequestPermissionOutcome>
  /** Ends the whole process. */
  crash(exitCode: number): void
}

/** Stands before all that the demo agent says in its own words: nobody may take it for a model. */
export const MARK = '[clinvk demo agent, no model]'

/** Between two words of a text, in ms. */
const WORD_DELAY_MS = 15
/** Words of a text that come at that pace; the rest of a long one comes at full speed. */
const PACED_WORDS = 200

/** Streams a text word by word. */
export async function streamWords(
  turn: Turn,
  kind: 'text' | 'thought',
  words: readonly string[],
  delayMs = WORD_DELAY_MS,
): Promise<void> {
  for (const [index, word] of words.entries())
    await sendToken(turn, kind, word, index === 0 ? undefined : index < PACED_WORDS ? delayMs : 0)
}

/** Streams the tokens of a benchmark, made while they are sent. */
export async function streamTokens(
  turn: Turn,
  { count, delayMs, bytes }: { count: number; delayMs: number; bytes?: number },
): Promise<void> {
  for (let number = 1; number <= count; number += 1)
    await sendToken(turn, 'text', toToken(number, bytes), isAtOnce(number, delayMs) ? undefined : delayMs)
}

/** Even at full speed the event loop gets a turn now and then, so that a cancel is read though the pipe never fills. */
function isAtOnce(number: number, delayMs: number): boolean {
  return number === 1 || (delayMs === 0 && number % 16 !== 0)
}

/** `token7 `, or where a size is given exactly that many ASCII characters that end with the number. */
export function toToken(number: number, bytes?: number): string {
  return bytes === undefined ? `token${number} ` : String(number).padStart(bytes, '.').slice(-bytes)
}

/** Sleeps, and throws the signal's reason when that aborts. With 0 ms it lets other work run once. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms === 0) await nextTick()
  else await delay(ms, undefined, { signal })
  signal.throwIfAborted()
}

/** Never resolves; rejects when the signal aborts. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
  })
}

async function sendToken(
  turn: Turn,
  kind: 'text' | 'thought',
  text: string,
  delayMs: number | undefined,
): Promise<void> {
  if (delayMs !== undefined) await pause(delayMs, turn.signal)
  turn.signal.throwIfAborted()
  turn.sent[kind] += 1
  const sessionUpdate = kind === 'text' ? 'agent_message_chunk' : 'agent_thought_chunk'
  await turn.send({ sessionUpdate, content: { type: 'text', text } })
}
