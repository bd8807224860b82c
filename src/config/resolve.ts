import type { Static } from '@sinclair/typebox'
import { expandHome } from './paths.ts'
import type { Config, ConfigFile } from './schema.ts'
import { type BackendSchema, type Driver, KNOWN_BACKENDS, type ResolvedBackend } from './schema-backend.ts'
import { MAX_IDLE_TIMEOUT_SECS } from './schema-server.ts'

/**
 * Makes the configuration that the program runs on from a complete and correct file: every known backend is
 * there, drivers are filled in, `~` is the home folder, and nothing can be changed any more.
 *
 * @param untouched A known backend that the file leaves out.
 */
export function resolveConfig(file: ConfigFile, untouched: Backend, homeDir: string): Config {
  const backends = withoutPrototype<ResolvedBackend>({})
  for (const [name, driver] of Object.entries(KNOWN_BACKENDS))
    backends[name] = resolveBackend(file.backends[name] ?? untouched, driver, homeDir)
  for (const [name, backend] of Object.entries(file.backends))
    if (backend.driver !== undefined) backends[name] = resolveBackend(backend, backend.driver, homeDir)
  const { default_workdir, allowed_workdir_prefixes, blocked_workdir_prefixes, ...server } = file.server
  const { workdir, ...chat } = file.chat
  return deepFreeze({
    ...file,
    backends,
    chat: {
      ...chat,
      ...(workdir === undefined ? {} : { workdir: expandHome(workdir, homeDir) }),
      model_aliases: withoutPrototype(chat.model_aliases),
    },
    server: {
      ...server,
      ...(default_workdir === undefined ? {} : { default_workdir: expandHome(default_workdir, homeDir) }),
      allowed_workdir_prefixes: allowed_workdir_prefixes.map((path) => expandHome(path, homeDir)),
      blocked_workdir_prefixes: blocked_workdir_prefixes.map((path) => expandHome(path, homeDir)),
      idle_timeout_secs: Math.min(server.idle_timeout_secs, MAX_IDLE_TIMEOUT_SECS),
    },
  })
}

type Backend = Static<typeof BackendSchema>

function resolveBackend(backend: Backend, builtIn: Driver, homeDir: string): ResolvedBackend {
  const { allowed_tools, command, driver = builtIn, ...rest } = backend
  const tools = toolsOf(allowed_tools)
  const [program, ...args] = command ?? []
  return {
    ...rest,
    driver,
    model_aliases: withoutPrototype(backend.model_aliases),
    ...(program === undefined ? {} : { command: [expandHome(program, homeDir), ...args] }),
    ...(tools === undefined ? {} : { allowed_tools: tools }),
  }
}

/** The text form of 0.2: `all`, or names with commas. A comma in brackets is part of a name: `Bash(git:*, ls)`. */
function toolsOf(tools: string | readonly string[] | undefined): string[] | undefined {
  if (typeof tools !== 'string') return tools === undefined ? undefined : [...tools]
  if (tools.trim() === '' || tools.trim() === 'all') return undefined
  const names = tools.match(/(?:\([^)]*\)|[^,(])+/g) ?? []
  return names.map((name) => name.trim()).filter((name) => name !== '')
}

/** For lookups by names that come from requests: `constructor` is found only where the user wrote it. */
function withoutPrototype<T>(record: Record<string, T>): Record<string, T> {
  return Object.assign(Object.create(null), record)
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) deepFreeze(part)
    Object.freeze(value)
  }
  return value
}
