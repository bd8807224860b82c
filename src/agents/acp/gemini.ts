import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ClinvkError } from '../../errors.ts'
import { fields, word } from '../fields.ts'
import type { Effort } from '../messages.ts'
import type { SessionOptions } from '../types.ts'
import { geminiFolder, removeHistory, untilReopenable } from './gemini-history.ts'
import { geminiHome } from './gemini-home.ts'
import { NO_TOOLS, requireNoSystemPolicies, toPolicy } from './gemini-policy.ts'
import { type AcpProfile, PLACE, type Startup } from './profile.ts'
import { PURE_SYSTEM } from './pure-system.ts'

/** Gemini CLI, `gemini --acp`. Facts measured with 0.61.0. */
export const gemini: AcpProfile = {
  capabilities: {
    deltas: true,
    thinking: true,
    toolEvents: true,
    usage: true,
    cost: false,
    images: 'native',
    systemPrompt: 'emulated',
    model: 'native',
    maxTurns: 'emulated',
    maxTokens: 'none',
    allowedTools: 'native',
    extraFlags: 'native',
    resume: true,
    fork: false,
    history: 'emulated',
    documents: 'native',
    profiles: ['pure', 'project', 'full'],
    effort: 'native',
    jsonSchema: 'none',
    clientTools: 'none',
    toolChoice: 'none',
    approvalModes: { default: 'native', auto: 'native', none: 'native', always: 'native' },
    sandboxModes: { default: 'native', 'read-only': 'native', workspace: 'native', full: 'native' },
  },
  // An untrusted folder ends it with exit code 55.
  args: ['--acp', '--skip-trust'],
  // Else it starts itself once more, for 147 MB and 250 ms, only to ask node for a larger heap.
  env: { GEMINI_CLI_NO_RELAUNCH: 'true' },
  startup,
  // Also `$memory`; unknown commands go to the model, but which are known differs by version.
  commandMark: /^[/$]/,
  // An embedded resource would melt all text of the prompt into one and drop the images; what comes as an image is
  // passed on in its place, whatever it is.
  documents: 'image',
  usage: 'gemini',
  wholeThoughts: true,
  // `write_file__CALL`, or `write_file-1795485485432-1`.
  toolName: (callId) => /^([A-Za-z][\w.]*?)(?:__|[-_]\d{10,})/.exec(callId)?.[1],
  // It has no session/close, and each session leaves listeners behind.
  sessionsPerProcess: 50,
  // 8 at once take it 13 s, and of 20 most are never opened; one after the other take 50 to 80 ms each.
  opensOneByOne: true,
  beforeReopen: untilReopenable,
  forget: removeHistory,
  loginHint: 'Run gemini once and log in, or set GEMINI_API_KEY.',
  isLoggedIn,
  packaged: true,
}

function startup(options: SessionOptions, env: Readonly<Record<string, string>>): Startup {
  const { profile = 'full', effort } = options
  if (profile === 'full' && effort !== undefined)
    throw new ClinvkError(
      'unsupported_option',
      'effort: Gemini CLI has it in its settings, which profile "full" leaves to their user. Use "pure" or "project".',
      { details: { option: 'effort' } },
    )
  if (profile === 'pure') return pure(env, effort)
  const home = profile === 'project' ? geminiHome(env, {}, effort) : undefined
  const policy = toPolicy(options)
  if (policy !== undefined) requireNoSystemPolicies()
  return {
    args: policy === undefined ? [] : POLICY_ARGS,
    env: home?.env ?? {},
    files: { ...home?.files, ...(policy === undefined ? {} : { [POLICY]: policy }) },
    ...(home ? { links: home.links } : {}),
  }
}

const POLICY = 'policy.toml'
const POLICY_ARGS = ['--admin-policy', `${PLACE}/${POLICY}`]

/**
 * A model call: one process for all models and system prompts, since a system prompt of its own would cost each a
 * start of more than a second, and the file is read again in the middle of conversations, when it may be another's.
 */
function pure(env: Readonly<Record<string, string>>, effort: Effort | undefined): Startup {
  requireNoSystemPolicies()
  const home = geminiHome(env, PURE_SETTINGS, effort)
  return {
    args: POLICY_ARGS,
    env: { ...home.env, GEMINI_SYSTEM_MD: `${PLACE}/system.md` },
    files: { ...home.files, [POLICY]: NO_TOOLS, 'system.md': PURE_SYSTEM },
    links: home.links,
    away: true,
  }
}

/** Without the list of the folder's files in every first prompt, and without what is Gemini's own to load. */
const PURE_SETTINGS = {
  context: { fileName: '.clinvk-none', includeDirectoryTree: false, memoryBoundaryMarkers: [] },
  skills: { enabled: false },
  hooksConfig: { enabled: false },
  experimental: { enableAgents: false },
  // When a stream breaks in the middle, Gemini would begin the answer again without a word to us, and there is no
  // number for such retries alone (0.61.0). The provider's refusals are then for the client of the chat to retry.
  general: { maxAttempts: 1 },
}

const LOGIN_VARIABLES: readonly string[] = [
  'GEMINI_API_KEY',
  'GOOGLE_API_KEY',
  'GOOGLE_GENAI_USE_VERTEXAI',
  'GOOGLE_GENAI_USE_GCA',
  'GOOGLE_GEMINI_BASE_URL',
]

/** Looks where Gemini looks. A login that was chosen once may have expired; its first turn will tell. */
async function isLoggedIn(env: Readonly<Record<string, string>>): Promise<boolean> {
  if (LOGIN_VARIABLES.some((name) => env[name])) return true
  const folder = geminiFolder(env)
  if (folder === undefined) return false
  const exists = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    )
  const found = await Promise.all([
    exists(join(folder, 'oauth_creds.json')),
    exists(join(folder, '.env')),
    readFile(join(folder, 'settings.json'), 'utf8').then(choosesLogin, () => false),
  ])
  return found.includes(true)
}

function choosesLogin(settings: string): boolean {
  try {
    const { security } = fields(JSON.parse(settings))
    const chosen = word(fields(fields(security)['auth'])['selectedType'])
    // A key is no part of the settings, and its variable was not there.
    return chosen !== undefined && chosen !== 'gemini-api-key'
  } catch {
    // With comments, perhaps: its first turn will tell.
    return true
  }
}
