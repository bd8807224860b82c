/** What `clinvk connect` prints, looked at as text. That tools work with it shows connect-run.test.ts. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { parse as parseYaml } from 'yaml'
import manifest from '../../package.json' with { type: 'json' }
import { scriptText } from '../../src/commands/connect/keys.ts'
import { connectionText } from '../../src/commands/connect/print.ts'
import { findTool, TOOLS, toConnection } from '../../src/commands/connect/tools.ts'
import { Connection } from '../../src/commands/connect/types.ts'
import pins from '../agents/package.json' with { type: 'json' }
import { createDesk, type Desk } from './cli.ts'

let desk: Desk
beforeAll(async () => {
  desk = await createDesk()
  await desk.program(
    'claude',
    `case "$1" in --version) echo 2.1.330 ;; auth) echo '{"loggedIn": true}' ;; esac`,
  )
})
afterAll(() => desk.remove())

const KEY = 'the-key-that-nobody-may-see'
const names = TOOLS.map(({ name }) => name)

/** What is printed for programs. */
async function connect(args: string[], env: Record<string, string> = {}) {
  const { stdout, stderr, code } = await desk.run(['connect', '--json', ...args], env)
  expect([code, stderr]).toEqual([0, expect.any(String)])
  const connection: Connection = JSON.parse(stdout)
  expect([...Value.Errors(Connection, connection)]).toEqual([])
  return { connection, stderr, stdout }
}

/** The settings of a tool without a process. */
function settings(name: string, more: { model?: string; needsKey?: boolean; url?: string } = {}) {
  const { tool } = findTool(name)
  if (!tool) throw new Error(`There is no ${name}.`)
  return toConnection(tool, { url: 'http://127.0.0.1:8080', model: 'claude', needsKey: false, ...more })
}

/** Its pieces as a program reads them. */
function parsed(name: string, more = {}) {
  return settings(name, more).pieces.flatMap(({ language, text }): unknown[] => {
    if (language === 'json') return [JSON.parse(text)]
    if (language === 'yaml') return [parseYaml(text)]
    return language === 'toml' ? [Bun.TOML.parse(text)] : []
  })
}

/** The variables that a shell has after the pieces for it. */
async function exported(name: string, more = {}, env: Record<string, string> = {}) {
  const text = settings(name, more)
    .pieces.filter(({ language }) => language === 'sh')
    .map((piece) => piece.text)
    .join('\n')
  const shell = Bun.spawn({ cmd: ['/bin/sh', '-ec', `${text}\nenv`], env: { PATH: '/usr/bin:/bin', ...env } })
  const lines = (await shell.stdout.text()).trim().split('\n')
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)))
}

test('without a tool all are listed, and which were not tried', async () => {
  const { stdout, code } = await desk.run(['connect'])
  expect(code).toBe(0)
  for (const name of names) expect(stdout).toMatch(new RegExp(`^  ${name} `, 'm'))
  expect(stdout).toMatch(/^ {2}zed +Zed \(not tried\)$/m)
  expect(stdout).toMatch(/^ {2}codex +Codex$/m)
})

test('each tool has its settings, where they go, how to check them, and whether they were tried', async () => {
  for (const name of names) {
    const text = connectionText(settings(name))
    expect(text).toContain('127.0.0.1:8080')
    expect(text).toMatch(/^# \S/m)
    expect(text).toMatch(/^# Check: \S/m)
    expect(text).toMatch(/^# (?:Tried with|Not tried:) /m)
  }
  const { stdout } = await desk.run(['connect', 'codex'])
  expect(stdout).toBe(`${connectionText(settings('codex'))}\n`)
})

test('whatever is printed around the pieces is a comment', () => {
  for (const name of names) {
    const settled = settings(name, { needsKey: true })
    const around = settled.pieces.reduce(
      (text, piece) => text.replace(piece.text, ''),
      connectionText(settled),
    )
    const lines = around.split('\n').filter((line) => line !== '')
    expect(lines.filter((line) => !line.startsWith('# '))).toEqual([])
  }
})

test('the settings of an agent stay out of what the backend of the same name reads', () => {
  const [claude] = settings('claude-code').pieces
  expect(claude?.file).toBeUndefined()
  expect(claude?.where).toMatch(/Not in the shell of clinvk serve and not in ~\/\.claude\/settings\.json/)
  const { pieces, check, notes } = settings('codex')
  expect(pieces.map(({ file }) => file)).toEqual(['~/.codex-clinvk/config.toml'])
  expect(pieces[0]?.where).toContain('Not ~/.codex/config.toml')
  expect(check).toStartWith('CODEX_HOME=~/.codex-clinvk codex ')
  expect(notes.join(' ')).toContain('never in the shell of clinvk serve')
})

test('Claude Code is told how large a context is', async () => {
  expect((await exported('claude-code'))['CLAUDE_CODE_MAX_CONTEXT_TOKENS']).toBe('200000')
})

test.each([
  ['claud', 'claude-code'],
  ['claude', 'claude-code'],
  ['open-code', 'opencode'],
  ['libre-chat', 'librechat'],
  ['OpenWebUI', 'open-webui'],
  ['openai', 'openai-sdk'],
  ['vercel', 'vercel-ai-sdk'],
])('a near miss such as %s is answered with %s', async (name, meant) => {
  expect(findTool(name)).toEqual({ meant })
})

test('an unknown tool is a mistake of usage that names those that there are', async () => {
  const { code, stderr } = await desk.run(['connect', 'codxe'])
  expect([code, stderr]).toEqual([2, expect.stringContaining('Did you mean codex? There are: claude-code,')])
  expect((await desk.run(['connect', 'something-else'])).stderr).not.toContain('Did you mean')
})

describe('the server', () => {
  test('is that of the configuration', async () => {
    await desk.file('mine.yaml', 'server: {host: 0.0.0.0, port: 3456}\n')
    const { connection } = await connect(['openai-sdk', '--config', 'mine.yaml'])
    expect(connection.url).toBe('http://127.0.0.1:3456')
    expect((await connect(['curl'], { CLINVK_HOST: '::1', CLINVK_PORT: '99' })).connection.url).toBe(
      'http://[::1]:99',
    )
  }, 180_000)

  test('is the one that is named, whatever path is copied along', async () => {
    for (const url of ['https://box.example', 'https://box.example/', 'https://box.example/openai/v1/'])
      expect((await connect(['curl', '--url', url])).connection.url).toBe('https://box.example')
  }, 180_000)

  test.each(['box', 'ftp://box', 'http://box/$(id)', 'http://user:password@box', 'http://box/?a=b'])(
    'cannot be %s',
    async (url) => {
      const { code, stderr } = await desk.run(['connect', 'curl', '--url', url])
      expect([code, stderr]).toEqual([2, expect.stringContaining('is no address of a server')])
    },
    180_000,
  )

  test('has to be named where it takes any port', async () => {
    const { code, stderr } = await desk.run(['connect', 'curl'], { CLINVK_PORT: '0' })
    expect([code, stderr]).toEqual([2, expect.stringContaining('--url')])
  })
})

describe('the model', () => {
  test('is the backend that prompts go to by themselves', async () => {
    expect((await connect(['codex'])).connection.model).toBe('claude')
  })

  test('is an example where no agent is ready, which is said', async () => {
    const { connection, stderr } = await connect(['codex'], { PATH: '/nowhere' })
    expect([connection.model, stderr]).toEqual(['claude', expect.stringContaining('clinvk doctor')])
  })

  test('has to be one that there is, unless the server is another one', async () => {
    expect((await connect(['codex', '--model', 'claude/opus'])).connection.model).toBe('claude/opus')
    const { code, stderr } = await desk.run(['connect', 'codex', '--model', 'cluade'])
    expect([code === 0, stderr]).toEqual([false, expect.stringContaining('Did you mean "claude"?')])
    const other = await connect(['codex', '--model', 'theirs', '--url', 'https://box.example'])
    expect([other.connection.model, other.stderr]).toEqual([
      'theirs',
      expect.stringContaining('https://box.example/openai/v1/models'),
    ])
  }, 180_000)

  test.each([`it's "a" $HOME \\ [1m]: #{x}`, 'claude/opus[1m]', '-x'])(
    'named %s comes out of every form as it went in',
    async (model) => {
      expect(parsed('codex', { model })[0]).toMatchObject({ model })
      expect(parsed('opencode', { model })[0]).toMatchObject({
        model: `clinvk/${model}`,
        provider: { clinvk: { models: { [model]: {} } } },
      })
      expect(parsed('continue', { model })[0]).toMatchObject({ models: [{ model }] })
      expect(parsed('aider', { model })[0]).toMatchObject({ model: `openai/${model}` })
      expect(parsed('librechat', { model })[0]).toMatchObject({
        endpoints: { custom: [{ models: { default: [model] } }] },
      })
      expect((await exported('claude-code', { model }))['ANTHROPIC_MODEL']).toBe(model)
      expect(new Function(`return ${scriptText(model)}`)()).toBe(model)
    },
  )

  test('with control characters is a name all the same, and no line of its own', () => {
    const model = 'a\x7fb\ntouch /tmp/never'
    expect(parsed('codex', { model })[0]).toMatchObject({ model })
    expect(connectionText(settings('codex', { model }))).not.toMatch(/^touch/m)
  })
})

describe('a key', () => {
  test('is never printed, and is asked for by name where the server has keys', async () => {
    for (const name of names) {
      const pieces = JSON.stringify(settings(name, { needsKey: true }).pieces)
      expect(pieces).toContain('CLINVK_API_KEY')
      expect(pieces).not.toContain('not-needed')
    }
    const { connection, stdout } = await connect(['claude-code'], {
      CLINVK_API_KEYS: KEY,
      CLINVK_API_KEY: KEY,
    })
    expect(connection).toEqual(settings('claude-code', { needsKey: true }))
    expect(stdout).not.toContain(KEY)
  })

  test('is not needed where it has none, and expected where it is another machine', async () => {
    expect(
      settings('openai-sdk')
        .pieces.map(({ text }) => text)
        .join('\n'),
    ).not.toContain('CLINVK_API_KEY')
    expect((await connect(['curl'])).connection.needs_key).toBe(false)
    expect((await connect(['curl', '--url', 'https://box.example'])).connection.needs_key).toBe(true)
    expect((await connect(['curl', '--url', 'http://localhost:1'])).connection.needs_key).toBe(false)
  }, 180_000)
})

describe('tools that cannot be run here get what their documentation says', () => {
  test('Open WebUI', async () => {
    expect(await exported('open-webui', { needsKey: true }, { CLINVK_API_KEY: KEY })).toMatchObject({
      ENABLE_OPENAI_API: 'True',
      OPENAI_API_BASE_URLS: 'http://127.0.0.1:8080/openai/v1',
      OPENAI_API_KEYS: KEY,
      ENABLE_OLLAMA_API: 'False',
      ENABLE_TITLE_GENERATION: 'False',
      ENABLE_TAGS_GENERATION: 'False',
      ENABLE_FOLLOW_UP_GENERATION: 'False',
    })
  })

  test('LibreChat', () => {
    expect(parsed('librechat', { needsKey: true })).toEqual([
      {
        version: '1.3.17',
        endpoints: {
          custom: [
            {
              name: 'clinvk',
              // biome-ignore lint/suspicious/noTemplateCurlyInString: LibreChat's own form.
              apiKey: '${CLINVK_API_KEY}',
              baseURL: 'http://127.0.0.1:8080/openai/v1',
              models: { default: ['claude'], fetch: true },
              titleConvo: false,
              modelDisplayLabel: 'clinvk',
            },
          ],
        },
      },
    ])
  })

  test('Continue', () => {
    expect(parsed('continue', { needsKey: true })).toEqual([
      {
        name: 'clinvk',
        version: '0.0.1',
        schema: 'v1',
        models: [
          {
            name: 'clinvk',
            provider: 'openai',
            model: 'claude',
            apiBase: 'http://127.0.0.1:8080/openai/v1',
            // biome-ignore lint/suspicious/noTemplateCurlyInString: Continue's own form.
            apiKey: '${{ secrets.CLINVK_API_KEY }}',
            roles: ['chat', 'edit', 'apply'],
            capabilities: ['tool_use'],
          },
        ],
      },
    ])
  })

  test('aider', async () => {
    expect(parsed('aider')).toEqual([
      { model: 'openai/claude', 'weak-model': 'openai/claude', 'show-model-warnings': false },
    ])
    expect(await exported('aider')).toMatchObject({
      OPENAI_API_BASE: 'http://127.0.0.1:8080/openai/v1',
      OPENAI_API_KEY: 'not-needed',
    })
  })

  test('Zed', async () => {
    expect(parsed('zed')).toEqual([
      {
        language_models: {
          openai_compatible: {
            clinvk: {
              api_url: 'http://127.0.0.1:8080/openai/v1',
              available_models: [{ name: 'claude', display_name: 'clinvk claude', max_tokens: 200_000 }],
            },
          },
        },
        agent: { default_model: { provider: 'clinvk', model: 'claude' } },
      },
    ])
    // Zed makes the variable's name from that of the provider.
    expect(await exported('zed')).toMatchObject({ CLINVK_API_KEY: 'not-needed' })
  })

  test('Cline', () => {
    const [panel, shell] = settings('cline').pieces.map(({ text }) => text)
    expect(panel).toContain('API Provider: OpenAI Compatible\nBase URL: http://127.0.0.1:8080/openai/v1\n')
    expect(shell).toBe('cline auth -p openai -k not-needed -m claude -b http://127.0.0.1:8080/openai/v1\n')
  })

  test('Python', () => {
    const python = (name: string, needsKey: boolean) =>
      settings(name, { needsKey }).pieces.find(({ language }) => language === 'python')?.text
    expect(python('openai-sdk', true)).toStartWith('import os\n\nfrom openai import OpenAI\n')
    expect(python('openai-sdk', true)).toContain(
      'OpenAI(base_url="http://127.0.0.1:8080/openai/v1", api_key=os.environ["CLINVK_API_KEY"])',
    )
    expect(python('anthropic-sdk', false)).toContain(
      'anthropic.Anthropic(base_url="http://127.0.0.1:8080/anthropic", api_key="not-needed")',
    )
    expect(python('langchain', false)).toContain('from langchain_openai import ChatOpenAI\n')
  })
})

test('the versions that were tried are those that the tests run', () => {
  const installed: Record<string, string> = { ...manifest.devDependencies, ...pins.dependencies }
  const package_ = {
    'Claude Code': '@anthropic-ai/claude-code',
    Codex: '@openai/codex',
    OpenCode: 'opencode-ai',
  }
  const claims = TOOLS.flatMap(({ triedWith = '' }) => [
    ...triedWith.matchAll(/(\S+(?: Code)?) (\d+\.\d+\.\d+)/g),
  ])
  expect(claims).toHaveLength(8)
  for (const [, name = '', version] of claims) {
    const known = Object.entries(package_).find(([title]) => name === title)?.[1] ?? name
    expect([name, version]).toEqual([name, installed[known]])
  }
})
