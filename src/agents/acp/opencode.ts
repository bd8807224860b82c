import { ClinvkError } from '../../errors.ts'
import { fields, items, number, word } from '../fields.ts'
import type { SessionOptions } from '../types.ts'
import { providerSettings } from './opencode-config.ts'
import { type AcpProfile, type Finding, PLACE, type Startup, type TakenTypes } from './profile.ts'
import { PURE_SYSTEM, PURE_SYSTEM_WITH_TOOLS } from './pure-system.ts'
import { opencodeFiles } from './startup-files.ts'

/** An inline configuration that comes after all of the user's files. */
const CONFIG_VARIABLE = 'OPENCODE_CONFIG_CONTENT'
/** The agent that carries our rules: an agent's own come after all others, and the last that matches counts. */
const AGENT = 'clinvk'

/**
 * MCP servers belong to the folder: every session in it is offered all of them, those of sessions that are closed too,
 * and one that comes under a name again takes the place of the old one for all (1.18.33). So each model call that has
 * tools has a server name of its own, and an agent that may use this server alone.
 */
const SERVERS: readonly string[] = Array.from({ length: 32 }, (_, index) => `s${index + 1}`)

/** How long a call may take, in ms. */
const CALL_MS = 3_600_000

/** OpenCode, `opencode acp`. Facts measured with 1.18.33. */
export const opencode: AcpProfile = {
  capabilities: {
    deltas: true,
    thinking: true,
    toolEvents: true,
    usage: true,
    cost: true,
    images: 'native',
    systemPrompt: 'emulated',
    model: 'native',
    maxTurns: 'emulated',
    maxTokens: 'none',
    // Its permissions are coarser than its tools: whoever may write may also edit and patch.
    allowedTools: 'none',
    extraFlags: 'native',
    resume: true,
    fork: false,
    history: 'emulated',
    documents: 'native',
    // Without `project`: the user's own settings are only left out by moving the folder that all programs have theirs
    // in, and tools run programs.
    profiles: ['pure', 'full'],
    effort: 'native',
    jsonSchema: 'none',
    clientTools: 'native',
    toolChoice: 'none',
    approvalModes: { default: 'native', auto: 'native', none: 'native', always: 'native' },
    sandboxModes: { default: 'native', 'read-only': 'native', workspace: 'native', full: 'native' },
  },
  args: ['acp'],
  env: {},
  startup(options, env) {
    const hasTools = options.clientTools !== undefined && options.clientTools.length > 0
    if (options.profile === 'pure') return pure(env, hasTools)
    const permission = toPermission(options, hasTools)
    const config = withOurs(env[CONFIG_VARIABLE], permission, hasTools)
    return {
      args: [],
      env: { [CONFIG_VARIABLE]: JSON.stringify(config) },
      ...(permission ? { mode: AGENT } : {}),
      // One to a folder: there is no agent that could be told to leave out another one's.
      ...(hasTools ? { toolServers: { names: [AGENT] } } : {}),
    }
  },
  // Every text that begins so: one that is no known command is dropped, and the model never called.
  commandMark: /^\//,
  documents: 'resource',
  effortLevels: true,
  usage: 'last-call',
  wholeThoughts: false,
  sessionsPerProcess: 0,
  startupFiles: opencodeFiles,
  loginHint: 'Run opencode auth login.',
  packaged: true,
  takenTypes: { args: (model) => ['models', model.replace(/\/.*/, ''), '--verbose'], read: readTakenTypes },
  clientTools: {
    // Calls run beside each other, while the answer is still written, and nothing says that it is complete.
    quietMs: 250,
    // By 20 ms, and by seconds on a machine that is busy.
    announcedMs: 10_000,
    longestMs: CALL_MS - 10_000,
    progress: true,
    failures: 'flag',
    addedArguments: [],
    // Each call is answered as aborted.
    cancelSpoils: false,
    isCallOf: () => false,
    callId: (toolCallId) => toolCallId,
  },
  inquest: { args: (sessionId) => ['export', sessionId], read: readExport },
}

/**
 * A model call. OpenCode runs the plugins of every folder above the session's one up to the repository's, whatever
 * its switches say, hence `away`; it finds the user's only through the folder for settings (1.18.33).
 */
function pure(env: Readonly<Record<string, string>>, hasTools: boolean): Startup {
  const theirs = env[CONFIG_VARIABLE]
  const config = theirs === undefined ? {} : parseConfig(theirs)
  return {
    args: [],
    env: {
      XDG_CONFIG_HOME: `${PLACE}/config`,
      OPENCODE_CONFIG: '',
      OPENCODE_CONFIG_DIR: '',
      OPENCODE_PURE: 'true',
      OPENCODE_DISABLE_PROJECT_CONFIG: 'true',
      OPENCODE_DISABLE_CLAUDE_CODE: 'true',
      OPENCODE_DISABLE_EXTERNAL_SKILLS: 'true',
      [CONFIG_VARIABLE]: JSON.stringify({
        ...config,
        autoupdate: false,
        share: 'disabled',
        // There is nothing to take snapshots of.
        snapshot: false,
        experimental: { ...fields(config['experimental']), mcp_timeout: CALL_MS },
        // Else the model has the beginning of a result, and the name of a file that it cannot read.
        tool_output: { max_lines: 100_000_000, max_bytes: 1_000_000_000 },
        default_agent: AGENT,
        agent: {
          ...fields(config['agent']),
          // Else each session has a second model call that finds a title for it.
          title: { disable: true },
          [AGENT]: {
            mode: 'primary',
            description: 'Chosen by clinvk.',
            prompt: PURE_SYSTEM,
            permission: { '*': 'deny' },
            tools: { '*': false },
          },
          ...Object.fromEntries(SERVERS.map((server) => [server, agentOf(server)])),
        },
      }),
    },
    files: { 'config/opencode/opencode.json': JSON.stringify(providerSettings(env)) },
    mode: AGENT,
    away: true,
    ...(hasTools ? { toolServers: { names: SERVERS, modes: true } } : {}),
  }
}

/** The tools of a client's server. The third call like the ones before it would be asked for. */
function allowed(server: string): Readonly<Record<string, Decision>> {
  return { [`${server}_*`]: 'allow', doom_loop: 'allow' }
}

/** A model call with the tools of one server. */
function agentOf(server: string) {
  return {
    mode: 'primary',
    description: 'Chosen by clinvk.',
    prompt: PURE_SYSTEM_WITH_TOOLS,
    permission: { '*': 'deny', ...allowed(server) },
  }
}

type Decision = 'allow' | 'ask' | 'deny'

const READING: Readonly<Record<string, Decision>> = {
  read: 'allow',
  glob: 'allow',
  grep: 'allow',
  list: 'allow',
  lsp: 'allow',
  todowrite: 'allow',
  todoread: 'allow',
}

/**
 * The permissions of a session, or `undefined` where the user's own are right. What a sub-agent asks for is put to
 * nobody and waits forever, so with rules of ours there are none.
 */
export function toPermission(
  options: Pick<SessionOptions, 'sandboxMode' | 'approvalMode'>,
  hasTools = false,
): Readonly<Record<string, Decision>> | undefined {
  const rules = permissionOf(options)
  return rules && hasTools ? { ...rules, ...allowed(AGENT) } : rules
}

function permissionOf({
  sandboxMode,
  approvalMode,
}: Pick<SessionOptions, 'sandboxMode' | 'approvalMode'>): Readonly<Record<string, Decision>> | undefined {
  const reading = approvalMode === 'always' ? toAsk(READING) : READING
  switch (sandboxMode) {
    case 'read-only':
      return { '*': 'deny', ...reading }
    case 'workspace':
      // Edits are asked for, so that we can look at where they go: for OpenCode the whole repository is inside.
      return { '*': 'deny', ...reading, edit: 'ask' }
    default:
      if (approvalMode === 'always') return { '*': 'ask', task: 'deny' }
      if (approvalMode === 'auto') return { '*': 'ask', ...READING, skill: 'allow', task: 'deny' }
      return undefined
  }
}

function toAsk(rules: Readonly<Record<string, Decision>>): Record<string, Decision> {
  return Object.fromEntries(Object.keys(rules).map((name) => [name, 'ask']))
}

/** Adds to the operator's own inline configuration, which may not be left out. */
function withOurs(
  theirs: string | undefined,
  permission: Readonly<Record<string, Decision>> | undefined,
  hasTools: boolean,
) {
  const config = theirs === undefined ? {} : parseConfig(theirs)
  const agents = fields(config['agent'])
  return {
    ...config,
    // By default a denied tool ends the turn without a word of the model.
    experimental: {
      continue_loop_on_deny: true,
      ...fields(config['experimental']),
      // And a process of their own, so that nobody else in the folder is offered the client's tools.
      ...(hasTools ? { mcp_timeout: CALL_MS } : {}),
    },
    ...(permission
      ? {
          default_agent: AGENT,
          agent: { ...agents, [AGENT]: { mode: 'primary', description: 'Chosen by clinvk.', permission } },
        }
      : {}),
  }
}

function parseConfig(text: string) {
  try {
    return fields(JSON.parse(text))
  } catch {
    throw new ClinvkError(
      'unsupported_option',
      `${CONFIG_VARIABLE} is no JSON object. clinvk has to add to it: write it without comments.`,
    )
  }
}

/**
 * The last failure in `opencode export SESSION`: the error of a prompt has the provider's words, but not its
 * status.
 */
export function readExport(output: string): Finding {
  const messages = items(fields(JSON.parse(output.slice(Math.max(0, output.indexOf('{')))))['messages'])
  const error = messages
    .map((message) => fields(fields(message['info'])['error']))
    .findLast((found) => 'name' in found)
  const data = fields(error?.['data'])
  const headers = fields(data['responseHeaders'])
  const seconds = Number(word(headers['retry-after']))
  return {
    status: number(data['statusCode']),
    message: word(data['message']),
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : undefined,
  }
}

/** `opencode models PROVIDER --verbose`: each model's name on a line, and then what is known of it as JSON. */
export function readTakenTypes(output: string, model: string): TakenTypes {
  if (output.trim() === '') throw new Error('It told nothing.')
  const [, ...found] = `\n${output}`.split(`\n${model}\n{`)
  const [description] = (found[0] ?? '\n}').split('\n}')
  const { input } = fields(fields(JSON.parse(`{${description}}`))['capabilities'])
  return (mediaType) =>
    fields(input)[mediaType === 'application/pdf' ? 'pdf' : mediaType.replace(/\/.*/, '')] !== false
}
