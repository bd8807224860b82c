import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeTemporary } from '../../process/temporary.ts'
import type { AgentProfile } from '../messages.ts'
import type { BackendSettings } from '../types.ts'
import { type AppServer, type StartOptions, startAppServer } from './app-server.ts'
import { changedCatalog, withoutScripts, withoutTools } from './catalog.ts'
import { nativeCommand } from './launcher.ts'
import { makePrivateHome } from './private-home.ts'
import { profileFlags } from './profile-flags.ts'

/** What distinguishes one process from another. */
export interface ServerKind {
  /** The caller's, after which come the profile's. */
  readonly flags: readonly string[]
  readonly profile: AgentProfile
  /** Its conversations are not kept, so it may have a home of its own. */
  readonly passing: boolean
  /** The client has tools, which the model has to call itself. */
  readonly clientTools: boolean
}

/**
 * Starts an app-server that knows and offers what the profile allows. What is made for it is removed when it ends.
 *
 * @throws as {@link startAppServer} and {@link makeTemporary}.
 */
export async function launch(
  settings: BackendSettings,
  { flags: asked, profile, passing, clientTools }: ServerKind,
  options: Omit<StartOptions, 'flags'>,
): Promise<AppServer> {
  const flags = [...asked, ...profileFlags(profile)]
  if (profile === 'full' && !clientTools) return startAppServer(settings, { ...options, flags })
  const folder = await makeTemporary('clinvk-codex-')
  const remove = () => rm(folder, { recursive: true, force: true, maxRetries: 3 })
  try {
    const change = profile === 'pure' ? withoutTools : clientTools ? withoutScripts : undefined
    if (change) flags.push(...(await catalogFlags(change, settings, asked, folder, options.signal)))
    const server = await startAtHome(settings, passing ? folder : undefined, { ...options, flags })
    server.afterEnd(remove)
    return server
  } catch (error) {
    await remove()
    throw error
  }
}

async function startAtHome(
  settings: BackendSettings,
  folder: string | undefined,
  options: StartOptions,
): Promise<AppServer> {
  const home = folder === undefined ? undefined : await makePrivateHome(folder, settings.env)
  if (home !== undefined) {
    const env = { ...settings.env, CODEX_HOME: home }
    const server = await startAppServer({ ...settings, env }, options)
    if (server.login.found || !server.login.needed) return server
    // A keyring files a login under its home. Better with the user's instructions than without the login.
    await server.close()
  }
  return startAppServer(settings, options)
}

async function catalogFlags(
  change: Parameters<typeof changedCatalog>[0],
  settings: BackendSettings,
  flags: readonly string[],
  folder: string,
  signal: AbortSignal,
): Promise<string[]> {
  const command = await nativeCommand(settings.command, settings.env)
  const catalog =
    (await changedCatalog(change, command, flags, settings.env, signal)) ??
    // Not every flag of the app-server is one of this command too.
    (flags.length > 0 ? await changedCatalog(change, command, [], settings.env, signal) : undefined)
  if (catalog === undefined) return []
  const path = join(folder, 'models.json')
  await writeFile(path, catalog, { mode: 0o600 })
  return ['-c', `model_catalog_json=${JSON.stringify(path)}`]
}
