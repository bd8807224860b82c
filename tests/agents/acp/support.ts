import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AcpTiming, createAcpDriver } from '../../../src/agents/acp/driver.ts'
import type { AcpProfile } from '../../../src/agents/acp/profile.ts'
import { generic } from '../../../src/agents/acp/profiles.ts'
import type { AgentDriver, AgentSession, SessionOptions, TurnEvent } from '../../../src/agents/types.ts'
import type { AcpScenario } from '../../support/fakes/acp.ts'

export const never = new AbortController().signal

type Message = Readonly<Record<string, unknown>> & { readonly method?: string }

/** A driver of a scripted agent, with what the agent was sent. */
export interface Rig extends AsyncDisposable {
  readonly driver: AgentDriver
  readonly workdir: string
  open(options?: Partial<SessionOptions>): Promise<AgentSession>
  /** All that the agent's processes recorded. */
  records(): readonly Message[]
  /** The params of each message of a method. */
  sent(method: string): readonly Readonly<Record<string, unknown>>[]
  pids(): readonly number[]
}

export function rig(scenario: AcpScenario, profile: Partial<AcpProfile> = {}, timing: AcpTiming = {}): Rig {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'clinvk-acp-')))
  const record = join(folder, 'record')
  const driver = createAcpDriver(
    {
      name: 'fake',
      driver: 'acp',
      command: [process.execPath, join(import.meta.dir, '../../support/fakes/acp.ts')],
      env: { PATH: process.env['PATH'] ?? '', SCENARIO: JSON.stringify(scenario), RECORD: record },
      models: [],
      extraFlags: [],
    },
    { ...generic, ...profile },
    timing,
  )
  const records = () => {
    try {
      return readFileSync(record, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((line): Message => JSON.parse(line))
    } catch {
      return []
    }
  }
  return {
    driver,
    workdir: folder,
    open: (options = {}) =>
      driver.open(
        { workdir: folder, approvalMode: 'default', sandboxMode: 'default', ephemeral: false, ...options },
        never,
      ),
    records,
    sent: (method) =>
      records()
        .filter((message) => message.method === method)
        .map(({ params }) => params as Readonly<Record<string, unknown>>),
    pids: () => records().flatMap(({ pid }) => (typeof pid === 'number' ? pid : [])),
    async [Symbol.asyncDispose]() {
      await driver.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** All events of a turn. */
export function turn(session: AgentSession, text = 'go', signal = never): Promise<TurnEvent[]> {
  return Array.fromAsync(session.prompt({ parts: [{ type: 'text', text }] }, signal))
}

export function textOf(events: readonly TurnEvent[]): string {
  return events.map((event) => (event.type === 'text' ? event.text : '')).join('')
}

/** What a promise is rejected with. */
export async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
