import { KindGuard, type TObject, type TSchema } from '@sinclair/typebox'
import type { Gathered } from './check-file.ts'
import { complaint, fromText } from './expect.ts'
import { nearest } from './nearest.ts'

/** What the environment holds. */
export type Env = Readonly<Record<string, string | undefined>>

/** What the command line says about the configuration. Texts are read as the key wants them. */
export interface ConfigFlags {
  /** `--config`: the file. */
  readonly config?: string | undefined
  readonly backend?: string | undefined
  readonly host?: string | undefined
  readonly port?: string | number | undefined
  readonly outputFormat?: string | undefined
  readonly dryRun?: boolean | undefined
  /** `--demo`: offers the demo agent. */
  readonly demo?: boolean | undefined
}

/** The flags as they are written, with the keys that they set. */
const FLAGS = [
  ['backend', '--backend', 'default_backend'],
  ['host', '--host', 'server.host'],
  ['port', '--port', 'server.port'],
  ['outputFormat', '--output-format', 'output.format'],
  ['dryRun', '--dry-run', 'unified_flags.dry_run'],
  ['demo', '--demo', 'backends.demo.enabled'],
] as const satisfies readonly (readonly [keyof ConfigFlags, string, string])[]

/** The variables with the keys that they set; `CLINVK_<NAME>_MODEL` comes from the names of the backends. */
const VARIABLES = [
  ['CLINVK_BACKEND', 'default_backend'],
  ['CLINVK_HOST', 'server.host'],
  ['CLINVK_PORT', 'server.port'],
  ['CLINVK_API_KEYS_GOPASS_PATH', 'server.api_keys_gopass_path'],
] as const

const OTHER_VARIABLES = ['CLINVK_HOME', 'CLINVK_CONFIG', 'CLINVK_API_KEYS', 'CLINVK_PARENT', 'CLINVK_CHILD']

/** Lays the environment over what was gathered. An empty variable is one that is not set. */
export function applyEnv(schema: TObject, env: Env, backends: readonly string[], gathered: Gathered): void {
  const models = backends.map((name) => [modelVariable(name), `backends.${name}.model`] as const)
  for (const [name, key] of [...VARIABLES, ...models]) {
    const text = env[name]
    if (text && !isServiceLink(name, text)) set(schema, { key, name, value: text }, gathered)
  }
}

/** Lays the flags over what was gathered. `false` is the same as not given: no flag of ours is negative. */
export function applyFlags(schema: TObject, flags: ConfigFlags, gathered: Gathered): void {
  for (const [flag, name, key] of FLAGS) {
    const value = flags[flag]
    if (value !== undefined && value !== false) set(schema, { key, name, value }, gathered)
  }
}

/** What looks like a variable of ours but is not read: a slip of the pen, or a backend that is not there. */
export function unreadVariables(env: Env, backends: readonly string[]): string[] {
  const names = [...VARIABLES.map(([name]) => name), ...OTHER_VARIABLES, ...backends.map(modelVariable)]
  const bare = names.map((name) => name.slice('CLINVK_'.length))
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith('CLINVK_') || names.includes(name)) return []
    const meant = nearest(name.slice('CLINVK_'.length), bare)
    if (meant !== undefined) return [`${name} is not read: did you mean CLINVK_${meant}?`]
    return name.endsWith('_MODEL') ? [`${name} is not read: it names no backend of the configuration.`] : []
  })
}

function modelVariable(backend: string): string {
  return `CLINVK_${backend.toUpperCase().replaceAll('-', '_')}_MODEL`
}

// For a service with the name "clinvk", Kubernetes and Docker links set CLINVK_PORT=tcp://10.0.0.1:8080 in every
// container: that is their word and not ours.
function isServiceLink(name: string, text: string): boolean {
  return name === 'CLINVK_PORT' && /^(tcp|udp|sctp):\/\//.test(text)
}

function set(
  schema: TObject,
  { key, name, value }: { key: string; name: string; value: unknown },
  { value: root, places, problems }: Gathered,
): void {
  const path = key.split('.')
  const last = path.pop() ?? ''
  let part: TSchema = schema
  let target = root
  for (const step of path) {
    part = child(part, step)
    const next = target[step]
    const section = isRecord(next) ? next : {}
    target[step] = section
    target = section
  }
  const leaf = child(part, last)
  const place = { name }
  const converted = typeof value === 'string' ? fromText(leaf, value) : value
  const message = complaint(leaf, converted)
  places.set(key, place)
  if (message === undefined) target[last] = converted
  else {
    delete target[last]
    problems.push({ place, key, message })
  }
}

/** The schema of a key that is known to be there. */
function child(schema: TSchema, key: string): TSchema {
  const found: unknown = KindGuard.IsRecord(schema)
    ? Object.values(schema.patternProperties)[0]
    : schema['properties'][key]
  if (!KindGuard.IsSchema(found)) throw new Error(`The configuration has no key ${key}.`)
  return found
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
