import { Database, SQLiteError } from 'bun:sqlite'
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { ClinvkError } from '../errors.ts'
import { MIGRATIONS } from './migrations.ts'
import type { Row } from './rows.ts'

/** How long a writer waits for another process, in ms. Without it half of the writes of several at once fail. */
const BUSY_MS = 10_000

/** The path of a database that goes with the process. */
export const IN_MEMORY = ':memory:'

/** For tests of what goes wrong. */
export interface DatabaseOptions {
  readonly busyMs?: number
  /** How large it may grow, in pages of SQLite. */
  readonly maxPages?: number
}

/**
 * Opens the database and brings it to the newest form. Only its owner can read it: SQLite gives the files beside it the
 * mode of the first.
 *
 * @throws `store_failed` that says what is wrong with the file and what to do.
 */
function openDatabase(path: string, { busyMs = BUSY_MS, maxPages }: DatabaseOptions): Database {
  try {
    if (path !== IN_MEMORY) {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      requireFile(path)
      closeSync(openSync(path, 'a', 0o600))
    }
    const database = new Database(path, { strict: true })
    try {
      // First of all: even the next line may have to wait for another process.
      database.exec(`PRAGMA busy_timeout = ${busyMs}`)
      if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`)
      switchToWal(database, busyMs)
      database.exec('PRAGMA synchronous = NORMAL')
      database.exec('PRAGMA foreign_keys = ON')
      migrate(database, path)
    } catch (error) {
      database.close()
      throw error
    }
    return database
  } catch (error) {
    throw storeError(error, path)
  }
}

/** A file, or nothing yet: to open a pipe that nobody reads would take for ever. @throws `store_failed` */
export function requireFile(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found || found.isFile()) return
  throw new ClinvkError(
    'store_failed',
    `The store ${path} is no regular file. Put it aside, or set CLINVK_HOME to another folder.`,
  )
}

/**
 * Lets readers and a writer go on beside each other. SQLite does not wait for its turn in this, whatever the timeout: where
 * several processes open a new file at once, all but one are refused.
 */
function switchToWal(database: Database, busyMs: number): void {
  const deadline = performance.now() + busyMs
  for (;;) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      const busy = error instanceof SQLiteError && /BUSY|LOCKED/.test(error.code ?? '')
      if (!busy || performance.now() > deadline) throw error
      Bun.sleepSync(WAL_RETRY_MS)
    }
  }
}

const WAL_RETRY_MS = 5

/** Statements of a database, prepared once each. */
export type Query = (sql: string) => {
  all(values: Values): Row[]
  get(values: Values): Row | null
  run(values: Values): { changes: number }
}
type Value = string | number | null
type Values = Record<string, Value>

/** An open database, as the stores use it. What fails is thrown as `store_failed`. */
export interface OpenStore {
  readonly query: Query
  /** Runs a statement whose values have no names. */
  insert(sql: string, values: readonly Value[]): void
  reading<T>(work: () => T): T
  /** In one transaction that other processes wait for, so that what is read in it is still true when it is written. */
  writing<T>(work: () => T): T
  close(): void
}

/** @throws `store_failed` */
export function openStore(path: string, options: DatabaseOptions): OpenStore {
  const database = openDatabase(path, options)
  return {
    query: (sql) => database.query<Row, Values>(sql),
    insert: (sql, values) => void database.query<Row, Value[]>(sql).run(...values),
    reading: (work) => guarded(path, work),
    writing: (work) => guarded(path, () => database.transaction(work).immediate()),
    close: () => database.close(),
  }
}

/** Runs what may fail in the store. */
function guarded<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw storeError(error, path)
  }
}

function migrate(database: Database, path: string): void {
  const version = () => (database.query('PRAGMA user_version').get() as { user_version: number }).user_version
  if (version() > MIGRATIONS.length)
    throw new ClinvkError(
      'store_failed',
      `${path} was made by a newer clinvk. Use that one, or set CLINVK_HOME to another folder.`,
    )
  if (version() === MIGRATIONS.length) return
  // Another process may be at it: whoever comes second finds nothing left to do.
  database
    .transaction(() => {
      for (const [index, sql] of MIGRATIONS.entries()) if (version() <= index) step(database, sql, index + 1)
    })
    .immediate()
}

function step(database: Database, sql: string, version: number): void {
  database.exec(sql)
  database.exec(`PRAGMA user_version = ${version}`)
}

/** The error for what SQLite or the file system said of the file, in words that say what to do. */
export function storeError(error: unknown, path: string): unknown {
  if (error instanceof SQLiteError) {
    const told = TOLD.find(({ codes }) => codes.test(error.code ?? ''))?.told ?? 'cannot be used'
    return new ClinvkError('store_failed', `The store ${path} ${told} (${error.message}).`, { cause: error })
  }
  if (error instanceof ClinvkError) return error
  const code = (error as NodeJS.ErrnoException | null)?.code
  if (code === undefined) return error
  const told = code === 'ENOSPC' ? 'cannot grow: the disk is full' : 'cannot be opened'
  return new ClinvkError('store_failed', `The store ${path} ${told} (${code}).`, { cause: error })
}

const TOLD: readonly { readonly codes: RegExp; readonly told: string }[] = [
  { codes: /BUSY|LOCKED/, told: 'is held by another process for too long' },
  { codes: /FULL/, told: 'cannot grow: the disk is full. Free some space, then try again' },
  {
    codes: /READONLY|CANTOPEN|PERM/,
    told: 'cannot be written to: look at the rights of the file and its folder',
  },
  {
    codes: /CORRUPT|NOTADB/,
    told: 'is damaged. Put it aside, and a new one is made; what can be saved of it sqlite3 saves with .recover',
  },
  { codes: /IOERR/, told: 'cannot be read or written: the disk fails' },
]
