import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ClinvkError } from '../../errors.ts'
import { type Fields, fields } from '../fields.ts'

/**
 * What the user's settings of OpenCode say of providers: many have a key or an address there and no login besides.
 * The logins themselves are not in the settings.
 *
 * @throws `unsupported_option` for settings that are no JSON.
 */
export function providerSettings(env: Readonly<Record<string, string>>): Fields {
  return settingsFiles(env)
    .filter((path) => existsSync(path))
    .map(read)
    .reduce(merge, {})
}

const ABOUT_PROVIDERS: readonly string[] = ['provider', 'model', 'enabled_providers', 'disabled_providers']

/** The user's settings, in the order in which OpenCode reads them: the last one counts. */
export function settingsFiles(env: Readonly<Record<string, string>>): readonly string[] {
  const home = env['HOME'] || env['USERPROFILE']
  const base = env['XDG_CONFIG_HOME'] || (home ? join(home, '.config') : undefined)
  const folder = base === undefined ? undefined : join(base, 'opencode')
  const named = env['OPENCODE_CONFIG']
  return [
    ...(folder === undefined
      ? []
      : ['config.json', 'opencode.json', 'opencode.jsonc'].map((name) => join(folder, name))),
    ...(named ? [named] : []),
  ]
}

function read(path: string): Fields {
  // `{file:…}` is replaced by a file's content, which is looked for next to the settings.
  const text = readFileSync(path, 'utf8').replace(
    /\{file:(?![/~]|[A-Za-z]:)([^}]+)\}/g,
    (_, name: string) => `{file:${join(dirname(path), name)}}`,
  )
  try {
    const settings = fields(Bun.JSONC.parse(text))
    return Object.fromEntries(Object.entries(settings).filter(([name]) => ABOUT_PROVIDERS.includes(name)))
  } catch {
    throw new ClinvkError(
      'unsupported_option',
      `profile "pure": ${path} has OpenCode's settings and is no JSON.`,
    )
  }
}

function merge(base: Fields, over: Fields): Fields {
  const both = Object.entries(over).map(([name, value]): [string, unknown] => {
    const old = base[name]
    return [name, isObject(value) && isObject(old) ? merge(fields(old), fields(value)) : value]
  })
  return { ...base, ...Object.fromEntries(both) }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
