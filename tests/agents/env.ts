import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { agentBin } from './install.ts'

/** The discard port, where nothing listens. */
const NOWHERE = 'http://127.0.0.1:9'

/** A home directory for the agents of one test, and nothing of the developer's. */
export interface AgentHome {
  readonly home: string
  /** An empty working directory inside it. */
  readonly workdir: string
  /** Removes it with all that is in it. */
  remove(): Promise<void>
}

/** Makes a fresh, empty home directory under the system's temporary directory. */
export async function createAgentHome(): Promise<AgentHome> {
  const home = await mkdtemp(join(await realpath(tmpdir()), 'clinvk-agents-'))
  const workdir = join(home, 'work')
  await mkdir(workdir)
  return { home, workdir, remove: () => rm(home, { recursive: true, force: true, maxRetries: 5 }) }
}

/**
 * The whole environment for a server whose four real agents talk to `baseUrl` (a scenario's `url`) and nothing else.
 * Writes the settings files that they need into `home`. Nothing is inherited from the test's own environment but PATH,
 * so no login, key or proxy of a developer gets in.
 *
 * Each agent's own retries stay on, so that tests meet them, as few as can be set: one each, which costs Gemini CLI
 * 5 s after a 429 or 5xx unless `geminiAttempts` is 1. OpenCode cannot be told: it tries 6 times with 2, 4, 8 … s in between, unless the refusal has
 * a `retryAfter`, which may be a fraction. Codex and Gemini CLI wait for as long as `retryAfter` says.
 */
export async function agentEnv(
  baseUrl: string,
  { home }: { home: string },
  { geminiAttempts = 2 }: { geminiAttempts?: number } = {},
): Promise<Record<string, string>> {
  const bin = await agentBin()
  await mkdir(join(home, 'tmp'), { recursive: true })
  await writeAgentSettings(baseUrl, { home }, { geminiAttempts })
  return {
    PATH: [bin, process.env['PATH'] ?? ''].join(delimiter),
    HOME: home,
    // Agents leave reports and sockets there.
    TMPDIR: join(home, 'tmp'),
    LANG: 'C.UTF-8',
    // Loopback only: whatever an agent looks up elsewhere (updates, plugins, telemetry) is refused at once.
    HTTP_PROXY: NOWHERE,
    HTTPS_PROXY: NOWHERE,
    NO_PROXY: '127.0.0.1,localhost',
    XDG_CONFIG_HOME: join(home, '.config'),
    XDG_DATA_HOME: join(home, '.local', 'share'),
    XDG_STATE_HOME: join(home, '.local', 'state'),
    XDG_CACHE_HOME: join(home, '.cache'),
    CODEX_HOME: join(home, '.codex'),
    ...providerVariables(baseUrl),
    // Says that root is confined, as in a container: as root Claude Code refuses to approve everything without it.
    IS_SANDBOX: '1',
    OPENCODE_DISABLE_AUTOUPDATE: '1',
    OPENCODE_DISABLE_MODELS_FETCH: '1',
    OPENCODE_DISABLE_DEFAULT_PLUGINS: '1',
    OPENCODE_DISABLE_LSP_DOWNLOAD: '1',
  }
}

/** The settings files that lead Codex, Gemini CLI and OpenCode to `baseUrl`, in a home directory. */
export async function writeAgentSettings(
  baseUrl: string,
  { home }: { home: string },
  { geminiAttempts = 2 }: { geminiAttempts?: number } = {},
): Promise<void> {
  await Promise.all([
    writeCodex(baseUrl, home),
    writeGemini(home, geminiAttempts),
    writeOpencode(baseUrl, home),
  ])
}

/** The variables that lead the agents to `baseUrl` and give them a key for it. */
export function providerVariables(baseUrl: string): Record<string, string> {
  return {
    ANTHROPIC_BASE_URL: baseUrl,
    ANTHROPIC_API_KEY: 'mock-key',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_MAX_RETRIES: '1',
    OPENAI_API_KEY: 'mock-key',
    GEMINI_API_KEY: 'mock-key',
    GOOGLE_GEMINI_BASE_URL: baseUrl,
    GEMINI_CLI_TRUST_WORKSPACE: 'true',
  }
}

async function writeCodex(baseUrl: string, home: string): Promise<void> {
  // A provider of its own: the built-in one first tries a websocket and the vendor's hosts.
  const config = `model = "gpt-5"
model_provider = "mock"
check_for_update_on_startup = false

[analytics]
enabled = false

[model_providers.mock]
name = "mock"
base_url = "${baseUrl}/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
`
  await write(join(home, '.codex'), 'config.toml', config)
}

async function writeGemini(home: string, maxAttempts: number): Promise<void> {
  const settings = {
    security: { auth: { selectedType: 'gemini-api-key' } },
    general: { maxAttempts, disableAutoUpdate: true, enableAutoUpdate: false },
    privacy: { usageStatisticsEnabled: false },
  }
  await write(join(home, '.gemini'), 'settings.json', JSON.stringify(settings))
}

async function writeOpencode(baseUrl: string, home: string): Promise<void> {
  const config = {
    $schema: 'https://opencode.ai/config.json',
    model: 'mock/m1',
    autoupdate: false,
    share: 'disabled',
    provider: {
      mock: {
        npm: '@ai-sdk/anthropic',
        options: { baseURL: `${baseUrl}/v1`, apiKey: 'mock-key' },
        // OpenCode leaves images out for a model that is not said to see any.
        models: { m1: { attachment: true, modalities: { input: ['text', 'image'], output: ['text'] } } },
      },
    },
  }
  await write(join(home, '.config', 'opencode'), 'opencode.json', JSON.stringify(config))
}

async function write(directory: string, name: string, content: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, name), content)
}
