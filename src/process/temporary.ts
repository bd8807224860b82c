import { mkdtemp, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ClinvkError } from '../errors.ts'

/** What to do where no temporary files can be written. */
export const TEMPORARY_TODO =
  'Set TMPDIR to a folder that exists, that you may write to and that has room, or leave it out.'

/**
 * Makes a folder of our own where the system has temporary files.
 *
 * @throws `backend_not_ready` that names the place and what to do.
 */
export async function makeTemporary(prefix: string): Promise<string> {
  return await amongTemporary(async (place) => await mkdtemp(join(place, prefix)))
}

/** Does something in the place for temporary files. @throws as {@link makeTemporary}. */
export async function amongTemporary<T>(work: (place: string) => Promise<T>): Promise<T> {
  const place = tmpdir()
  try {
    return await work(place)
  } catch (cause) {
    if (cause instanceof ClinvkError) throw cause
    const message = `Temporary files cannot be written in ${place} (${whyNot(cause)}). ${TEMPORARY_TODO}`
    throw new ClinvkError('backend_not_ready', message, { cause })
  }
}

/** Why nothing can be written in a folder, or undefined where it can be. Rights alone do not tell of a full disk. */
export async function whyNotWritable(folder: string): Promise<string | undefined> {
  const probe = join(folder, `.clinvk-${crypto.randomUUID()}`)
  try {
    if (!(await stat(folder)).isDirectory()) return 'it is no folder'
    await writeFile(probe, PROBE, { flag: 'wx', mode: 0o600 })
    return undefined
  } catch (error) {
    return whyNot(error)
  } finally {
    await unlink(probe).catch(() => {})
  }
}

/** Files without anything in them can be made on a full disk. */
const PROBE = new Uint8Array(4096)

/** A word for an error of the file system. */
export function whyNot(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return WORDS[code] ?? (code === '' ? 'for an unknown reason' : code)
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is no folder',
  EACCES: 'this user may not',
  EPERM: 'this user may not',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EMFILE: 'too many files are open',
  ENFILE: 'too many files are open',
}
