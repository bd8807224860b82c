import { DEMO_AGENT, DEMO_IS_OFF } from '../agents/known.ts'
import type { AgentDriver, Probe } from '../agents/types.ts'
import { nearest } from '../config/nearest.ts'
import { ClinvkError } from '../errors.ts'
import { namesOfModels, type OptionDefaults } from './options.ts'
import type { BackendInfo } from './types.ts'

/** A driver with what the operator set for it. */
export interface Backend {
  readonly driver: AgentDriver
  readonly defaults: OptionDefaults
  /** Program and fixed arguments, for people to see. */
  readonly command: readonly string[]
  /** The operator named it in the configuration. */
  readonly configured: boolean
  readonly enabled: boolean
  /** The embedded demo agent: answers when it is asked for by name, and never otherwise. */
  readonly demo: boolean
}

/**
 * The backend that a request goes to. Whether it is installed is looked at before anything is opened, so that
 * the answer can say how to install it.
 *
 * @throws `backend_not_found`, `backend_disabled`, `backend_not_installed`
 */
export async function chooseBackend(
  backends: readonly Backend[],
  named: string | undefined,
  defaultName: string | undefined,
): Promise<Backend> {
  const name = named ?? defaultName
  if (name === undefined) return await firstReady(backends)
  const found = backends.find(({ driver }) => driver.name === name)
  if (!found) throw unknown(name, backends)
  if (!found.enabled)
    throw new ClinvkError('backend_disabled', `The backend ${name} is disabled (backends.${name}.enabled).`)
  const { available, reason } = await found.driver.probe()
  if (!available)
    throw new ClinvkError('backend_not_installed', reason ?? `The program of ${name} is not installed.`, {
      retryable: false,
      details: { backend: name },
    })
  return found
}

/** Lists backends. `withinMs` is as {@link Engine.backends} has it. */
export function createListing(
  backends: readonly Backend[],
  defaultName: string | undefined,
): (withinMs?: number) => Promise<BackendInfo[]> {
  const last = new Map<AgentDriver, Probe>()
  const probe = async (driver: AgentDriver) => {
    const found = await driver.probe()
    last.set(driver, found)
    return found
  }
  return async (withinMs) => {
    const late = withinMs === undefined ? undefined : Promise.withResolvers<undefined>()
    const timer = late && setTimeout(() => late.resolve(undefined), withinMs)
    const look = async ({ driver }: Backend) => {
      const found = probe(driver)
      if (!late) return await found
      return (await Promise.race([found, late.promise])) ?? last.get(driver) ?? NOT_KNOWN_YET
    }
    const infos = await Promise.all(
      backends.map(async (backend) => ({
        name: backend.driver.name,
        driver: backend.driver.driver,
        configured: backend.configured,
        enabled: backend.enabled,
        capabilities: backend.driver.capabilities,
        demo: backend.demo,
        modelAliases: namesOfModels(backend.defaults),
        ...(backend.enabled ? await look(backend) : disabledProbe(backend.driver.name)),
      })),
    ).finally(() => clearTimeout(timer))
    const main = defaultName ?? infos.find(({ ready, demo }) => ready && !demo)?.name
    return infos.map((info) => ({ ...info, default: info.name === main }))
  }
}

/** Nothing says that it is not there. */
const NOT_KNOWN_YET: Probe = {
  available: true,
  ready: false,
  reason: 'It is still being looked at.',
  models: [],
}

async function firstReady(backends: readonly Backend[]): Promise<Backend> {
  const candidates = backends.filter(({ enabled, demo }) => enabled && !demo)
  const probes = await Promise.all(candidates.map(({ driver }) => driver.probe()))
  const ready = candidates[probes.findIndex((probe) => probe.ready)]
  const present = ready ?? candidates[probes.findIndex((probe) => probe.available)]
  if (present) return present
  const demo = backends.some((backend) => backend.demo && backend.enabled)
  throw new ClinvkError(
    'backend_not_installed',
    `No agent is installed. ${probes.map(({ reason }) => reason ?? '').join(' ')}${
      demo ? ' To see an answer without one, ask for the backend "demo" by name: it is no model.' : ''
    }`,
    { retryable: false },
  )
}

function disabledProbe(name: string) {
  return {
    available: false,
    ready: false,
    reason: `Disabled in the configuration (backends.${name}.enabled).`,
    models: [],
  }
}

function unknown(name: string, backends: readonly Backend[]): ClinvkError {
  const names = backends.map(({ driver }) => driver.name)
  const close = nearest(name, names)
  const demo = name === DEMO_AGENT ? ` ${DEMO_IS_OFF}` : ''
  return new ClinvkError(
    'backend_not_found',
    `There is no backend ${JSON.stringify(name)}.${close ? ` Did you mean "${close}"?` : ''} There are: ${names.join(', ')}.${demo}`,
    { details: { backends: names } },
  )
}
