import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCodexDriver } from '../../../src/agents/codex/driver.ts'
import type { Timing } from '../../../src/agents/codex/timing.ts'
import type { AgentSession, BackendSettings, SessionOptions, TurnEvent } from '../../../src/agents/types.ts'
import type { CodexScenario, CodexStep } from '../../support/fakes/codex.ts'

const FAKE = join(import.meta.dir, '../../support/fakes/codex.ts')

export const never = new AbortController().signal

export const options = (more: Partial<SessionOptions> = {}): SessionOptions => ({
  workdir: realpathSync(tmpdir()),
  approvalMode: 'default',
  sandboxMode: 'default',
  ephemeral: true,
  ...more,
})

/** A driver of the fake, with graces that are short enough for a test. */
export function drive(
  scenario: CodexScenario = {},
  more: Partial<BackendSettings> = {},
  timing: Timing = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'clinvk-codex-'))
  const record = join(folder, 'record')
  const driver = createCodexDriver(
    {
      name: 'codex',
      driver: 'codex',
      command: [process.execPath, FAKE],
      env: {
        PATH: process.env['PATH'] ?? '',
        CODEX_HOME: join(folder, 'home'),
        SCENARIO: JSON.stringify(scenario),
        RECORD: record,
      },
      models: [],
      extraFlags: [],
      ...more,
    },
    { interruptMs: 300, idleMs: 50, ...timing },
  )
  const recorded = () =>
    readFileSync(record, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  return {
    driver,
    folder,
    /** What the fake was started with and sent, in order. */
    recorded,
    /** The params of the requests of a method. */
    sent: (method: string) =>
      recorded()
        .filter((message) => message.method === method)
        .map(({ params }) => params),
    async [Symbol.asyncDispose]() {
      await driver.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const say = (session: AgentSession, steps: readonly CodexStep[], signal = never) =>
  session.prompt({ parts: [{ type: 'text', text: JSON.stringify(steps) }] }, signal)

export const take = (session: AgentSession, steps: readonly CodexStep[], signal?: AbortSignal) =>
  Array.fromAsync(say(session, steps, signal))

export const textOf = (events: readonly TurnEvent[]) =>
  events.map((event) => (event.type === 'text' ? event.text : '')).join('')

export const kindsOf = (events: readonly TurnEvent[]) => events.map(({ type }) => type)

/** What was thrown, as far as it is for clients. */
export async function failure(work: Promise<unknown>) {
  try {
    await work
  } catch (error) {
    const { code, status, message } = error as { code: string; status: number; message: string }
    return { code, status, message }
  }
  throw new Error('nothing was thrown')
}
