import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ClinvkError } from '../../errors.ts'
import { fields, word } from '../fields.ts'
import type { SessionOptions } from '../types.ts'
import { geminiFolder, removeHistory, untilReopenable } from './gemini-history.ts'
import { type Choices, FORCED, geminiHome } from './gemini-home.ts'
import {
  CLIENT_TOOLS,
  IDLE_TOOL,
  NO_TOOLS,
  OWN_TOOLS,
  requireNoSystemPolicies,
  toPolicy,
} from './gemini-policy.ts'
import { seedGemini } from './gemini-seed.ts'
import { type AcpProfile, PLACE, type Startup, type ToolServers } from './profile.ts'
import { PURE_SYSTEM, PURE_SYSTEM_WITH_TOOLS } from './pure-system.ts'
import { geminiFiles } from './startup-files.ts'
import { nameTools } from './tool-names.ts'

/**
 * Makes the shortest names that there are: `mcp_` stands before each tool of any server. Each session connects by
 * itself, so all can have it; a server of the user's own by this name is left out of such a session.
 */
const SERVER = 'mcp'
const TOOL_SERVERS: ToolServers = {
  names: [SERVER],
  shared: true,
  // Denied to every session of ACP, whatever is in the settings.
  reserved: new Set(['ask_user']),
}
/** Where the agent has its own tools, some of which may be denied. */
const TOOL_SERVERS_BESIDE: ToolServers = { ...TOOL_SERVERS, reserved: OWN_TOOLS }

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
    clientTools: 'native',
    toolChoice: 'native',
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
  startupFiles: geminiFiles,
  // 8 at once take it 13 s, and of 20 most are never opened; one after the other take 50 to 80 ms each.
  opensOneByOne: true,
  beforeReopen: untilReopenable,
  forget: removeHistory,
  seed: seedGemini,
  clientTools: {
    quietMs: 0,
    announcedMs: 10_000,
    // A server that comes with a session has 600 s for a call, and then the model is told that it failed.
    longestMs: 590_000,
    progress: false,
    // Else the error has the call's arguments and the whole result in it, quoted.
    failures: 'words',
    addedArguments: ['wait_for_previous'],
    // It keeps the calls without their results, which Gemini's API refuses; or takes the whole turn back.
    cancelSpoils: true,
    isCallOf: (toolCallId, name) => toolCallId.startsWith(`${name}__`),
    // `NAME__ID`, or `NAME__NAME_TIMESTAMP_N` where the provider gave no id.
    callId(toolCallId, name) {
      const id = toolCallId.slice(`${name}__`.length)
      return id.startsWith(`${name}_`) && /_\d{10,}_\d+$/.test(id) ? undefined : id
    },
  },
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
  const forced = forcedModel(options, env)
  const hasTools = options.clientTools !== undefined && options.clientTools.length > 0
  if (profile === 'pure') return pure(env, { effort, forced }, hasTools)
  const home =
    profile === 'project' ? geminiHome(env, hasTools ? UNHINDERED_CALLS : {}, { effort, forced }) : undefined
  const names = nameTools(options.clientTools ?? [], OWN_TOOLS).tools.map(({ name }) => `${SERVER}_${name}`)
  const policy = toPolicy(options, names)
  if (policy !== undefined) requireNoSystemPolicies()
  return {
    args: policy === undefined ? [] : POLICY_ARGS,
    env: home?.env ?? {},
    files: { ...home?.files, ...(policy === undefined ? {} : { [POLICY]: policy }) },
    ...(home ? { links: home.links } : {}),
    ...(home ? { tooManyCalls: IN_CIRCLES } : {}),
    ...(hasTools ? { toolServers: TOOL_SERVERS_BESIDE } : {}),
    ...(forced === undefined ? {} : { alias: { name: FORCED, model: forced } }),
  }
}

const NOT_THERE = 'the model kept calling tools that are not there.'
const IN_CIRCLES = 'the turn was broken off because the model went in circles.'

/** The fifth call that is like the four before it would not be made, and end the turn. The client may ask again. */
const UNHINDERED_CALLS = { model: { disableLoopDetection: true } }

const POLICY = 'policy.toml'
const POLICY_ARGS = ['--admin-policy', `${PLACE}/${POLICY}`]

/**
 * A model call: one process for all models and system prompts, since a system prompt of its own would cost each a
 * start of more than a second, and the file is read again in the middle of conversations, when it may be another's.
 * Conversations with tools have another one, since settings say whether there are any.
 */
function pure(env: Readonly<Record<string, string>>, choices: Choices, hasTools: boolean): Startup {
  requireNoSystemPolicies()
  const settings = { ...PURE_SETTINGS, ...(hasTools ? ONLY_CLIENT_TOOLS : NOTHING_TO_CALL) }
  const home = geminiHome(env, settings, choices)
  return {
    args: POLICY_ARGS,
    env: { ...home.env, GEMINI_SYSTEM_MD: `${PLACE}/system.md` },
    files: {
      ...home.files,
      [POLICY]: hasTools ? CLIENT_TOOLS : NO_TOOLS,
      'system.md': hasTools ? PURE_SYSTEM_WITH_TOOLS : PURE_SYSTEM,
    },
    links: home.links,
    away: true,
    ...(hasTools ? { toolServers: TOOL_SERVERS } : { tooManyCalls: NOT_THERE, turns: CHAT_TURNS }),
    ...(choices.forced === undefined ? {} : { alias: { name: FORCED, model: choices.forced } }),
  }
}

/**
 * The model that has to call a tool, where one has to.
 *
 * @throws `unsupported_option` where that cannot be.
 */
function forcedModel(
  { profile = 'full', toolChoice, model }: SessionOptions,
  env: Readonly<Record<string, string>>,
): string | undefined {
  if (toolChoice === undefined) return undefined
  const refuse = (why: string) =>
    new ClinvkError('unsupported_option', `tool_choice: ${why}`, { details: { option: 'tool_choice' } })
  if (profile === 'full')
    throw refuse(
      'Gemini CLI has it in its settings, which profile "full" leaves to their user. Use "pure" or "project".',
    )
  // What it takes where nobody chooses, if its settings are ours.
  const chosen = model ?? env['GEMINI_MODEL']
  // By other names, "auto" first of all, Gemini CLI itself chooses the model, for each call.
  if (chosen === undefined || !/^gemini-\d/.test(chosen))
    throw refuse(
      'Gemini CLI makes a model call a tool only where it does not choose the model itself. Ask for one, such as "gemini/gemini-2.5-pro", or set one for the backend.',
    )
  return chosen
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

/** What is not even made needs no rule that denies it, and a client's tools may have the names of Gemini CLI's own. */
const ONLY_CLIENT_TOOLS = { ...UNHINDERED_CALLS, tools: { core: ['none'] } }

/** Turns of a chat that goes on in one session. Gemini CLI counts the model calls of all of them together (0.61.0). */
const CHAT_TURNS = 20

/**
 * With a key, or by Vertex, nothing is offered: the request's body is mended last of all, to have no tools. By a login
 * with Google nothing mends it; there one tool is offered that the model is told not to call, see `NO_TOOLS`.
 *
 * A model that calls something all the same is told that it is not there, as often as a chat of so many turns may call its
 * model. Gemini CLI tells nobody else of such calls. What it takes for a loop
 * are also the same calls, if their arguments are equal, and texts that are meant to repeat themselves.
 */
const NOTHING_TO_CALL = {
  tools: { core: [IDLE_TOOL] },
  model: { maxSessionTurns: CHAT_TURNS + 4, disableLoopDetection: true },
  modelConfigs: {
    customOverrides: [
      {
        match: { isChatModel: true },
        modelConfig: {
          generateContentConfig: {
            toolConfig: { functionCallingConfig: { mode: 'NONE' } },
            httpOptions: { extraBody: { tools: [], toolConfig: null } },
          },
        },
      },
    ],
  },
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
