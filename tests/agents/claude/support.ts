import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClaudeDriver } from '../../../src/agents/claude/driver.ts'
import type { AgentSession, BackendSettings, SessionOptions, TurnEvent } from '../../../src/agents/types.ts'
import type { ClinvkError } from '../../../src/errors.ts'
import type { ClaudeScenario, ClaudeStep } from '../../support/fakes/claude.ts'

const FAKE = join(import.meta.dir, '../../support/fakes/claude.ts')

export const never = new AbortController().signal

export const options = (more: Partial<SessionOptions> = {}): SessionOptions => ({
  workdir: tmpdir(),
  approvalMode: 'default',
  sandboxMode: 'default',
  ephemeral: false,
  ...more,
})

/** A driver of the fake, with graces that are short enough for a test. */
export function drive(scenario: ClaudeScenario, more: Partial<BackendSettings> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'clinvk-claude-'))
  const record = join(folder, 'record')
  const driver = createClaudeDriver(
    {
      name: 'claude',
      driver: 'claude',
      command: [process.execPath, FAKE],
      env: {
        PATH: process.env['PATH'] ?? '',
        SCENARIO: JSON.stringify(scenario),
        RECORD: record,
        ...more.env,
      },
      models: [],
      extraFlags: [],
      ...more,
    },
    { interruptMs: 300, closeMs: 300, termMs: 200 },
  )
  return {
    driver,
    /** What the fake was started with and sent, in order. */
    recorded: () =>
      readFileSync(record, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    async [Symbol.asyncDispose]() {
      await driver.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const say = (session: AgentSession, text = 'hi', signal = never) =>
  session.prompt({ parts: [{ type: 'text', text }] }, signal)

export const take = (session: AgentSession, text?: string, signal?: AbortSignal) =>
  Array.fromAsync(say(session, text, signal))

export const textOf = (events: readonly TurnEvent[]) =>
  events.map((event) => (event.type === 'text' ? event.text : '')).join('')

export const kindsOf = (events: readonly TurnEvent[]) => events.map(({ type }) => type)

/** What was thrown, as far as it is for clients. */
export async function failure(work: Promise<unknown>) {
  try {
    await work
  } catch (error) {
    const { code, status, message, retryAfterMs } = error as ClinvkError
    return { code, status, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  }
  throw new Error('nothing was thrown')
}

export const initMessage = {
  type: 'system',
  subtype: 'init',
  session_id: 's-1',
  model: 'm-1',
  claude_code_version: '9.8.7',
}
export const init: ClaudeStep = { send: initMessage }
export const stream = (event: Record<string, unknown>) => ({
  type: 'stream_event',
  event,
  parent_tool_use_id: null,
})
export const messageStart = (id: string) => stream({ type: 'message_start', message: { id, model: 'm-1' } })
export const textDelta = (text: string, index = 0) =>
  stream({ type: 'content_block_delta', index, delta: { type: 'text_delta', text } })
export const assistant = (id: string, content: unknown[], more: Record<string, unknown> = {}) => ({
  type: 'assistant',
  message: { id, model: 'm-1', content },
  parent_tool_use_id: null,
  ...more,
})
export const result = (more: Record<string, unknown> = {}) => ({
  type: 'result',
  subtype: 'success',
  is_error: false,
  stop_reason: 'end_turn',
  total_cost_usd: 0,
  ...more,
})

/** The steps of a turn that says one thing. */
export const answer = (text: string): ClaudeStep[] => [
  init,
  { send: messageStart('m') },
  { send: textDelta(text) },
  { send: result() },
]
