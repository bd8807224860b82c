import { join } from 'node:path'
import { loadConfig } from '../config/load.ts'
import { ClinvkError } from '../errors.ts'
import type { RunTool, ServiceFlags, ServiceSpec } from './types.ts'

/** What a service is made from. */
interface SpecSources {
  readonly flags: Omit<ServiceFlags, 'home'>
  readonly system: boolean
  /** Whom a service of the machine is to run as. */
  readonly runAs?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeDir: string
  /** The command line of `clinvk serve` with these options. */
  readonly serve: (options: readonly string[]) => readonly string[]
  readonly run: RunTool
}

/**
 * What the service is to be that does what `clinvk serve` would do here and now with these flags. A service has another
 * environment than a terminal, so what matters of ours is written down; what may be secret is not.
 *
 * @throws `config_invalid` where `serve` would, and `invalid_request`
 */
export async function toSpec(sources: SpecSources): Promise<ServiceSpec> {
  const { system, env, homeDir, serve } = sources
  if (!system && sources.runAs !== undefined)
    throw new ClinvkError(
      'invalid_request',
      '--run-as: only a service of the whole machine (--system) has a choice.',
    )
  const runAs = system ? await userOf(sources) : undefined
  // The configuration is that of whom it runs as: under sudo ours would be root's.
  const { config, paths } = await loadConfig({
    flags: sources.flags,
    env,
    homeDir: runAs?.home ?? homeDir,
  })
  const { host, port } = config.server
  const flags: ServiceFlags = {
    host: sources.flags.host ?? (env['CLINVK_HOST'] ? host : undefined),
    port: sources.flags.port ?? (env['CLINVK_PORT'] ? String(port) : undefined),
    config: paths.namedBy === undefined ? undefined : paths.configFile,
    home: system || env['CLINVK_HOME'] ? paths.home : undefined,
    demo: sources.flags.demo === true ? true : undefined,
  }
  return {
    command: serve(toOptions(flags)),
    variables: {
      PATH: absolutePath(env['PATH'] ?? ''),
      ...(env['CLINVK_HOME'] ? { CLINVK_HOME: paths.home } : {}),
    },
    envFile: system ? '/etc/clinvk/env' : join(paths.home, 'env'),
    drainSecs: config.server.drain_secs,
    runAs,
    flags,
  }
}

function toOptions({ host, port, config, demo }: ServiceFlags): string[] {
  return [
    ...(host === undefined ? [] : ['--host', host]),
    ...(port === undefined ? [] : ['--port', port]),
    ...(config === undefined ? [] : ['--config', config]),
    ...(demo ? ['--demo'] : []),
  ]
}

/** Agents are found by it, and a service's own is short. Folders that are relative to another one would be anybody's. */
function absolutePath(path: string): string {
  return [...new Set(path.split(':').filter((folder) => folder.startsWith('/')))].join(':')
}

async function userOf({ runAs, env, run }: SpecSources): Promise<{ user: string; home: string }> {
  const self = (await run(['/usr/bin/id', '-un'])).stdout.trim()
  const user = runAs ?? (self === 'root' ? env['SUDO_USER'] : self)
  if (!user)
    throw new ClinvkError(
      'invalid_request',
      'Say by --run-as whose agents it is to run: whoever may send it prompts acts with the rights of that user.',
    )
  if (!/^[A-Za-z_][\w.-]*$/.test(user))
    throw new ClinvkError('invalid_request', `--run-as: ${JSON.stringify(user)} is no name of a user.`)
  // What a shell makes of ~name, on every system.
  const home = (await run(['/bin/sh', '-c', `echo ~${user}`])).stdout.trim()
  if (!home.startsWith('/'))
    throw new ClinvkError('invalid_request', `--run-as: there is no user ${JSON.stringify(user)} here.`)
  return { user, home }
}
