import { Database } from 'bun:sqlite'
import { accessSync, constants, statSync } from 'node:fs'
import { ClinvkError } from '../errors.ts'
import { requireFile, storeError } from './database.ts'
import { MIGRATIONS } from './migrations.ts'

/** What can be said of a store without changing it. */
export interface StoreFacts {
  /** Its form, a number that grows. */
  readonly version: number
  /** The form that this clinvk works with, and brings an older one to. */
  readonly ownVersion: number
  /** With what is not yet part of the main file. */
  readonly bytes: number
}

/** How long to wait for a process that keeps others out, in ms. */
const BUSY_MS = 2000
/** The largest file that is read as a whole to see whether it is sound. */
const MOST_CHECKED_BYTES = 32 * 1024 * 1024

/**
 * Looks at the store, which a server may be using: it is opened to be read, and readers keep nobody waiting.
 *
 * @returns undefined where there is no store yet.
 * @throws `store_failed` that says what is wrong with the file and what to do.
 */
export function inspectStore(path: string): StoreFacts | undefined {
  const size = (file: string) => statSync(file, { throwIfNoEntry: false })?.size
  try {
    requireFile(path)
    const main = size(path)
    if (main === undefined) return undefined
    const bytes = main + (size(`${path}-wal`) ?? 0)
    accessSync(path, constants.R_OK | constants.W_OK)
    const database = new Database(path, { readonly: true, strict: true })
    try {
      database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`)
      const { user_version: version } = database.query('PRAGMA user_version').get() as {
        user_version: number
      }
      database.query('SELECT count(*) FROM sqlite_schema').get()
      if (bytes <= MOST_CHECKED_BYTES) requireSound(database, path)
      return { version, ownVersion: MIGRATIONS.length, bytes }
    } finally {
      database.close()
    }
  } catch (error) {
    throw storeError(error, path)
  }
}

function requireSound(database: Database, path: string): void {
  const { quick_check: found } = database.query('PRAGMA quick_check(1)').get() as { quick_check: string }
  if (found === 'ok') return
  throw new ClinvkError(
    'store_failed',
    `The store ${path} is damaged (${found}). Put it aside, and a new one is made; what can be saved of it sqlite3 saves with .recover.`,
  )
}
