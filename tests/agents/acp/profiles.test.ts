import { describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gemini } from '../../../src/agents/acp/gemini.ts'
import { historyName, untilReopenable } from '../../../src/agents/acp/gemini-history.ts'
import { toPolicy } from '../../../src/agents/acp/gemini-policy.ts'
import { toLaunch } from '../../../src/agents/acp/launch.ts'
import { opencode, readExport, readTakenTypes, toPermission } from '../../../src/agents/acp/opencode.ts'
import { PLACE } from '../../../src/agents/acp/profile.ts'
import { generic, profileOf } from '../../../src/agents/acp/profiles.ts'
import type { SessionOptions } from '../../../src/agents/types.ts'

const options = (more: Partial<SessionOptions> = {}): SessionOptions => ({
  workdir: '/work',
  approvalMode: 'default',
  sandboxMode: 'default',
  ephemeral: false,
  ...more,
})

describe('an agent is known by its command', () => {
  test.each([
    [['gemini', '--acp'], gemini],
    [['/usr/bin/node', '/opt/gemini.js'], gemini],
    [['npx', 'opencode-ai', 'acp'], opencode],
    [['opencode.exe'], opencode],
    [['goose', 'acp', '--model', 'gemini'], generic],
  ])('%j', (command, profile) => {
    expect(profileOf(command)).toBe(profile)
  })

  test('and the demo agent by what it is told to be', () => {
    expect(profileOf(['bun', 'main.ts', 'demo-agent']).usage).toBe('turn')
  })
})

test('a process is started with what it needs, and what the operator set stays', () => {
  const settings = {
    command: ['gemini', '--skip-trust'],
    env: { GEMINI_CLI_NO_RELAUNCH: '' },
    extraFlags: ['-d'],
  }
  const startup = { args: ['--x'], env: { Y: '1' }, files: { n: 't' }, links: { l: '/to' } }
  expect(toLaunch(settings, gemini, startup, ['--own'])).toEqual({
    command: ['gemini', '--skip-trust', '--acp', '--x', '-d', '--own'],
    env: { GEMINI_CLI_NO_RELAUNCH: '', Y: '1' },
    files: startup.files,
    links: startup.links,
  })
})

describe("Gemini's policy", () => {
  // Later rules have the higher priority.
  const decisions = (more: Partial<SessionOptions>) =>
    (
      Bun.TOML.parse(toPolicy(options(more)) ?? '') as {
        rule?: { toolName: string | string[]; decision: string }[]
      }
    ).rule?.map(({ toolName, decision }) => [decision, toolName])
  const reading = expect.arrayContaining(['read_file', 'glob'])

  test('is none where its own modes do', () => {
    for (const approvalMode of ['default', 'auto', 'none'] as const)
      expect(toPolicy(options({ approvalMode, sandboxMode: 'full' }))).toBeUndefined()
  })

  test('denies all but reading under read-only', () => {
    expect(decisions({ sandboxMode: 'read-only', approvalMode: 'none' })).toEqual([
      ['deny', '*'],
      ['allow', reading],
    ])
  })

  test('has edits asked for under workspace, and no shell', () => {
    expect(decisions({ sandboxMode: 'workspace' })).toEqual([
      ['deny', '*'],
      ['allow', reading],
      ['ask_user', ['write_file', 'replace']],
    ])
  })

  test('has everything asked for under always', () => {
    expect(decisions({ approvalMode: 'always' })).toEqual([['ask_user', '*']])
    expect(decisions({ approvalMode: 'always', sandboxMode: 'read-only' })).toEqual([
      ['deny', '*'],
      ['ask_user', reading],
    ])
  })

  test('leaves only the listed tools, within the ceiling', () => {
    const allowedTools = ['run_shell_command', 'read_file', 'a"b']
    expect(decisions({ allowedTools })).toEqual([
      ['deny', '*'],
      ['allow', allowedTools],
    ])
    expect(decisions({ allowedTools, sandboxMode: 'read-only' })).toEqual([
      ['deny', '*'],
      ['allow', 'read_file'],
    ])
    // Gemini's API refuses an empty list of tools.
    for (const sandboxMode of ['default', 'read-only', 'workspace'] as const)
      expect(decisions({ allowedTools: [], sandboxMode })).toEqual([
        ['deny', '*'],
        ['allow', 'list_background_processes'],
      ])
  })

  test('travels in a file of the admin tier', () => {
    const { args, files } = gemini.startup(options({ sandboxMode: 'read-only' }), {})
    expect(args).toEqual(['--admin-policy', `${PLACE}/policy.toml`])
    expect(Object.keys(files ?? {})).toEqual(['policy.toml'])
  })
})

describe("a client's tools", () => {
  const clientTools = [{ name: 'a', inputSchema: { type: 'object' } }]

  test('are let through by name where rules of ours hold, and with all of MCP where there is nothing else', () => {
    const policyOf = (more: Partial<SessionOptions>) =>
      gemini.startup(options({ clientTools, ...more }), {}).files?.['policy.toml']
    expect(policyOf({ sandboxMode: 'read-only' })).toContain('toolName = "mcp_a"')
    expect(policyOf({ profile: 'pure' })).toContain('toolName = "mcp_*"')
    expect(policyOf({ profile: 'pure' })).not.toContain('list_background_processes')
    expect(policyOf({})).toBeUndefined()
  })

  test('can be made to be called where the model is known and the settings are ours', () => {
    const startup = (more: Partial<SessionOptions>) =>
      gemini.startup(options({ clientTools, toolChoice: 'required', ...more }), {})
    expect(startup({ profile: 'pure', model: 'gemini-2.5-pro' }).alias).toBeDefined()
    expect(startup({ profile: 'project', model: 'gemini-3-x' }).alias).toBeDefined()
    expect(() => startup({ model: 'gemini-2.5-pro' })).toThrow('Use "pure" or "project".')
    const refusal = 'only where it does not choose the model itself'
    expect(() => startup({ profile: 'pure' })).toThrow(refusal)
    expect(() => startup({ profile: 'pure', model: 'auto' })).toThrow(refusal)
  })

  test('can be made to be called where the environment names the model, as long as the request does not', () => {
    const aliasOf = (env: Readonly<Record<string, string>>, more: Partial<SessionOptions> = {}) =>
      gemini.startup(options({ clientTools, toolChoice: 'required', profile: 'pure', ...more }), env).alias
    expect(aliasOf({ GEMINI_MODEL: 'gemini-2.5-flash' })).toMatchObject({ model: 'gemini-2.5-flash' })
    expect(aliasOf({ GEMINI_MODEL: 'gemini-2.5-flash' }, { model: 'gemini-3-x' })).toMatchObject({
      model: 'gemini-3-x',
    })
    expect(() => aliasOf({ GEMINI_MODEL: 'auto' })).toThrow('choose the model')
    expect(() => aliasOf({ GEMINI_MODEL: 'gemini-2.5-flash' }, { model: 'auto' })).toThrow('choose the model')
  })

  test('are kept apart by OpenCode: by agents under pure, else by folders and a process of their own', () => {
    const full = opencode.startup(options({ clientTools }), {})
    expect(full.toolServers).toEqual({ names: ['clinvk'] })
    expect(full.mode).toBeUndefined()
    expect(full.env).not.toEqual(opencode.startup(options(), {}).env)
    const limited = opencode.startup(options({ clientTools, sandboxMode: 'read-only' }), {})
    expect(JSON.parse(limited.env['OPENCODE_CONFIG_CONTENT'] ?? '')).toMatchObject({
      agent: { clinvk: { permission: { '*': 'deny', 'clinvk_*': 'allow' } } },
    })
    const { env } = opencode.startup(options({ clientTools, profile: 'pure' }), { HOME: '/nowhere' })
    expect(JSON.parse(env['OPENCODE_CONFIG_CONTENT'] ?? '')).toMatchObject({
      agent: {
        clinvk: { permission: { '*': 'deny' } },
        s1: { permission: { '*': 'deny', 's1_*': 'allow', doom_loop: 'allow' } },
        s32: { permission: { '*': 'deny', 's32_*': 'allow' } },
      },
      experimental: { mcp_timeout: 3_600_000 },
    })
  })
})

test("Gemini's tools are named in the ids of their calls", () => {
  const names = [
    'write_file__fc_0_1',
    'run_shell_command-1795485485432-1',
    'read_file_1795485485432_0',
    'x',
  ].map((id) => gemini.toolName?.(id))
  expect(names).toEqual(['write_file', 'run_shell_command', 'read_file', undefined])
})

describe('a login of Gemini', () => {
  const withHome = async (
    files: Readonly<Record<string, string>>,
    env: Readonly<Record<string, string>> = {},
  ) => {
    const home = await mkdtemp(join(tmpdir(), 'clinvk-gemini-'))
    try {
      await mkdir(join(home, '.gemini'))
      for (const [name, text] of Object.entries(files)) await writeFile(join(home, '.gemini', name), text)
      return await gemini.isLoggedIn?.({ HOME: home, ...env })
    } finally {
      await rm(home, { recursive: true })
    }
  }
  const chosen = (selectedType: string) => ({
    'settings.json': JSON.stringify({ security: { auth: { selectedType } } }),
  })

  test('is a key, or an account that was chosen', async () => {
    expect(await withHome({}, { GEMINI_API_KEY: 'x' })).toBe(true)
    expect(await withHome(chosen('oauth-personal'))).toBe(true)
    expect(await withHome({ 'oauth_creds.json': '{}' })).toBe(true)
  })

  test('is not the mere choice of a key', async () => {
    expect(await withHome({})).toBe(false)
    expect(await withHome(chosen('gemini-api-key'))).toBe(false)
    expect(await withHome({ 'settings.json': '{}' }, { GEMINI_API_KEY: '' })).toBe(false)
  })
})

test('a session of Gemini is not opened again in the minute in which its history began', async () => {
  const home = await mkdtemp(join(tmpdir(), 'clinvk-gemini-'))
  try {
    const id = '43fdc8ee-1ffc-4079-8cac-a7049bf1b10b'
    expect(historyName(id, new Date('2026-11-24T02:13:59.999Z'))).toBe(
      'session-2026-11-24T02-13-43fdc8ee.jsonl',
    )
    const chats = join(home, '.gemini', 'tmp', 'work', 'chats')
    await mkdir(chats, { recursive: true })
    const env = { HOME: home }
    await untilReopenable(id, env, new AbortController().signal)
    // This minute's and the next one's, so that no turn of the minute decides.
    for (const ahead of [0, 60_000])
      await writeFile(join(chats, historyName(id, new Date(Date.now() + ahead))), '')
    const stop = new AbortController()
    let resolved = false
    const waiting = untilReopenable(id, env, stop.signal).then(() => {
      resolved = true
    })
    await Bun.sleep(50)
    expect(resolved).toBe(false)
    stop.abort()
    await waiting
  } finally {
    await rm(home, { recursive: true })
  }
})

describe("OpenCode's permissions", () => {
  test("are the user's own where nothing is to be limited", () => {
    expect(toPermission(options({ approvalMode: 'none', sandboxMode: 'full' }))).toBeUndefined()
    expect(opencode.startup(options(), {})).toEqual({
      args: [],
      env: { OPENCODE_CONFIG_CONTENT: '{"experimental":{"continue_loop_on_deny":true}}' },
    })
  })

  test.each<[Partial<SessionOptions>, Record<string, string>]>([
    [{ sandboxMode: 'read-only' }, { '*': 'deny', read: 'allow' }],
    [
      { sandboxMode: 'read-only', approvalMode: 'always' },
      { '*': 'deny', read: 'ask' },
    ],
    [
      { sandboxMode: 'workspace', approvalMode: 'none' },
      { '*': 'deny', read: 'allow', edit: 'ask' },
    ],
    [{ approvalMode: 'auto' }, { '*': 'ask', read: 'allow', task: 'deny' }],
    [{ approvalMode: 'always' }, { '*': 'ask', task: 'deny' }],
  ])('%j', (given, expected) => {
    const permission = toPermission(options(given))
    expect(permission).toMatchObject(expected)
    // The last rule that matches counts, so the one for everything has to be the first.
    expect(Object.keys(permission ?? {})[0]).toBe('*')
  })

  test("are an agent's of our own, next to the operator's configuration", () => {
    const theirs = JSON.stringify({
      model: 'm',
      agent: { mine: {} },
      experimental: { continue_loop_on_deny: false },
    })
    const { env, mode } = opencode.startup(options({ sandboxMode: 'read-only' }), {
      OPENCODE_CONFIG_CONTENT: theirs,
    })
    expect(mode).toBe('clinvk')
    expect(JSON.parse(env['OPENCODE_CONFIG_CONTENT'] ?? '')).toMatchObject({
      model: 'm',
      default_agent: 'clinvk',
      agent: { mine: {}, clinvk: { mode: 'primary', permission: { '*': 'deny' } } },
      experimental: { continue_loop_on_deny: false },
    })
    expect(() => opencode.startup(options(), { OPENCODE_CONFIG_CONTENT: '// none' })).toThrow(
      'OPENCODE_CONFIG_CONTENT is no JSON object',
    )
  })
})

test('the export of a session of OpenCode has the status of its last failure', () => {
  const message = (error?: unknown) => ({
    info: { role: 'assistant', ...(error ? { error } : {}) },
    parts: [],
  })
  const failure = (statusCode: number, responseHeaders = {}) => ({
    name: 'APIError',
    data: { message: 'Slow down', statusCode, responseHeaders },
  })
  const text = JSON.stringify({
    messages: [message(failure(500)), message(failure(429, { 'retry-after': '3' })), message()],
  })
  expect(readExport(`Exporting session: x\n${text}`)).toEqual({
    status: 429,
    message: 'Slow down',
    retryAfterMs: 3000,
  })
  expect(readExport('{}')).toEqual({ status: undefined, message: undefined, retryAfterMs: undefined })
})

test('what a model reads is found among all of its provider', () => {
  const entry = (input: object) => JSON.stringify({ capabilities: { input }, cost: { input: 0 } }, null, 2)
  const output = `p/m\n${entry({ text: true, image: false, pdf: false })}\np/m2\n${entry({ text: true, image: true, pdf: false })}\n`
  const taken = (model: string) =>
    ['image/png', 'application/pdf', 'application/zip'].map(readTakenTypes(output, model))
  expect(taken('p/m')).toEqual([false, false, true])
  expect(taken('p/m2')).toEqual([true, false, true])
  expect(taken('p/m3')).toEqual([true, true, true])
  expect(() => readTakenTypes('\n', 'p/m')).toThrow('nothing')
})
