import { mkdir, readdir, stat, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'

/**
 * Makes a home for Codex in `folder` that has the user's login, configuration and rules but not the user's own
 * AGENTS.md, which no setting of Codex leaves out. Entries are links, so that a login which Codex renews is renewed for
 * its user too: it writes through links, 0.169 at least.
 *
 * Conversations cannot be kept in it: Codex remembers where they were written, and that place goes away.
 *
 * @returns the home, or `undefined` where the user's own home has nothing to leave out.
 */
export async function makePrivateHome(
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const own = codexHome(env)
  const entries = await readdir(own).catch(() => [])
  const instructions = entries.filter((name) => INSTRUCTION_FILES.includes(name))
  const sizes = await Promise.all(instructions.map((name) => stat(join(own, name)).catch(() => undefined)))
  if (!sizes.some((found) => found?.isFile() && found.size > 0)) return undefined

  const home = join(folder, 'home')
  await mkdir(home, { mode: 0o700 })
  // The lock may not be there yet; it keeps two processes from renewing one login at once.
  const names = new Set([...entries.filter((name) => !LEFT_OUT.test(name)), 'auth.lock'])
  await Promise.all([...names].map((name) => symlink(join(own, name), join(home, name))))
  return home
}

/** The user's own instructions, whatever the folder. */
export const INSTRUCTION_FILES: readonly string[] = ['AGENTS.md', 'AGENTS.override.md']

/** The home of its user. */
export function codexHome(env: Readonly<Record<string, string>>): string {
  return resolve(env['CODEX_HOME'] || join(env['HOME'] || homedir(), '.codex'))
}

/** What speaks or acts for the user, and what belongs to the processes and conversations of a home. */
const LEFT_OUT =
  /^(AGENTS(\.override)?\.md|skills|prompts|plugins|hooks\.json|memories.*|sessions|archived_sessions|history\.jsonl|.*\.sqlite(-.*)?|\.?tmp|log|shell_snapshots|thread-writer-locks)$/
