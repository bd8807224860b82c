import { readdirSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ClinvkError } from '../../errors.ts'
import { fields, word } from '../fields.ts'
import type { SessionOptions } from '../types.ts'
import { geminiFolder, untilReopenable } from './gemini-history.ts'
import type { AcpProfile } from './profile.ts'

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
    history: 'none',
    jsonSchema: 'none',
    clientTools: 'none',
    approvalModes: { default: 'native', auto: 'native', none: 'native', always: 'native' },
    sandboxModes: { default: 'native', 'read-only': 'native', workspace: 'native', full: 'native' },
  },
  // An untrusted folder ends it with exit code 55.
  args: ['--acp', '--skip-trust'],
  // Else it starts itself once more, for 147 MB and 250 ms, only to ask node for a larger heap.
  env: { GEMINI_CLI_NO_RELAUNCH: 'true' },
  startup(options) {
    const text = toPolicy(options)
    if (text === undefined) return { args: [], env: {} }
    requireNoSystemPolicies()
    return { args: [], env: {}, file: { flag: '--admin-policy', name: 'policy.toml', text } }
  },
  // Also `$memory`; unknown commands go to the model, but which are known differs by version.
  commandMark: /^[/$]/,
  usage: 'gemini',
  wholeThoughts: true,
  // `write_file__CALL`, or `write_file-1795485485432-1`.
  toolName: (callId) => /^([A-Za-z][\w.]*?)(?:__|[-_]\d{10,})/.exec(callId)?.[1],
  // It has no session/close, and each session leaves listeners behind.
  sessionsPerProcess: 50,
  beforeReopen: untilReopenable,
  loginHint: 'Run gemini once and log in, or set GEMINI_API_KEY.',
  isLoggedIn,
  packaged: true,
}

const READ_TOOLS: readonly string[] = [
  'glob',
  'grep_search',
  'list_directory',
  'read_file',
  'read_many_files',
  'google_web_search',
  'update_topic',
  'complete_task',
]
const EDIT_TOOLS: readonly string[] = ['write_file', 'replace']

/**
 * The rules for Gemini's policy engine, or `undefined` where its own are right. Rules of the admin tier come before
 * all that the user's settings allow, and tools that are denied are not even offered to the model.
 */
export function toPolicy({
  sandboxMode,
  approvalMode,
  allowedTools,
}: Pick<SessionOptions, 'sandboxMode' | 'approvalMode' | 'allowedTools'>): string | undefined {
  const unasked = approvalMode === 'always' ? 'ask_user' : 'allow'
  const listed = (tools: readonly string[]) =>
    tools.filter((tool) => allowedTools === undefined || allowedTools.includes(tool))
  switch (sandboxMode) {
    case 'read-only':
      return rules([['*'], 'deny'], [listed(READ_TOOLS), unasked])
    case 'workspace':
      // Edits are asked for, so that we can look at where they go. A shell can't be confined.
      return rules([['*'], 'deny'], [listed(READ_TOOLS), unasked], [listed(EDIT_TOOLS), 'ask_user'])
    default:
      if (allowedTools) return rules([['*'], 'deny'], [allowedTools, unasked])
      return approvalMode === 'always' ? rules([['*'], 'ask_user']) : undefined
  }
}

type Rule = readonly [tools: readonly string[], decision: 'allow' | 'deny' | 'ask_user']

/** Later rules win. Names are written as JSON strings, which TOML's basic strings are a superset of. */
function rules(...list: readonly Rule[]): string {
  return list
    .filter(([tools]) => tools.length > 0)
    .map(
      ([tools, decision], index) =>
        `[[rule]]\ntoolName = ${JSON.stringify(tools.length === 1 ? tools[0] : tools)}\ndecision = "${decision}"\npriority = ${900 + index}\n`,
    )
    .join('\n')
}

const SYSTEM_POLICIES: Readonly<Partial<Record<NodeJS.Platform, string>>> = {
  darwin: '/Library/Application Support/GeminiCli/policies',
  win32: 'C:\\ProgramData\\gemini-cli\\policies',
}

/** Where the machine has policies of its own, Gemini does not read ours, and what they promise is not kept. */
function requireNoSystemPolicies(): void {
  const folder = SYSTEM_POLICIES[process.platform] ?? '/etc/gemini-cli/policies'
  let names: readonly string[] = []
  try {
    names = readdirSync(folder)
  } catch {
    return
  }
  if (names.some((name) => name.endsWith('.toml')))
    throw new ClinvkError(
      'unsupported_option',
      `Gemini CLI takes no rules from clinvk while ${folder} has some: sandbox_mode "read-only" and "workspace", approval_mode "always" and allowed_tools are not available.`,
    )
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
