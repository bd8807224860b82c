import { describe, expect, test } from 'bun:test'
import { dirname, join } from 'node:path'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigSchema } from '../../src/config/schema.ts'
import { failure, HOME, load, writeTemporary } from './support.ts'

const DEFAULTS = {
  unified_flags: {
    approval_mode: 'default',
    sandbox_mode: 'default',
    verbose: false,
    dry_run: false,
    max_turns: 0,
    max_tokens: 0,
    command_timeout_secs: 0,
  },
  session: { auto_resume: false, retention_days: 30, store_token_usage: true, default_tags: [] },
  output: { format: 'text', show_tokens: false, show_timing: false, color: true },
  server: {
    host: '127.0.0.1',
    port: 8080,
    request_timeout_secs: 300,
    read_timeout_secs: 30,
    write_timeout_secs: 300,
    idle_timeout_secs: 120,
    drain_secs: 30,
    heartbeat_secs: 15,
    allowed_workdir_prefixes: [],
    blocked_workdir_prefixes: [],
    allowed_hosts: [],
    cors_allowed_origins: [],
    cors_allow_credentials: false,
    cors_max_age: 300,
    trusted_proxies: [],
    rate_limit_enabled: false,
    rate_limit_rps: 10,
    rate_limit_burst: 20,
    rate_limit_cleanup_secs: 180,
    max_request_body_bytes: 10_485_760,
    metrics_enabled: false,
  },
  parallel: { max_workers: 3, fail_fast: false, aggregate_output: true },
  chat: {
    profile: 'pure',
    fetch_images: false,
    replay_guard_secs: 120,
    tool_result_timeout_secs: 600,
    max_waiting_turns: 16,
    model_aliases: {},
  },
  conversations: { keep_alive_secs: 600, max_live: 4, max_shared: 64 },
  pool: {
    enabled: true,
    minimum: 1,
    maximum: 0,
    sessions_per_process: 16,
    keep_alive_secs: 600,
    max_turns: 500,
    max_age_secs: 14_400,
    process_memory_mb: 1024,
    memory_mb: 0,
    max_running: 64,
    queue: 128,
    queue_per_backend: 64,
  },
}

const BACKEND = {
  enabled: true,
  env: {},
  models: [],
  model_aliases: {},
  extra_flags: [],
  allowed_extra_flags: [],
}

const BACKENDS = {
  claude: { ...BACKEND, driver: 'claude' },
  codex: { ...BACKEND, driver: 'codex' },
  gemini: { ...BACKEND, driver: 'acp' },
  opencode: { ...BACKEND, driver: 'acp' },
  demo: { ...BACKEND, driver: 'demo' },
}

describe('without a file', () => {
  test('everything has its default', async () => {
    const loaded = await loadConfig({ env: {}, homeDir: '/nowhere' })
    expect(plain(loaded.config)).toEqual({ ...DEFAULTS, backends: BACKENDS })
    expect(loaded.fileFound).toBe(false)
    expect(loaded.paths).toEqual({ home: '/nowhere/.clinvk', configFile: '/nowhere/.clinvk/config.yaml' })
    expect([...loaded.configuredBackends]).toEqual([])
    expect(loaded.warnings).toEqual([])
  })

  test.each([
    '',
    '# nothing but a comment\n',
    '\n\n',
    '---\n',
    '\uFEFF',
    'null\n',
    '{}\n',
    'server:\nbackends:\n',
  ])('a file of %j is one without settings', async (yaml) => {
    const loaded = await load(yaml)
    expect(plain(loaded.config)).toEqual({ ...DEFAULTS, backends: BACKENDS })
    expect(loaded.fileFound).toBe(true)
  })
})

test('a full file of release 0.2 loads with every value', async () => {
  const flags = { config: join(import.meta.dir, 'fixtures/release-0.2.yaml') }
  const { config, warnings, configuredBackends } = await loadConfig({ flags, env: {}, homeDir: HOME })
  expect(plain(config)).toEqual({
    default_backend: 'claude',
    unified_flags: {
      approval_mode: 'auto',
      sandbox_mode: 'workspace',
      verbose: true,
      dry_run: true,
      max_turns: 12,
      max_tokens: 4096,
      command_timeout_secs: 900,
    },
    backends: {
      ...BACKENDS,
      claude: { ...BACKENDS.claude, model: 'claude-opus-4-5' },
      codex: {
        ...BACKENDS.codex,
        model: 'o3',
        allowed_tools: ['Read', 'Bash(git log:*, git diff:*)', 'Edit'],
        approval_mode: 'none',
        sandbox_mode: 'read-only',
        enabled: false,
        system_prompt: 'Answer in one line.',
        extra_flags: ['--search'],
      },
    },
    session: {
      auto_resume: true,
      retention_days: 0,
      store_token_usage: false,
      default_tags: ['work', 'mine'],
    },
    output: { format: 'stream-json', show_tokens: true, show_timing: true, color: false },
    server: {
      host: '0.0.0.0',
      port: 9090,
      request_timeout_secs: 0,
      read_timeout_secs: 31,
      write_timeout_secs: 301,
      idle_timeout_secs: 255,
      drain_secs: 30,
      heartbeat_secs: 15,
      rate_limit_enabled: true,
      rate_limit_rps: 11,
      rate_limit_burst: 21,
      rate_limit_cleanup_secs: 181,
      trusted_proxies: ['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8'],
      max_request_body_bytes: 0,
      allowed_hosts: [],
      cors_allowed_origins: ['http://localhost:3000', 'https://app.example.com'],
      cors_allow_credentials: true,
      cors_max_age: 301,
      allowed_workdir_prefixes: ['/srv/projects', '/home/ann/work'],
      blocked_workdir_prefixes: ['/srv/projects/secret'],
      metrics_enabled: true,
    },
    parallel: { max_workers: 5, fail_fast: true, aggregate_output: false },
    chat: DEFAULTS.chat,
    pool: DEFAULTS.pool,
    conversations: DEFAULTS.conversations,
  })
  expect([...configuredBackends]).toEqual(['claude', 'codex', 'gemini'])
  expect(warnings).toEqual([
    `${flags.config}:50:22: server.idle_timeout_secs: 600 is more than the runtime knows; idle connections are closed after 255 seconds`,
    'without effect in this version: session.auto_resume, output.format, output.show_tokens, output.show_timing, output.color, parallel.aggregate_output',
  ])
})

describe('backends of the configuration', () => {
  test('one that clinvk does not know is as it was written, with the home folder in its command', async () => {
    const { config, configuredBackends } = await load(`
backends:
  llama:
    driver: exec
    command: [~/bin/ollama, run, "{model}", ~/x]
    env: { OLLAMA_HOST: "127.0.0.1:11434" }
    output: json
    models: [llama3]
    model_aliases: { fast: llama3 }
    allowed_extra_flags: [--verbose]
`)
    expect(config.backends['llama']).toEqual({
      ...BACKEND,
      driver: 'exec',
      command: ['/home/ann/bin/ollama', 'run', '{model}', '~/x'],
      env: { OLLAMA_HOST: '127.0.0.1:11434' },
      output: 'json',
      models: ['llama3'],
      model_aliases: { fast: 'llama3' },
      allowed_extra_flags: ['--verbose'],
    })
    expect(configuredBackends.has('llama')).toBe(true)
  })

  test('a new name may have any driver, and a known name another one', async () => {
    const { config } = await load(`
backends:
  mock: { driver: demo }
  claude-work: { driver: claude, command: [claude], env: { CLAUDE_CONFIG_DIR: /srv/claude } }
  claude: { driver: acp, command: [claude-acp] }
  gemini: { driver: acp }
`)
    expect(config.backends['claude-work']?.driver).toBe('claude')
    expect(config.backends['mock']).toEqual({ ...BACKEND, driver: 'demo' })
    expect(config.backends['claude']).toMatchObject({ driver: 'acp', command: ['claude-acp'] })
    expect(config.backends['gemini']?.command).toBeUndefined()
  })

  test.each([
    ['all', undefined],
    ['""', undefined],
    ['[]', []],
    ['[Read, "Bash(a, b)"]', ['Read', 'Bash(a, b)']],
    ['"Read , Write,"', ['Read', 'Write']],
    ['Bash(git:*)', ['Bash(git:*)']],
  ])('allowed_tools: %s means %j', async (written, tools) => {
    const { config } = await load(`backends: { claude: { allowed_tools: ${written} } }`)
    expect(config.backends['claude']?.allowed_tools).toEqual(tools)
  })

  test('names of the language itself name no backend and no model', async () => {
    const { config } = await load('backends: { claude: { model_aliases: { fast: haiku } } }')
    expect(config.backends['constructor']).toBeUndefined()
    expect(config.backends['claude']?.model_aliases['constructor']).toBeUndefined()
    expect(config.backends['codex']?.model_aliases['toString']).toBeUndefined()
  })

  test('anchors, aliases and merge keys share settings, and a key of its own wins', async () => {
    const { config } = await load(`
backends:
  claude: &shared
    approval_mode: auto
    sandbox_mode: workspace
  codex: *shared
  gemini:
    <<: *shared
    sandbox_mode: full
  opencode:
    sandbox_mode: full
    <<: [*shared]
`)
    const modes = ['claude', 'codex', 'gemini', 'opencode'].map((name) => [
      config.backends[name]?.approval_mode,
      config.backends[name]?.sandbox_mode,
    ])
    expect(modes).toEqual([
      ['auto', 'workspace'],
      ['auto', 'workspace'],
      ['auto', 'full'],
      ['auto', 'full'],
    ])
  })
})

describe('precedence', () => {
  const yaml = `
default_backend: gemini
backends: { claude: { model: from-file }, my-llm: { driver: exec, command: [x], model: from-file } }
server: { host: 10.0.0.1, port: 1000, api_keys_gopass_path: from/file, read_timeout_secs: 7 }
`
  const env = {
    CLINVK_BACKEND: 'codex',
    CLINVK_CLAUDE_MODEL: 'from-env',
    CLINVK_MY_LLM_MODEL: 'from-env',
    CLINVK_OPENCODE_MODEL: 'from-env',
    CLINVK_HOST: '10.0.0.2',
    CLINVK_PORT: '2000',
    CLINVK_API_KEYS_GOPASS_PATH: 'from/env',
  }

  test('the file wins over the defaults', async () => {
    const { config } = await load(yaml)
    expect(config.default_backend).toBe('gemini')
    expect(config.backends['claude']?.model).toBe('from-file')
    expect(config.server).toMatchObject({ host: '10.0.0.1', port: 1000, api_keys_gopass_path: 'from/file' })
    expect(config.server).toMatchObject({ read_timeout_secs: 7, write_timeout_secs: 300 })
  })

  test('the environment wins over the file, key by key', async () => {
    const { config, configuredBackends, warnings } = await load(yaml, { env })
    expect(config.default_backend).toBe('codex')
    expect(config.backends['claude']?.model).toBe('from-env')
    expect(config.backends['my-llm']).toMatchObject({ model: 'from-env', command: ['x'] })
    expect(config.backends['opencode']?.model).toBe('from-env')
    expect(config.server).toMatchObject({ host: '10.0.0.2', port: 2000, api_keys_gopass_path: 'from/env' })
    expect(config.server.read_timeout_secs).toBe(7)
    expect([...configuredBackends].sort()).toEqual(['claude', 'my-llm', 'opencode'])
    expect(warnings).toEqual([])
  })

  test('flags win over the environment', async () => {
    const flags = {
      backend: 'opencode',
      host: '::1',
      port: '3000',
      outputFormat: 'json',
      dryRun: true,
      demo: true,
    }
    const { config, configuredBackends } = await load(`${yaml}\n`, { env, flags })
    expect(config.default_backend).toBe('opencode')
    expect(config.server).toMatchObject({ host: '::1', port: 3000 })
    expect(config.output.format).toBe('json')
    expect(config.unified_flags.dry_run).toBe(true)
    expect(config.backends['demo']).toEqual({ ...BACKEND, driver: 'demo' })
    expect(configuredBackends.has('demo')).toBe(true)
  })

  test('--demo brings the demo agent back where the file turns it off', async () => {
    const { config } = await load('backends: { demo: { enabled: false } }', { flags: { demo: true } })
    expect(config.backends['demo']?.enabled).toBe(true)
  })

  test('a port of 0 on the command line is not the same as none', async () => {
    const { config } = await load(yaml, { flags: { port: 0 } })
    expect(config.server.port).toBe(0)
  })

  test('empty variables and flags that were not given change nothing', async () => {
    const empty = Object.fromEntries(Object.keys(env).map((name) => [name, '']))
    const flags = { backend: undefined, host: undefined, port: undefined, dryRun: false, demo: false }
    const { config, configuredBackends } = await load(yaml, { env: empty, flags })
    expect(config).toEqual((await load(yaml)).config)
    expect(configuredBackends.has('demo')).toBe(false)
  })

  test('the CLINVK_PORT that Kubernetes sets for a service named clinvk is not ours', async () => {
    const { config } = await load(yaml, { env: { CLINVK_PORT: 'tcp://10.0.0.1:8080' } })
    expect(config.server.port).toBe(1000)
  })

  test('a bad value of the file is an error even where a flag replaces it', async () => {
    const error = await failure(load('server: { port: 70000 }', { flags: { port: 1 } }))
    expect(error.message).toContain('server.port: found 70000')
  })
})

describe('warnings', () => {
  test.each([
    ['CLINVK_BACKND', 'CLINVK_BACKND is not read: did you mean CLINVK_BACKEND?'],
    ['CLINVK_API_KEY', 'CLINVK_API_KEY is not read: did you mean CLINVK_API_KEYS?'],
    ['CLINVK_MISTRAL_MODEL', 'CLINVK_MISTRAL_MODEL is not read: it names no backend of the configuration.'],
  ])('%s is named as not read', async (name, warning) => {
    expect((await load('', { env: { [name]: 'x' } })).warnings).toEqual([warning])
  })

  test('other variables are left alone', async () => {
    const env = { PATH: '/bin', CLINVK_SERVICE_HOST: '10.0.0.1', CLINVK_API_KEYS: 'k', CLINVK_HOME: HOME }
    expect((await load('', { env })).warnings).toEqual([])
  })
})

describe('the result', () => {
  test('cannot be changed, at any depth, and leaves the schema as it was', async () => {
    const { config } = await load('backends: { claude: { models: [a] } }')
    const parts = [
      config,
      config.server,
      config.server.allowed_hosts,
      config.backends,
      config.session.default_tags,
    ]
    expect(parts.every(Object.isFrozen)).toBe(true)
    expect(Object.isFrozen(config.backends['claude']?.models)).toBe(true)
    expect(Object.isFrozen(config.backends['codex']?.env)).toBe(true)
    expect(Object.isFrozen(ConfigSchema.properties.server.properties.allowed_hosts['default'])).toBe(false)
  })

  test('holds no API key', async () => {
    const loaded = await load('', { env: { CLINVK_API_KEYS: 'open-sesame' } })
    expect(JSON.stringify(loaded)).not.toContain('open-sesame')
  })

  test('has ~ replaced in the default working directory', async () => {
    const { config } = await load('server: { default_workdir: ~/work, blocked_workdir_prefixes: ["~"] }')
    expect(config.server.default_workdir).toBe('/home/ann/work')
    expect(config.server.blocked_workdir_prefixes).toEqual(['/home/ann'])
  })
})

describe('a file that cannot be read', () => {
  test.each(['--config', 'CLINVK_CONFIG'])('does not exist, named by %s', async (by) => {
    const file = '/nowhere/clinvk.yaml'
    const sources =
      by === '--config' ? { flags: { config: file }, env: {} } : { env: { CLINVK_CONFIG: file } }
    const error = await failure(loadConfig({ ...sources, homeDir: HOME }))
    expect(error.code).toBe('config_invalid')
    expect(error.message).toBe(
      `The configuration has a problem:\n  ${by}: the file /nowhere/clinvk.yaml does not exist`,
    )
  })

  test('is a folder', async () => {
    const folder = dirname(await writeTemporary(''))
    const error = await failure(loadConfig({ flags: { config: folder }, env: {}, homeDir: HOME }))
    expect(error.message).toEndWith(`--config: the file ${folder} is a folder`)
  })

  test('is not UTF-8, though it is the default one', async () => {
    const home = dirname(await writeTemporary(new Uint8Array([0x61, 0x3a, 0x20, 0xff, 0xfe])))
    const error = await failure(loadConfig({ env: { CLINVK_HOME: home }, homeDir: HOME }))
    expect(error.message).toEndWith(`\n  the file ${home}/config.yaml is not UTF-8 text`)
  })
})

/** The same values without the missing prototypes. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}
