import type { Agent } from './agents.ts'
import { jsonLines, type Message } from './lines.ts'
import { end, type Place, start } from './processes.ts'

/** How a CLI answered that was started for one prompt. Times in ms from the moment before it was started. */
export interface ByHand {
  readonly firstMs: number
  /** When it had exited. */
  readonly endMs: number
  /** CPU seconds of it and of those that it started. */
  readonly cpu: number
}

/** What a script runs, with an answer that streams where the CLI can do that. */
export const COMMANDS: Readonly<Record<Agent, readonly string[]>> = {
  claude: ['claude', '-p', 'hi', '--output-format', 'stream-json', '--verbose', '--include-partial-messages'],
  codex: ['codex', 'exec', '--json', '--skip-git-repo-check', 'hi'],
  gemini: ['gemini', '-p', 'hi', '-o', 'stream-json', '--skip-trust'],
}

const TEXT: Readonly<Record<Agent, (line: Message) => string | undefined>> = {
  claude: ({ event }) => event?.delta?.text,
  // It tells no pieces of a message.
  codex: ({ item }) => (item?.type === 'agent_message' ? item.text : undefined),
  gemini: ({ role, content }) => (role === 'assistant' ? content : undefined),
}

const TIMEOUT_MS = 600_000

/** Starts the CLI for one prompt and waits until it has exited. */
export async function runByHand(agent: Agent, place: Place): Promise<ByHand> {
  const began = performance.now()
  const child = start(COMMANDS[agent], place)
  const timer = setTimeout(() => void end(child), TIMEOUT_MS)
  let firstMs: number | undefined
  for await (const line of jsonLines(child.stdout))
    if (firstMs === undefined && (TEXT[agent](line) ?? '') !== '') firstMs = performance.now() - began
  const code = await child.exited
  clearTimeout(timer)
  const endMs = performance.now() - began
  if (firstMs === undefined || code !== 0)
    throw new Error(
      `${COMMANDS[agent].join(' ')} ended with code ${code} and ${firstMs === undefined ? 'no' : 'some'} text.`,
    )
  // In microseconds. What it has waited for is part of it.
  return { firstMs, endMs, cpu: Number(child.resourceUsage()?.cpuTime.total ?? Number.NaN) / 1e6 }
}
