import { readFile, realpath, stat } from 'node:fs/promises'
import type { WatchedFile } from './types.ts'

/** Tells whether files have changed: while they have not, by their metadata alone. */
export interface Fingerprints {
  /** Equal for files that are the same. A file that is missing is a value too. */
  of(files: readonly WatchedFile[]): Promise<string>
}

interface Known {
  readonly stamp: string
  readonly essence: (text: string) => unknown
  readonly value: string
}

export function createFingerprints(): Fingerprints {
  const known = new Map<string, Known>()
  const looking = new Map<string, Promise<string>>()

  const print = async (file: WatchedFile): Promise<string> => {
    const path = typeof file === 'string' ? file : file.path
    const stamp = await stampOf(path)
    if (typeof file === 'string' || stamp === undefined) return stamp ?? 'missing'
    const { essence } = file
    const before = known.get(path)
    if (before?.stamp === stamp && before.essence === essence) return before.value
    const text = await readFile(path, 'utf8').catch(() => undefined)
    const value = text === undefined ? 'missing' : String(Bun.hash(essenceOf(text, essence)))
    known.set(path, { stamp, essence, value })
    return value
  }
  /** Those who ask at once are answered in their order, and with one look. */
  const look = (file: WatchedFile): Promise<string> => {
    const path = typeof file === 'string' ? file : file.path
    const found = looking.get(path) ?? print(file).finally(() => looking.delete(path))
    looking.set(path, found)
    return found
  }

  return {
    of: async (files) => (await Promise.all(files.map(look))).join(' '),
  }
}

async function stampOf(path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path)
    const { ino, size, mtimeMs } = await stat(real)
    return JSON.stringify([real, ino, size, mtimeMs])
  } catch {
    return undefined
  }
}

function essenceOf(text: string, essence: (text: string) => unknown): string {
  try {
    return JSON.stringify(essence(text)) ?? 'nothing'
  } catch {
    return text
  }
}
