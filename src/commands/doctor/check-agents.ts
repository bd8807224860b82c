import { agentEnvironment } from '../../agents/environment.ts'
import { knownAgent } from '../../agents/known.ts'
import type { Config } from '../../config/schema.ts'
import type { BackendInfo } from '../../engine/types.ts'
import { findProgram } from '../../process/child.ts'
import { interpreterTrouble } from './program.ts'
import type { Check } from './report.ts'
import { standingOf, testedVersion } from './versions.ts'

/** What agents are looked at with. */
export interface AgentsOptions {
  readonly backends: readonly BackendInfo[]
  readonly config: Config
  readonly env: Readonly<Record<string, string | undefined>>
  /** The one that the user wants to know about. */
  readonly only: string | undefined
}

/** One backend with what is said of it. */
export interface AgentFound {
  readonly info: BackendInfo
  readonly check: Check
  /** A prompt can be expected to work. */
  readonly usable: boolean
}

/** Looks at each agent's program, version and login. */
export async function checkAgents(options: AgentsOptions): Promise<AgentFound[]> {
  const { backends, only } = options
  // The demo agent is of no interest to somebody who looks for what is wrong, unless it was named.
  const shown = backends.filter(({ name, demo, configured }) =>
    only === undefined ? !demo || configured : name === only,
  )
  return await Promise.all(shown.map((info) => lookAt(info, options)))
}

/** What is to be said of all agents together: at least one has to be there. */
export function checkTogether(found: readonly AgentFound[], defaultBackend: string | undefined): Check[] {
  const usable = found.filter(({ info, usable }) => usable && !info.demo).map(({ info }) => info.name)
  if (usable.length === 0) {
    return [
      {
        part: 'agents',
        status: 'fail',
        message: 'No agent is ready.',
        todo: 'Install one and log in, as it is said above. To see clinvk without any: clinvk serve --demo.',
      },
    ]
  }
  const main = defaultBackend ?? usable[0] ?? ''
  return [
    {
      part: 'agents',
      status: 'ok',
      message: `${usable.join(', ')} can be used; prompts that name no backend go to ${main}.`,
      facts: { ready: usable.length, default: main },
    },
  ]
}

async function lookAt(info: BackendInfo, options: AgentsOptions): Promise<AgentFound> {
  const { config, only } = options
  const { name } = info
  const required = info.configured || only === name || config.default_backend === name
  const bad = required ? 'fail' : 'warn'
  const told = (status: Check['status'], message: string, more: Partial<Check> = {}): AgentFound => ({
    info,
    usable: status === 'ok',
    check: { part: 'agent', backend: name, status, message, ...more },
  })
  if (!info.enabled) return told(only === name ? 'fail' : 'info', `disabled (backends.${name}.enabled)`)
  if (info.demo) return told('ok', 'part of clinvk; no model', { facts: { ready: true } })

  const settings = config.backends[name]
  const command = settings?.command ?? knownAgent(name)?.command ?? []
  const env = agentEnvironment(options.env, settings?.env)
  const program = findProgram(command[0] ?? '', env)
  if (program === undefined) {
    return told(required ? 'fail' : 'info', `not installed: ${command[0]} is not on the PATH`, {
      ...(info.reason === undefined ? {} : { todo: info.reason }),
      facts: { ready: false },
    })
  }
  const tested = testedVersion(name, command)
  const standing = standingOf(info.version, tested)
  const facts = {
    program,
    ready: info.ready,
    ...(info.version === undefined ? {} : { version: info.version }),
    ...(tested === undefined ? {} : { tested_version: tested, version_is: standing }),
  }
  const trouble = await interpreterTrouble(program, env)
  if (trouble)
    return told(bad, `${program}: ${trouble.message}`, {
      todo: trouble.todo,
      facts: { ...facts, ready: false },
    })
  if (!info.available) {
    return told(
      bad,
      `${program} is there and does not work: ${info.reason ?? 'it tells nothing of itself.'}`,
      {
        todo: `Run ${command[0]} by hand to see what it says, or install it again.${hintOf(name)}`,
        facts,
      },
    )
  }
  const version = describeVersion(info.version, tested, standing)
  if (!info.ready) {
    const [, todo] = /^Not logged in\. (.+)$/s.exec(info.reason ?? '') ?? []
    return told(
      bad,
      `${version}, ${todo === undefined ? `not ready: ${info.reason}` : 'not logged in'} (${program})`,
      {
        ...(todo === undefined ? {} : { todo }),
        facts,
      },
    )
  }
  return told(
    'ok',
    `${version}, ${tellsLogin(info, command) ? 'logged in' : 'ready as far as it tells before it is asked'} (${program})`,
    {
      facts,
    },
  )
}

function hintOf(name: string): string {
  const hint = knownAgent(name)?.installHint
  return hint === undefined ? '' : ` ${hint}`
}

function describeVersion(
  version: string | undefined,
  tested: string | undefined,
  standing: ReturnType<typeof standingOf>,
): string {
  if (version === undefined) return 'version not told'
  if (tested === undefined || standing === 'unknown') return version
  if (standing === 'tested') return `${version}, which clinvk is tested with`
  return `${version}, ${standing} than the ${tested} that clinvk is tested with`
}

/** Others say nothing of it before they are asked something. */
function tellsLogin({ driver }: BackendInfo, command: readonly string[]): boolean {
  return driver === 'claude' || driver === 'codex' || /(?:^|\/)gemini(?:-cli)?$/.test(command[0] ?? '')
}
