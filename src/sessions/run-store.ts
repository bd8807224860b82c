import { type DatabaseOptions, openStore, type Query } from './database.ts'
import type { Row } from './rows.ts'
import type { KeptEvent, KeyedRun, NewRun, RunFilter, RunRecord, RunStore } from './run-types.ts'

/**
 * Opens the store of runs in a file, which may be that of the sessions.
 *
 * @throws `store_failed`
 */
export function openRunStore(path: string, options: DatabaseOptions = {}): RunStore {
  const { query, insert, reading, writing, close } = openStore(path, options)
  return {
    begin: (run) => writing(() => begin(query, run)),
    get: (id) =>
      reading(() => {
        const row = query(`${SELECT} WHERE id = $id`).get({ id })
        return row ? toRun(row) : undefined
      }),
    list: (filter) => reading(() => list(query, filter)),
    append(runId, events) {
      writing(() => {
        for (let from = 0; from < events.length; ) {
          const count = events.length - from < ROWS ? 1 : ROWS
          const rows = events.slice(from, from + count)
          insert(
            count === 1 ? INSERT_ONE : INSERT_MANY,
            rows.flatMap(({ sequence, at, event }) => [runId, sequence, at, JSON.stringify(event)]),
          )
          from += count
        }
      })
    },
    events: (runId, after, limit) =>
      reading(() =>
        query(
          'SELECT * FROM events WHERE run_id = $runId AND sequence > $after ORDER BY sequence LIMIT $limit',
        )
          .all({ runId, after, limit })
          .map(
            (row): KeptEvent => ({
              sequence: Number(row['sequence']),
              at: Number(row['at']),
              event: JSON.parse(String(row['event'])),
            }),
          ),
      ),
    end(id, status, endedAt, error) {
      writing(() => {
        query(
          `UPDATE runs SET status = $status, ended_at = $endedAt, error = $error
           WHERE id = $id AND status IN ('running', 'interrupted')`,
        ).run({ id, status, endedAt, error: error ? JSON.stringify(error) : null })
        query('DELETE FROM runs WHERE id = $id AND cancel = 2').run({ id })
      })
    },
    freeKey(id) {
      writing(() =>
        query('UPDATE runs SET idempotency_key = NULL, request_hash = NULL WHERE id = $id').run({ id }),
      )
    },
    renew: (id, until) =>
      writing(() => {
        const renewed = query(
          `UPDATE runs SET held_until = $until, status = 'running', ended_at = NULL
           WHERE id = $id AND status IN ('running', 'interrupted') RETURNING cancel`,
        ).get({ id, until })
        return Number(renewed?.['cancel'] ?? 0) > 0
      }),
    removeOf(sessionId) {
      writing(() => {
        const ofSession = "json_extract(about, '$.session_id') = $sessionId"
        query(`UPDATE runs SET cancel = 2 WHERE status = 'running' AND ${ofSession}`).run({ sessionId })
        query(`DELETE FROM runs WHERE status <> 'running' AND ${ofSession}`).run({ sessionId })
      })
    },
    askToCancel(id) {
      writing(() => query("UPDATE runs SET cancel = 1 WHERE id = $id AND status = 'running'").run({ id }))
    },
    findByKey: (caller, key) => reading(() => findByKey(query, caller, key)),
    markInterrupted: (isAlive, now) =>
      writing(() => {
        const running = query("SELECT id, holder, held_until FROM runs WHERE status = 'running'").all({})
        const lost = running.filter(
          ({ holder, held_until: until }) => Number(until) < now || !isAlive(String(holder)),
        )
        for (const { id } of lost)
          query("UPDATE runs SET status = 'interrupted', ended_at = $now WHERE id = $id").run({
            id: String(id),
            now,
          })
        return lost.map(({ id }) => String(id))
      }),
    remove(id) {
      writing(() => query('DELETE FROM runs WHERE id = $id').run({ id }))
    },
    removeOlderThan: (time) =>
      writing(
        () =>
          query("DELETE FROM runs WHERE created_at < $time AND status <> 'running'").run({ time }).changes,
      ),
    close,
  }
}

/** Rows that one statement inserts where there are so many: less than two thirds of the work of as many statements. */
const ROWS = 32
const INSERT_ONE = 'INSERT INTO events (run_id, sequence, at, event) VALUES (?, ?, ?, ?)'
const INSERT_MANY = INSERT_ONE + ', (?, ?, ?, ?)'.repeat(ROWS - 1)

const SELECT = `
  SELECT runs.*, (SELECT coalesce(max(sequence), 0) FROM events WHERE run_id = runs.id) AS event_count FROM runs`

function findByKey(query: Query, caller: string | undefined, key: string): KeyedRun | undefined {
  const row = query(
    `SELECT id, request_hash FROM runs WHERE coalesce(caller, '') = $caller AND idempotency_key = $key`,
  ).get({ caller: caller ?? '', key })
  if (!row) return undefined
  const { id, request_hash: hash } = row
  return { id: String(id), hash: typeof hash === 'string' ? hash : undefined }
}

function begin(query: Query, run: NewRun): KeyedRun | undefined {
  const { idempotency } = run
  const known = idempotency && findByKey(query, run.caller, idempotency.key)
  if (known) return known
  query(
    `INSERT INTO runs (id, kind, caller, about, status, created_at, holder, held_until, idempotency_key, request_hash)
     VALUES ($id, $kind, $caller, $about, 'running', $createdAt, $holder, $heldUntil, $key, $hash)`,
  ).run({
    id: run.id,
    kind: run.kind,
    caller: run.caller ?? null,
    about: JSON.stringify(run.about),
    createdAt: run.createdAt,
    holder: run.holder,
    heldUntil: run.heldUntil,
    key: idempotency?.key ?? null,
    hash: idempotency?.hash ?? null,
  })
  return undefined
}

function list(query: Query, { caller, status, kind, session, limit, offset = 0 }: RunFilter) {
  const conditions = [
    'caller IS $caller',
    status === undefined ? '' : 'status = $status',
    kind === undefined ? '' : 'kind = $kind',
    session === undefined ? '' : "json_extract(about, '$.session_id') = $session",
  ].filter((condition) => condition !== '')
  const values = {
    caller: caller ?? null,
    ...(status === undefined ? {} : { status }),
    ...(kind === undefined ? {} : { kind }),
    ...(session === undefined ? {} : { session }),
  }
  const where = `WHERE ${conditions.join(' AND ')}`
  return {
    total: Number(query(`SELECT count(*) AS total FROM runs ${where}`).get(values)?.['total'] ?? 0),
    runs: query(`${SELECT} ${where} ORDER BY created_at DESC, id LIMIT $limit OFFSET $offset`)
      .all({ ...values, limit, offset })
      .map(toRun),
  }
}

function toRun(row: Row): RunRecord {
  return {
    id: String(row['id']),
    kind: String(row['kind']),
    about: JSON.parse(String(row['about'])),
    status: String(row['status']) as RunRecord['status'],
    createdAt: Number(row['created_at']),
    eventCount: Number(row['event_count']),
    ...(typeof row['caller'] === 'string' ? { caller: row['caller'] } : {}),
    ...(typeof row['error'] === 'string' ? { error: JSON.parse(row['error']) } : {}),
    ...(typeof row['ended_at'] === 'number' ? { endedAt: row['ended_at'] } : {}),
  }
}
