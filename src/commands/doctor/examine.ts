import { nearest } from '../../config/nearest.ts'
import type { Config } from '../../config/schema.ts'
import { ClinvkError } from '../../errors.ts'
import { VERSION } from '../../version.ts'
import { withEngineAside } from '../aside.ts'
import { ask } from './ask.ts'
import { checkAgents, checkTogether } from './check-agents.ts'
import { checkConfig } from './check-config.ts'
import { checkKeys } from './check-keys.ts'
import { checkLimits } from './check-limits.ts'
import { checkPort } from './check-port.ts'
import { checkStore } from './check-store.ts'
import { checkTemp } from './check-temp.ts'
import { createCleaner, discreet, secretsOf } from './discreet.ts'
import { type Check, type DoctorReport, toReport } from './report.ts'

/** What is to be looked at. */
export interface Examination {
  readonly file: string | undefined
  readonly host: string | undefined
  readonly port: string | undefined
  /** This backend alone. */
  readonly backend: string | undefined
  readonly ask: boolean
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeDir: string
  readonly cwd: string
  /** Told before agents are asked, which costs something. */
  readonly onAsk: () => void
}

/**
 * Looks at everything that clinvk needs. Nothing of it can disturb a server that runs: no port is taken, the store is
 * only read, agents are processes of its own. Each part waits a limited time for what it looks at.
 *
 * @throws `backend_not_found` for a backend that does not exist.
 */
export async function examine(asked: Examination): Promise<DoctorReport> {
  const { env, cwd, backend } = asked
  const { loaded, valid, checks: ofConfig } = await checkConfig(asked)
  const { config, paths } = loaded
  if (backend !== undefined && valid) requireBackend(backend, config)
  const keysFound = checkKeys(config.server, env)
  const cleaner = keysFound.then(({ keys }) =>
    createCleaner([...keys, ...secretsOf(env), ...secretsIn(config)]),
  )
  const temp = await checkTemp()
  const lookAtAgents = () =>
    withEngineAside(
      {
        config,
        configured: loaded.configuredBackends,
        env,
        cwd,
        only: backend,
        // Agents that work look for settings in the folders above theirs, and those are to be nobody else's.
        ...(asked.ask ? { below: paths.home } : {}),
      },
      async (engine): Promise<Check[]> => {
        const found = await checkAgents({ backends: await engine.backends(), config, env, only: backend })
        const usable = found.filter((agent) => agent.usable)
        const together = backend === undefined ? checkTogether(found, config.default_backend) : []
        const answers: Check[] = []
        if (asked.ask && usable.length > 0) {
          asked.onAsk()
          // One after another, so that none waits for the start of another.
          for (const { info } of usable) answers.push(await ask(engine, info, await cleaner))
        }
        return [...found.map(({ check }) => check), ...together, ...answers]
      },
    )
  const [agents, store, port, keys, clean, limits] = await Promise.all([
    temp.status === 'fail' ? [NOT_LOOKED_AT] : lookAtAgents(),
    checkStore(paths.home),
    checkPort(config.server, VERSION),
    keysFound,
    cleaner,
    checkLimits(),
  ])
  const checks = [ourselves(), ...limits, ...ofConfig, ...agents, ...store, temp, port, ...keys.checks]
  return toReport(VERSION, discreet(checks, clean))
}

const NOT_LOOKED_AT: Check = {
  part: 'agents',
  status: 'fail',
  message: 'No agent was looked at: agents need temporary files.',
  todo: 'Do what is said at temp below, and run the doctor again.',
}

function ourselves(): Check {
  return {
    part: 'clinvk',
    status: 'ok',
    message: `clinvk ${VERSION} on Bun ${Bun.version}, ${process.platform} ${process.arch}`,
    facts: { version: VERSION, bun: Bun.version, platform: process.platform, arch: process.arch },
  }
}

function requireBackend(name: string, { backends }: Config): void {
  if (Object.hasOwn(backends, name)) return
  const names = Object.keys(backends)
  const meant = nearest(name, names)
  throw new ClinvkError(
    'backend_not_found',
    `There is no backend ${JSON.stringify(name)}.${meant === undefined ? '' : ` Did you mean "${meant}"?`} There are: ${names.join(', ')}.`,
  )
}

/** Whatever the operator gives an agent by its environment. */
function secretsIn({ backends }: Config): string[] {
  return Object.values(backends).flatMap((backend) => Object.values(backend.env))
}
