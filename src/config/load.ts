import { readFile, stat } from 'node:fs/promises'
import type { Static, TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { checkFile, type Gathered } from './check-file.ts'
import { checkTogether } from './check-together.ts'
import { applyEnv, applyFlags, type ConfigFlags, type Env, unreadVariables } from './overrides.ts'
import { type Paths, resolvePaths } from './paths.ts'
import { configError, formatProblem, type Problem } from './problems.ts'
import { readYaml } from './read-yaml.ts'
import { resolveConfig } from './resolve.ts'
import { type Config, ConfigSchema } from './schema.ts'
import { BackendSchema, KNOWN_BACKENDS } from './schema-backend.ts'
import { MAX_IDLE_TIMEOUT_SECS } from './schema-server.ts'
import { unusedWarning } from './unused.ts'

/** The configuration and what is worth knowing about where it came from. Holds no API key. */
export interface LoadedConfig {
  readonly config: Config
  readonly paths: Paths
  /** Whether {@link Paths.configFile} exists. */
  readonly fileFound: boolean
  /** Backends that the user says something about: for them, not being installed is a fault. */
  readonly configuredBackends: ReadonlySet<string>
  /** What is not wrong but probably not meant, a sentence each. */
  readonly warnings: readonly string[]
}

/** What the configuration is made from. */
export interface ConfigSources {
  readonly flags?: ConfigFlags
  readonly env: Env
  /** The user's home folder. */
  readonly homeDir: string
  /** Folder that relative paths start from; by default the process's own. */
  readonly cwd?: string
}

/**
 * Loads the configuration: flag before environment before file before default.
 *
 * @throws `config_invalid`, which names every problem with its place.
 */
export async function loadConfig(sources: ConfigSources): Promise<LoadedConfig> {
  const { flags = {}, env, homeDir, cwd = process.cwd() } = sources
  const paths = resolvePaths({ flag: flags.config, env, homeDir, cwd })
  const text = await readConfigFile(paths)
  const gathered: Gathered = { value: {}, places: new Map(), problems: [] }
  if (text !== undefined) {
    const { value, problems } = readYaml(text, paths.configFile)
    gathered.problems.push(...problems)
    checkFile(ConfigSchema, value, gathered)
  }
  const names = backendNames(gathered.value)
  const backends = [...new Set([...Object.keys(KNOWN_BACKENDS), ...names])]
  applyEnv(ConfigSchema, env, backends, gathered)
  applyFlags(ConfigSchema, flags, gathered)
  const configuredBackends = new Set(backendNames(gathered.value))

  const file = complete(ConfigSchema, gathered.value)
  const problems = [...gathered.problems, ...checkTogether(file, gathered)]
  if (problems.length > 0) throw configError(inOrder(problems))
  return {
    config: resolveConfig(file, complete(BackendSchema, {}), homeDir),
    paths,
    fileFound: text !== undefined,
    configuredBackends,
    warnings: [
      ...idleWarning(file.server.idle_timeout_secs, gathered),
      ...unusedWarning(gathered.places.keys()),
      ...unreadVariables(env, backends),
    ],
  }
}

/** The text of the file, or undefined where the default one does not exist. */
async function readConfigFile({ configFile, namedBy }: Paths): Promise<string | undefined> {
  const wrong = (reason: string) => {
    const message = `the file ${configFile} ${reason}`
    return configError([namedBy === undefined ? { message } : { place: { name: namedBy }, message }])
  }
  // To open a pipe that nobody writes to would take for ever. Whoever names one has somebody write to it: `--config <(…)`.
  const file = namedBy === undefined ? await stat(configFile).catch(() => undefined) : undefined
  if (file && !file.isFile() && !file.isDirectory()) throw wrong('is no regular file')
  try {
    const bytes = await readFile(configFile)
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    const code = errorCode(error)
    if (namedBy === undefined && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined
    throw wrong((code === undefined ? undefined : READ_FAILURES[code]) ?? 'cannot be read')
  }
}

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EISDIR: 'is a folder',
  EACCES: 'may not be read by this user',
  ERR_ENCODING_INVALID_ENCODED_DATA: 'is not UTF-8 text',
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

/** Fills in every default. What was gathered fits its schema already, so a misfit is a bug of ours. */
function complete<T extends TSchema>(schema: T, value: unknown): Static<T> {
  const completed = Value.Default(schema, value)
  if (!Value.Check(schema, completed)) throw new Error('A checked configuration does not fit its schema.')
  return completed
}

function backendNames({ backends }: Record<string, unknown>): string[] {
  return typeof backends === 'object' && backends !== null ? Object.keys(backends) : []
}

/** Those of the file first, in the order of its lines. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const position = ({ place }: Problem) =>
    place !== undefined && 'line' in place ? place.line * 1e6 + place.column : Number.MAX_SAFE_INTEGER
  return problems.toSorted((a, b) => position(a) - position(b))
}

function idleWarning(secs: number, { places }: Gathered): string[] {
  if (secs <= MAX_IDLE_TIMEOUT_SECS) return []
  const key = 'server.idle_timeout_secs'
  const message = `${secs} is more than the runtime knows; idle connections are closed after ${MAX_IDLE_TIMEOUT_SECS} seconds`
  return [formatProblem({ place: places.get(key), key, message })]
}
