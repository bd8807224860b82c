import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path'
import { ClinvkError } from '../errors.ts'

/** Where agents may work. Prefixes are folders; a folder below one counts as inside it. */
export interface WorkdirRules {
  /** Used when a request names none. Absolute. */
  readonly defaultFolder: string
  /** Empty: everywhere but the root of the file system. */
  readonly allowed: readonly string[]
  /** Wins over `allowed`. */
  readonly blocked: readonly string[]
}

/**
 * The real path of the folder that a turn works in. The rules apply to where it really is, symbolic links
 * resolved, and to the default folder as well.
 *
 * @throws `invalid_workdir` for a folder that is not there or not absolute, `workdir_refused` by the rules.
 */
export async function resolveWorkdir(asked: string | undefined, rules: WorkdirRules): Promise<string> {
  const named = asked ?? rules.defaultFolder
  if (named.trim() === '')
    throw new ClinvkError('invalid_workdir', 'workdir is empty. Name an absolute folder, or leave it out.')
  if (named.includes('\0')) throw new ClinvkError('invalid_workdir', 'workdir holds a NUL character.')
  if (!isAbsolute(named))
    throw new ClinvkError('invalid_workdir', `workdir "${named}" is not absolute. Name the whole path.`)
  const real = await realpath(named).catch(() => undefined)
  const found = real === undefined ? undefined : await stat(real).catch(() => undefined)

  const allowed = await Promise.all(rules.allowed.map(realOrSame))
  const blocked = await Promise.all(rules.blocked.map(realOrSame))
  const folder = real ?? (await realAsFarAsThere(named))
  // Refused before it is called missing, so that nobody can feel out what exists in forbidden places.
  if (blocked.some((prefix) => isInside(folder, prefix))) throw refused(named)
  if (allowed.length > 0 && !allowed.some((prefix) => isInside(folder, prefix))) throw refused(named)
  if (real === undefined || !found)
    throw new ClinvkError('invalid_workdir', `workdir "${named}" does not exist or cannot be read.`)
  if (!found.isDirectory()) throw new ClinvkError('invalid_workdir', `workdir "${named}" is not a folder.`)
  if (allowed.length === 0 && isRoot(real))
    throw new ClinvkError(
      'workdir_refused',
      `workdir "${named}" is the root of the file system. Name a folder in it, or allow it in server.allowed_workdir_prefixes.`,
    )
  return real
}

/** The real path of what exists of a path, with the rest behind it. */
async function realAsFarAsThere(path: string): Promise<string> {
  const whole = resolve(path)
  const real = await realpath(whole).catch(() => undefined)
  if (real !== undefined) return real
  const parent = dirname(whole)
  return parent === whole ? whole : join(await realAsFarAsThere(parent), basename(whole))
}

function refused(named: string): ClinvkError {
  return new ClinvkError(
    'workdir_refused',
    `workdir "${named}" is outside the folders that the operator allows (server.allowed_workdir_prefixes, server.blocked_workdir_prefixes).`,
  )
}

async function realOrSame(path: string): Promise<string> {
  return await realpath(path).catch(() => path)
}

function isInside(folder: string, prefix: string): boolean {
  if (isRoot(prefix)) return true
  const trimmed = prefix.endsWith(sep) ? prefix.slice(0, -1) : prefix
  return folder === trimmed || folder.startsWith(trimmed + sep)
}

function isRoot(path: string): boolean {
  return /^([A-Za-z]:)?[\\/]+$/.test(path)
}
