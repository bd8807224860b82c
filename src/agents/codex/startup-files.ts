import { join } from 'node:path'
import { type Fields, fields } from '../fields.ts'
import { programFiles } from '../pool/program.ts'
import type { WatchedFile } from '../pool/types.ts'
import { codexHome, INSTRUCTION_FILES } from './private-home.ts'

/**
 * What an app-server reads once, when it starts. It does not notice a login that comes later, or another one. Of its
 * home it makes `installation_id` and databases, and wrote neither of these two in threads and turns of ours (0.169.0).
 * But other threads make it write what is left out below.
 *
 * @param passing whether its home is made without the user's own instructions, if there are any.
 */
export function startupFiles(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  passing: boolean,
): readonly WatchedFile[] {
  const home = codexHome(env)
  return [
    ...programFiles(command, env),
    { path: join(home, 'config.toml'), essence: configEssence },
    { path: join(home, 'auth.json'), essence: login },
    ...(passing ? INSTRUCTION_FILES.map((name) => ({ path: join(home, name), essence: isThere })) : []),
  ]
}

/** Without the folders that are trusted, which it adds to itself and reads for each thread, and what it has shown. */
export function configEssence(text: string): Fields {
  const config = fields(Bun.TOML.parse(text))
  return Object.fromEntries(Object.entries(config).filter(([name]) => !NOTED.has(name)))
}

const NOTED: ReadonlySet<string> = new Set(['projects', 'notice'])

/** All of it: a renewal of the login, which is days after the last, is best known to all processes too. */
function login(text: string): unknown {
  return JSON.parse(text)
}

function isThere(text: string): boolean {
  return text.length > 0
}
