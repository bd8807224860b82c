import { nearest } from './nearest.ts'
import type { Place, Problem } from './problems.ts'
import type { ConfigFile } from './schema.ts'
import { DRIVERS, KNOWN_BACKENDS } from './schema-backend.ts'
import { CHAT_PROFILES } from './schema-chat.ts'

/** What {@link checkTogether} needs to say where something is wrong, and not to say it twice. */
export interface Found {
  readonly places: ReadonlyMap<string, Place>
  /** What is already known to be wrong. */
  readonly problems: readonly Problem[]
}

/** What is wrong although each value for itself is right. */
export function checkTogether(config: ConfigFile, found: Found): Problem[] {
  return [
    ...checkBackends(config, found),
    ...checkDefault(config, found),
    ...checkCors(config, found),
    ...checkProfiles(config, found),
    ...checkModelAliases(config, found),
  ]
}

function checkBackends({ backends }: ConfigFile, { places, problems }: Found): Problem[] {
  return Object.entries(backends).flatMap(([name, backend]) => {
    const key = `backends.${name}`
    const wrong = (part: string, message: string) => ({
      place: places.get(`${key}.${part}`) ?? places.get(key),
      key,
      message,
    })
    // A driver or command that was refused is still there: it is not missing as well.
    const missing = (part: 'driver' | 'command') =>
      backend[part] === undefined && !problems.some((problem) => problem.key?.startsWith(`${key}.${part}`))
    const builtIn = builtInDriver(name)
    if (builtIn === undefined && missing('driver')) return [wrong('driver', needsDriver(name))]
    const driver = backend.driver ?? builtIn
    const found: Problem[] = []
    if (driver !== undefined && driver !== builtIn && driver !== 'demo' && missing('command'))
      found.push(
        wrong(
          'driver',
          `with the driver ${driver} it needs a command: the program to start and its arguments`,
        ),
      )
    if (driver === 'demo' && backend.command !== undefined)
      found.push(wrong('command', 'the demo agent is part of clinvk and takes no command'))
    if (driver !== undefined && driver !== 'exec' && backend.output !== undefined)
      found.push(wrong('output', `output is for the driver exec only, and the driver here is ${driver}`))
    if (backend.json_text_field !== undefined && backend.output !== 'json')
      found.push(wrong('json_text_field', 'json_text_field goes with output: json'))
    return found
  })
}

function needsDriver(name: string): string {
  const known = Object.keys(KNOWN_BACKENDS)
  const meant = nearest(name, known)
  const question = meant === undefined ? '' : ` Did you mean ${meant}?`
  return (
    `clinvk knows ${known.join(', ')} by itself; any other backend needs a driver` +
    ` (${DRIVERS.filter((driver) => driver !== 'demo').join(', ')}) and a command.${question}`
  )
}

function checkDefault({ default_backend: name, backends }: ConfigFile, { places }: Found): Problem[] {
  if (name === undefined) return []
  const place = places.get('default_backend')
  const key = 'default_backend'
  const names = [...new Set([...Object.keys(KNOWN_BACKENDS), ...Object.keys(backends)])]
  if (!names.includes(name)) {
    const meant = nearest(name, names)
    const question = meant === undefined ? '' : `: did you mean ${meant}?`
    return [{ place, key, message: `found "${name}", expected one of ${names.join(', ')}${question}` }]
  }
  if (backends[name]?.enabled !== false) return []
  return [{ place, key, message: `${name} cannot be the default, because backends.${name}.enabled is false` }]
}

function checkCors({ server }: ConfigFile, { places }: Found): Problem[] {
  if (!server.cors_allow_credentials || !server.cors_allowed_origins.includes('*')) return []
  const key = 'server.cors_allow_credentials'
  const message =
    'cannot go with "*" in server.cors_allowed_origins: name the pages that may send credentials'
  return [{ place: places.get(key), key, message }]
}

function checkProfiles({ chat }: ConfigFile, { places }: Found): Problem[] {
  const { profile, max_profile: most } = chat
  if (most === undefined || CHAT_PROFILES.indexOf(profile) <= CHAT_PROFILES.indexOf(most)) return []
  const key = 'chat.max_profile'
  const message = `${most} is less than chat.profile, which is ${profile}`
  return [{ place: places.get(key), key, message }]
}

/** An alias leads to a backend by its name; whether that backend has the model shows only when it is asked. */
function checkModelAliases({ chat, backends }: ConfigFile, { places }: Found): Problem[] {
  const names = [...new Set([...Object.keys(KNOWN_BACKENDS), ...Object.keys(backends)])]
  return Object.entries(chat.model_aliases).flatMap(([alias, target]) => {
    const [backend = ''] = target.split('/')
    if (names.includes(backend)) return []
    const meant = nearest(backend, names)
    const question = meant === undefined ? '' : `: did you mean ${meant}?`
    const key = `chat.model_aliases.${alias}`
    const message = `found "${target}", expected a backend (${names.join(', ')}) or backend/model${question}`
    return [{ place: places.get(key), key, message }]
  })
}

function builtInDriver(name: string) {
  return Object.entries(KNOWN_BACKENDS).find(([known]) => known === name)?.[1]
}
