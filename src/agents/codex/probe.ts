import { ClinvkError } from '../../errors.ts'
import { RpcError } from '../../process/json-rpc.ts'
import { fields, items, word } from '../fields.ts'
import type { Lease } from '../pool/types.ts'
import type { BackendSettings, Probe } from '../types.ts'
import type { AppServer } from './app-server.ts'
import { HOW_TO_LOG_IN } from './errors.ts'

/** How long Codex may take to tell about itself, in ms. */
const PROBE_TIMEOUT_MS = 10_000

/**
 * Asks the app-server for its version, its login and its models; nothing of that goes over the network. It takes
 * about 200 ms where none runs, and the process then waits for the first conversation. `codex login status` would
 * be cheaper, but says "not logged in" also where a model provider of the user's own needs no login.
 */
export async function probeCodex(
  settings: BackendSettings,
  visit: Visit,
  timeoutMs = PROBE_TIMEOUT_MS,
): Promise<Probe> {
  const { models } = settings
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('late')), timeoutMs)
  try {
    return await Promise.race([ask(settings, visit), late.promise])
  } catch (error) {
    const known = error instanceof ClinvkError ? error : undefined
    const program = settings.command.join(' ')
    if (known?.code === 'backend_not_installed')
      return { available: false, ready: false, reason: settings.installHint ?? known.message, models }
    return {
      available: false,
      ready: false,
      reason: known?.message ?? `${program} app-server did not answer.`,
      models,
    }
  } finally {
    clearTimeout(timer)
  }
}

/** The kind of process that most sessions share. */
export const COMMON_KIND = { flags: [], profile: 'full', passing: false, clientTools: false } as const

/** A place in such a process, without a session. */
type Visit = () => Promise<Lease<AppServer>>

async function ask(settings: BackendSettings, visit: Visit): Promise<Probe> {
  const lease = await visit()
  try {
    const server = lease.process
    const models = settings.models.length > 0 ? settings.models : await listModels(server)
    const { version, login } = server
    const ready = login.found || !login.needed
    // It would not notice a login that comes later.
    if (!ready) await lease.abandon()
    return {
      available: true,
      ...(version === undefined ? {} : { version }),
      ready,
      ...(ready ? {} : { reason: `Not logged in. ${HOW_TO_LOG_IN}` }),
      models,
    }
  } finally {
    lease.release()
  }
}

/**
 * The models that Codex offers to choose from. Those are the built-in provider's whatever is configured, so with a
 * provider of the user's own it is the configured model.
 */
async function listModels(server: AppServer): Promise<readonly string[]> {
  try {
    if (server.login.needed) {
      const answer = await server.request('model/list', {})
      return items(answer['data']).flatMap((model) => word(model['id']) ?? [])
    }
    const answer = await server.request('config/read', {})
    return [word(fields(answer['config'])['model']) ?? []].flat()
  } catch (error) {
    if (error instanceof RpcError) return []
    throw error
  }
}
