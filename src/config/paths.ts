import { join, resolve } from 'node:path'
import { configError } from './problems.ts'

/** Where clinvk keeps its things. */
export interface Paths {
  /** Folder of clinvk: `CLINVK_HOME`, else `~/.clinvk`. Absolute; it may not exist yet. */
  readonly home: string
  /** The configuration file: `--config`, else `CLINVK_CONFIG`, else `config.yaml` in {@link Paths.home}. */
  readonly configFile: string
  /** Who named the file; then it has to exist. Absent for the default one. */
  readonly namedBy?: '--config' | 'CLINVK_CONFIG'
}

/** What paths are found from. */
export interface PathSources {
  /** Value of `--config`. */
  readonly flag?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder. */
  readonly homeDir: string
  /** Folder that relative paths start from. */
  readonly cwd: string
}

/**
 * Finds the folder and the file. An empty variable is one that is not set; an empty `--config` is a mistake.
 *
 * @throws `config_invalid` for an empty `--config`.
 */
export function resolvePaths({ flag, env, homeDir, cwd }: PathSources): Paths {
  const absolute = (path: string) => resolve(cwd, expandHome(path, homeDir))
  const home = env['CLINVK_HOME'] ? absolute(env['CLINVK_HOME']) : join(homeDir, '.clinvk')
  if (flag !== undefined) {
    if (flag === '')
      throw configError([{ place: { name: '--config' }, message: 'expected the path of a file' }])
    return { home, configFile: absolute(flag), namedBy: '--config' }
  }
  if (env['CLINVK_CONFIG'])
    return { home, configFile: absolute(env['CLINVK_CONFIG']), namedBy: 'CLINVK_CONFIG' }
  return { home, configFile: join(home, 'config.yaml') }
}

/** Replaces a leading `~`, which only a shell would. */
export function expandHome(path: string, homeDir: string): string {
  return path === '~' || path.startsWith('~/') ? join(homeDir, path.slice(1)) : path
}
