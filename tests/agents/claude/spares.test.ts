import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClaudeDriver } from '../../../src/agents/claude/driver.ts'
import { type PoolLimits, SMALL_POOL } from '../../../src/agents/pool/types.ts'
import type { AgentDriver, SessionOptions, TurnEvent } from '../../../src/agents/types.ts'
import {
  type MockProvider,
  type RecordedRequest,
  type Recording,
  startMockProvider,
} from '../../support/mock-provider/index.ts'
import { processesIn, waitUntil } from '../../support/processes.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { never, options as plainOptions } from './support.ts'

const INSTALL_MS = 600_000
const LONG_MS = 180_000

let provider: MockProvider
let home: AgentHome
let model: Recording
let env: Record<string, string>
let scenarios = 0
const drivers: AgentDriver[] = []

beforeAll(async () => {
  provider = await startMockProvider()
})
afterAll(() => provider.stop())
beforeEach(async () => {
  scenarios += 1
  home = await createAgentHome()
  model = provider.scenario(`spares-${scenarios}`, { text: 'Fine.' })
  env = await agentEnv(model.url, home)
}, INSTALL_MS)
afterEach(async () => {
  await Promise.all(drivers.splice(0).map((driver) => driver.close()))
  expect(await processesIn(home.home)).toEqual([])
  await home.remove()
})

function driverOf(limits: Partial<PoolLimits> = {}, more: { command?: readonly string[] } = {}) {
  const command = more.command ?? [join(env['PATH']?.split(':')[0] ?? '', 'claude')]
  const pool = { ...SMALL_POOL, minimum: 1, ...limits }
  const settings = {
    name: 'claude',
    driver: 'claude',
    command,
    env,
    models: [],
    extraFlags: [],
    pool,
  } as const
  const driver = createClaudeDriver(settings, { aheadMs: 1 })
  drivers.push(driver)
  return driver
}

/** A folder of the tests' own with these files. */
async function folderWith(name: string, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const folder = join(home.home, name)
  await mkdir(join(folder, '.claude'), { recursive: true })
  for (const [path, content] of Object.entries(files)) await writeFile(join(folder, path), content)
  return folder
}

const statesOf = ({ pool }: AgentDriver) => (pool?.stats().processes ?? []).map(({ state }) => state)
const spareOf = (driver: AgentDriver) =>
  waitUntil(() => statesOf(driver).includes('spare'), { what: 'a spare', timeoutMs: 20_000 })

async function ask(driver: AgentDriver, more: Partial<SessionOptions>, words = 'Now?') {
  const session = await driver.open(plainOptions({ ephemeral: true, ...more }), never)
  const { start } = session
  const events: TurnEvent[] = []
  for await (const event of session.prompt({ parts: [{ type: 'text', text: words }] }, never))
    events.push(event)
  await session.close()
  return { start, events, call: model.calls.at(-1) as RecordedRequest }
}

/** What the provider was asked, without what has to differ from process to process and place to place. */
function essence({ body }: RecordedRequest, workdir: string): string {
  return (
    JSON.stringify(body)
      .replaceAll(workdir, 'WORKDIR')
      .replace(/clinvk-claude-\w+/g, 'AWAY')
      .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, 'UUID')
      .replace(/cch=\w+/g, 'cch')
      // Made up by the first process of a home, and by each of several that start there at once.
      .replace(/device_id\\":\\"\w+/, 'device')
      .replace(/-home-[\w-]+|-tmp-clinvk-agents-[\w-]+/g, 'SLUG')
  )
}

const tool = { name: 'get_weather', description: 'Weather', inputSchema: { type: 'object' } }
const KINDS: [string, Partial<SessionOptions>][] = [
  ['a prompt in a folder', {}],
  ['a prompt under a system prompt, with a model', { systemPrompt: 'Be brief.', model: 'sonnet' }],
  ['a prompt without the settings of its user', { profile: 'project' }],
  ['a prompt that may only read', { sandboxMode: 'read-only' }],
  ['a prompt that may use few tools', { allowedTools: ['Read'] }],
  ['a prompt with limits', { maxTokens: 100, maxTurns: 3, effort: 'high' }],
  ['a prompt that is kept', { ephemeral: false }],
  ['a prompt with tools of its client', { clientTools: [tool] }],
  ['a chat', { profile: 'pure' }],
  ['a chat under a system prompt', { profile: 'pure', systemPrompt: 'Be brief.' }],
  ['a chat with tools of its client', { profile: 'pure', clientTools: [tool] }],
  [
    'a chat with a history',
    {
      profile: 'pure',
      history: [
        { role: 'user', parts: [{ type: 'text', text: 'one' }] },
        { role: 'assistant', text: 'two', toolCalls: [] },
      ],
    },
  ],
]

describe('Claude Code that was started ahead', () => {
  test.each(KINDS)(
    'asks its provider for %s what one that was started for it asks',
    async (_, more) => {
      const [first, workdir] = [
        await folderWith('first', { 'CLAUDE.md': 'Of the first.' }),
        await folderWith('work'),
      ]
      await writeFile(join(workdir, 'CLAUDE.md'), 'Say please.')
      const driver = driverOf()
      const { systemPrompt: _other, ...alike } = more
      const begun = await ask(driver, { ...alike, workdir: first }, 'Before.')
      expect(begun.start).toBe('cold')
      await spareOf(driver)
      const spare = await ask(driver, { ...more, workdir })
      expect(spare.start).toBe('spare')
      const cold = await ask(driverOf({ minimum: 0 }), { ...more, workdir })
      expect(cold.start).toBe('cold')
      expect(essence(spare.call, workdir)).toBe(essence(cold.call, workdir))
      const said = JSON.stringify(spare.call.body)
      expect(said).not.toContain('Before.')
      expect(said).not.toContain('Of the first.')
      expect(said).not.toContain(first)
      expect(said.includes('Say please.')).toBe(more.profile !== 'pure')
    },
    LONG_MS,
  )

  test(
    'knows what its folder and settings are when it is asked, and does nothing there before',
    async () => {
      const workdir = await folderWith('work', { 'CLAUDE.md': 'Old rule.' })
      const mark = (name: string) => ({
        hooks: {
          SessionStart: [{ hooks: [{ type: 'command', command: `echo ${name} >> ${home.home}/marks` }] }],
        },
      })
      const marks = () =>
        Bun.file(join(home.home, 'marks'))
          .text()
          .catch(() => '')
      await writeFile(join(workdir, '.claude/settings.json'), JSON.stringify(mark('old')))
      const driver = driverOf()
      await ask(driver, { workdir: await folderWith('other') })
      await spareOf(driver)
      expect(await marks()).toBe('')
      await writeFile(join(workdir, 'CLAUDE.md'), 'New rule.')
      await writeFile(join(workdir, '.claude/settings.json'), JSON.stringify(mark('new')))
      const { start, call } = await ask(driver, { workdir })
      expect(start).toBe('spare')
      expect(JSON.stringify(call.body)).toContain('New rule.')
      expect(JSON.stringify(call.body)).not.toContain('Old rule.')
      expect(await marks()).toBe('new\n')
    },
    LONG_MS,
  )

  test(
    'keeps to what its session may do',
    async () => {
      const workdir = await folderWith('work')
      const writes = (mode: SessionOptions['approvalMode']) => ({ workdir, approvalMode: mode })
      for (const [mode, written] of [
        ['none', true],
        ['default', false],
        ['auto', true],
      ] as const) {
        const driver = driverOf()
        model.play({ text: 'Begun.' })
        await ask(driver, { ...writes(mode), workdir: await folderWith('other') })
        await spareOf(driver)
        const path = join(workdir, `${mode}.txt`)
        model.play([
          { toolCalls: [{ name: 'Write', input: { file_path: path, content: 'x' } }] },
          { text: 'Done.' },
        ])
        const { start } = await ask(driver, writes(mode))
        expect(start).toBe('spare')
        expect((await readdir(workdir)).includes(`${mode}.txt`)).toBe(written)
      }
    },
    LONG_MS,
  )

  test(
    'is for one conversation: it ends with it, and another takes its place',
    async () => {
      const driver = driverOf()
      const workdir = await folderWith('work')
      await ask(driver, { workdir })
      await spareOf(driver)
      const [before] = driver.pool?.stats().processes ?? []
      await ask(driver, { workdir })
      await spareOf(driver)
      const { processes, opened, died } = driver.pool?.stats() ?? {}
      expect(processes?.map(({ pid }) => pid)).not.toContain(before?.pid)
      expect(opened).toEqual({ cold: 1, spare: 1 })
      expect(died).toBe(0)
    },
    LONG_MS,
  )

  test(
    'is not used once the login has changed',
    async () => {
      const driver = driverOf({ maximum: 2 })
      const workdir = await folderWith('work')
      await ask(driver, { workdir })
      await spareOf(driver)
      await writeFile(join(home.home, '.claude', '.credentials.json'), '{}')
      expect((await ask(driver, { workdir })).start).toBe('cold')
      expect(driver.pool?.stats().recycled.changed).toBe(1)
    },
    LONG_MS,
  )

  test(
    'is there again after one was killed before it was ready',
    async () => {
      const program = join(home.home, 'killed-claude')
      const real = join(env['PATH']?.split(':')[0] ?? '', 'claude')
      await writeFile(
        program,
        `#!/bin/sh\ncase " $* " in *" --await-claim "*) mkdir "$0.once" 2>/dev/null && kill -9 $$;; esac\nexec ${real} "$@"\n`,
        { mode: 0o755 },
      )
      const driver = driverOf({}, { command: [program] })
      const workdir = await folderWith('work')
      await ask(driver, { workdir })
      await waitUntil(() => driver.pool?.stats().failedStarts === 1, { what: 'the start that fails' })
      await ask(driver, { workdir })
      await spareOf(driver)
    },
    LONG_MS,
  )

  test(
    'may die when it is needed',
    async () => {
      const driver = driverOf()
      for (const more of [{ profile: 'pure' } as const, { workdir: await folderWith('work') }]) {
        await ask(driver, more)
        await spareOf(driver)
        for (const { pid } of driver.pool?.stats().processes ?? [])
          if (pid !== undefined) process.kill(pid, 'SIGKILL')
        const { events } = await ask(driver, more)
        expect(events.at(-1)).toMatchObject({ type: 'done' })
      }
    },
    LONG_MS,
  )

  test(
    'is not there for a session that is resumed',
    async () => {
      const driver = driverOf()
      const workdir = await folderWith('work')
      const session = await driver.open(plainOptions({ workdir }), never)
      await Array.fromAsync(session.prompt({ parts: [{ type: 'text', text: 'One.' }] }, never))
      await session.close()
      await spareOf(driver)
      const { start, call } = await ask(driver, { workdir, ephemeral: false, resume: session.id ?? '' })
      expect(start).toBe('cold')
      expect(JSON.stringify(call.body)).toContain('One.')
      expect(statesOf(driver)).toContain('spare')
    },
    LONG_MS,
  )

  test(
    'is done without where the program does not know how to wait',
    async () => {
      const program = join(home.home, 'old-claude')
      const real = join(env['PATH']?.split(':')[0] ?? '', 'claude')
      await writeFile(
        program,
        `#!/bin/sh\ncase " $* " in *" --await-claim "*) echo "error: unknown option '--await-claim'" >&2; exit 1;; esac\nexec ${real} "$@"\n`,
        { mode: 0o755 },
      )
      const driver = driverOf({}, { command: [program] })
      const workdir = await folderWith('work')
      await ask(driver, { workdir })
      await waitUntil(() => driver.pool?.stats().failedStarts === 1, { what: 'the start that fails' })
      for (const _ of [1, 2]) expect((await ask(driver, { workdir })).start).toBe('cold')
      expect(driver.pool?.stats().failedStarts).toBe(1)
      // A mere model call needs no folder, and so no waiting for one.
      await ask(driver, { workdir, profile: 'pure' })
      await spareOf(driver)
      expect((await ask(driver, { workdir, profile: 'pure' })).start).toBe('spare')
    },
    LONG_MS,
  )

  test(
    'says no better than one that is started there why a folder is none',
    async () => {
      const driver = driverOf()
      await ask(driver, { workdir: await folderWith('work') })
      await spareOf(driver)
      const workdir = join(home.home, 'nowhere')
      await expect(driver.open(plainOptions({ workdir }), never)).rejects.toMatchObject({
        code: 'invalid_workdir',
      })
    },
    LONG_MS,
  )

  test(
    'leaves nothing behind',
    async () => {
      const before = (await readdir(tmpdir())).filter((name) => name.startsWith('clinvk-claude-'))
      const driver = driverOf()
      await ask(driver, { workdir: await folderWith('work') })
      await spareOf(driver)
      await driver.close()
      expect((await readdir(tmpdir())).filter((name) => name.startsWith('clinvk-claude-'))).toEqual(before)
      await expect(driver.open(plainOptions(), never)).rejects.toMatchObject({ code: 'shutting_down' })
    },
    LONG_MS,
  )
})
