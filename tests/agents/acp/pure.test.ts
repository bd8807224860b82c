import { describe, expect, test } from 'bun:test'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gemini } from '../../../src/agents/acp/gemini.ts'
import { removeHistory } from '../../../src/agents/acp/gemini-history.ts'
import { opencode } from '../../../src/agents/acp/opencode.ts'
import { PLACE } from '../../../src/agents/acp/profile.ts'
import type { SessionOptions } from '../../../src/agents/types.ts'

const options = (more: Partial<SessionOptions> = {}): SessionOptions => ({
  workdir: '/work',
  approvalMode: 'default',
  sandboxMode: 'default',
  ephemeral: true,
  ...more,
})

async function withHome(
  files: Readonly<Record<string, string>>,
  use: (home: string) => unknown,
): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'clinvk-home-'))
  try {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(join(home, name, '..'), { recursive: true })
      await writeFile(join(home, name), text)
    }
    await use(home)
  } finally {
    await rm(home, { recursive: true })
  }
}

describe('Gemini without the set-up of its user', () => {
  const settings = {
    security: { auth: { selectedType: 'oauth-personal' } },
    general: { maxAttempts: 3, vimMode: true },
    mcpServers: { mine: {} },
    hooks: { SessionStart: [] },
    context: { fileName: 'MINE.md' },
  }
  const files = {
    '.gemini/settings.json': `// mine\n${JSON.stringify(settings)}`,
    '.gemini/oauth_creds.json': '{"secret":1}',
    '.gemini/GEMINI.md': 'mine',
  }

  test('has a home with the login alone, which it finds where it always is', () =>
    withHome(files, (home) => {
      const startup = gemini.startup(options({ profile: 'project' }), { HOME: home })
      expect(startup.env).toEqual({ GEMINI_CLI_HOME: `${PLACE}/home` })
      expect(startup.links).toEqual({
        'home/.gemini/oauth_creds.json': join(home, '.gemini/oauth_creds.json'),
      })
      expect(JSON.parse(startup.files?.['home/.gemini/settings.json'] ?? '')).toEqual({
        security: { auth: { selectedType: 'oauth-personal' } },
        general: { maxAttempts: 3 },
      })
      expect(startup.away).toBeUndefined()
    }))

  test('is a model call under pure: another system prompt, nothing of the folder, and no tools', () =>
    withHome(files, (home) => {
      const startup = gemini.startup(options({ profile: 'pure' }), { HOME: home })
      expect(startup.args).toEqual(['--admin-policy', `${PLACE}/policy.toml`])
      expect(startup.env['GEMINI_SYSTEM_MD']).toBe(`${PLACE}/system.md`)
      expect(startup.files?.['system.md']).toContain('no tools')
      expect(startup.away).toBe(true)
      expect(Bun.TOML.parse(startup.files?.['policy.toml'] ?? '')).toMatchObject({
        rule: [
          { toolName: '*', decision: 'deny' },
          { toolName: 'list_background_processes', argsPattern: '(?!)' },
        ],
      })
      expect(JSON.parse(startup.files?.['home/.gemini/settings.json'] ?? '')).toMatchObject({
        security: settings.security,
        context: { includeDirectoryTree: false },
        hooksConfig: { enabled: false },
        modelConfigs: {
          customOverrides: [
            { modelConfig: { generateContentConfig: { httpOptions: { extraBody: { tools: [] } } } } },
          ],
        },
        skills: { enabled: false },
      })
    }))

  test('shares a process among all models and system prompts', () =>
    withHome(files, (home) => {
      const [one, other] = [{ systemPrompt: 'x', model: 'a' }, { model: 'b' }].map((more) =>
        gemini.startup(options({ profile: 'pure', ...more }), { HOME: home }),
      )
      expect(one).toEqual(other)
    }))

  test.each([
    ['none', { thinkingBudget: 512 }, { thinkingLevel: 'LOW' }],
    ['low', { thinkingBudget: 1024 }, { thinkingLevel: 'LOW' }],
    ['max', { thinkingBudget: 24_576 }, { thinkingLevel: 'HIGH' }],
  ] as const)('thinks as hard as %s says', (effort, second, third) => {
    const { files: written } = gemini.startup(options({ profile: 'pure', effort }), {})
    const preset = (thinkingConfig: object) => ({
      modelConfig: { generateContentConfig: { thinkingConfig } },
    })
    expect(JSON.parse(written?.['home/.gemini/settings.json'] ?? '')).toMatchObject({
      modelConfigs: {
        customAliases: { 'chat-base-2.5': preset(second), 'chat-base-3': preset(third) },
      },
    })
  })

  test('needs no process of its own to think as hard as it always does', () => {
    const startup = (more: Partial<SessionOptions>) =>
      gemini.startup(options({ profile: 'pure', ...more }), {})
    expect(startup({ effort: 'medium' })).toEqual(startup({}))
  })

  test('leaves the full profile as its user has it, thinking too', () => {
    expect(gemini.startup(options({ profile: 'full' }), {})).toMatchObject({ args: [], env: {} })
    expect(() => gemini.startup(options({ effort: 'low' }), {})).toThrow('Use "pure" or "project".')
  })

  test('keeps no history of a session that is forgotten, and that of others', () => {
    const folder = '.gemini/tmp/work/chats'
    const id = '43fdc8ee-1ffc-4079-8cac-a7049bf1b10b'
    const own = join(folder, 'session-2026-11-24T02-13-43fdc8ee.jsonl')
    const twin = join(folder, 'session-2026-11-24T02-14-43fdc8ee.jsonl')
    return withHome(
      { [own]: `{"sessionId":"${id}"}`, [twin]: '{"sessionId":"43fdc8ee-of-another"}' },
      async (home) => {
        await removeHistory(id, { HOME: home })
        expect(await Bun.file(join(home, own)).exists()).toBe(false)
        expect(await Bun.file(join(home, twin)).exists()).toBe(true)
      },
    )
  })
})

describe('OpenCode without the set-up of its user', () => {
  const files = {
    '.config/opencode/opencode.json': JSON.stringify({
      provider: { mine: { options: { apiKey: '{file:./key}', baseURL: 'http://x' } } },
      mcp: { mine: {} },
      plugin: ['mine'],
      instructions: ['mine.md'],
    }),
    '.config/opencode/opencode.jsonc': '{"model":"mine/m", /* and */ "provider":{"mine":{"name":"Mine"}},}',
    'other.json': '{"model":"mine/other","agent":{"mine":{}}}',
  }
  const written = (env: Readonly<Record<string, string>>) =>
    JSON.parse(
      opencode.startup(options({ profile: 'pure' }), env).files?.['config/opencode/opencode.json'] ?? '',
    )

  test('has the providers of its settings, and nothing else of them', () =>
    withHome(files, (home) => {
      const expected = {
        provider: {
          mine: {
            name: 'Mine',
            options: { apiKey: `{file:${join(home, '.config/opencode/key')}}`, baseURL: 'http://x' },
          },
        },
        model: 'mine/m',
      }
      expect(written({ HOME: home })).toEqual(expected)
      expect(written({ HOME: '/nowhere', XDG_CONFIG_HOME: join(home, '.config') })).toEqual(expected)
      expect(written({ HOME: home, OPENCODE_CONFIG: join(home, 'other.json') })).toEqual({
        ...expected,
        model: 'mine/other',
      })
      expect(written({ HOME: '/nowhere' })).toEqual({})
    }))

  test('says which settings cannot be read', () =>
    withHome({ 'broken.json': '{' }, (home) => {
      expect(() => written({ OPENCODE_CONFIG: join(home, 'broken.json') })).toThrow('broken.json')
    }))

  test('is a model call: an agent of ours without tools, no title, away from the folder', () => {
    const { env, mode, away } = opencode.startup(options({ profile: 'pure' }), {
      OPENCODE_CONFIG_CONTENT: '{"agent":{"mine":{}},"small_model":"s"}',
    })
    expect([mode, away]).toEqual(['clinvk', true])
    expect(env).toMatchObject({
      XDG_CONFIG_HOME: `${PLACE}/config`,
      OPENCODE_CONFIG: '',
      OPENCODE_PURE: 'true',
    })
    expect(JSON.parse(env['OPENCODE_CONFIG_CONTENT'] ?? '')).toMatchObject({
      small_model: 's',
      default_agent: 'clinvk',
      agent: {
        mine: {},
        title: { disable: true },
        clinvk: {
          permission: { '*': 'deny' },
          tools: { '*': false },
          prompt: expect.stringContaining('no tools'),
        },
      },
    })
  })
})
