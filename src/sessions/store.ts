import type { Usage } from '../agents/types.ts'
import { ClinvkError } from '../errors.ts'
import { type DatabaseOptions, openStore, type Query } from './database.ts'
import { toSession, toTurn } from './rows.ts'
import type {
  NewSession,
  SessionChanges,
  SessionFilter,
  SessionPage,
  SessionRecord,
  SessionStore,
  TurnOutcome,
} from './types.ts'

/**
 * Opens the store in a file. It is made where it is missing.
 *
 * @throws `store_failed`
 */
export function openSessionStore(path: string, options: DatabaseOptions = {}): SessionStore {
  const { query, reading, writing, close } = openStore(path, options)
  const one = (id: string) => {
    const row = query(`${SELECT} WHERE sessions.id = $id`).get({ id })
    return row ? toSession(row) : undefined
  }

  const setTags = (id: string, tags: readonly string[]) => {
    query('DELETE FROM tags WHERE session_id = $id').run({ id })
    for (const [place, tag] of [...new Set(tags.map((tag) => tag.toWellFormed()))].entries())
      query('INSERT INTO tags (session_id, place, tag) VALUES ($id, $place, $tag)').run({ id, place, tag })
  }

  const insert = (session: NewSession) => {
    query(INSERT).run({
      id: session.id,
      backend: session.backend,
      agentSessionId: session.agentSessionId ?? null,
      agentVersion: session.agentVersion ?? null,
      model: session.model ?? null,
      workdir: session.workdir,
      title: session.title ?? null,
      metadata: JSON.stringify(session.metadata),
      parent: session.parent ?? null,
      options: JSON.stringify(session.options ?? null),
      at: session.createdAt,
    })
    setTags(session.id, session.tags)
  }

  return {
    create: (session) => writing(() => insert(session)),
    get: (id) => reading(() => one(id)),
    startingWith: (prefix) =>
      reading(() =>
        query(`${SELECT} WHERE substr(sessions.id, 1, $length) = $prefix ORDER BY sessions.id LIMIT 2`)
          .all({ prefix, length: prefix.length })
          .map(toSession),
      ),
    list: (filter) => reading(() => list(query, filter)),
    change: (id, changes: SessionChanges) =>
      writing(() => {
        if (!one(id)) return undefined
        if (changes.title !== undefined)
          query('UPDATE sessions SET title = $title WHERE id = $id').run({ id, title: changes.title })
        if (changes.tags !== undefined) setTags(id, changes.tags)
        return one(id)
      }),
    importEarlier(sessions) {
      writing(() => {
        for (const session of sessions) {
          const { id } = session
          const isNew = query('INSERT OR IGNORE INTO imported (id) VALUES ($id)').run({ id }).changes > 0
          if (!isNew || one(id)) continue
          insert(session)
          query(
            `UPDATE sessions SET status = $status, last_used_at = $lastUsedAt, initial_prompt = $initialPrompt,
               turn_count = $turnCount, usage = $usage
             WHERE id = $id`,
          ).run({
            id,
            status: session.status,
            lastUsedAt: session.lastUsedAt,
            initialPrompt: session.initialPrompt?.slice(0, INITIAL_PROMPT_CHARS) ?? null,
            turnCount: session.turnCount,
            usage: JSON.stringify(session.usage),
          })
        }
      })
    },
    keepOptions(id, options) {
      writing(() =>
        query('UPDATE sessions SET options = $options WHERE id = $id').run({
          id,
          options: JSON.stringify(options),
        }),
      )
    },
    fork(id, copy, now) {
      writing(() => {
        query(
          `INSERT INTO sessions (id, backend, agent_version, model, workdir, title, metadata, status, parent, options,
             created_at, last_used_at, initial_prompt, turn_count)
           SELECT $copy, backend, agent_version, model, workdir, title, metadata,
             CASE status WHEN 'running' THEN 'idle' ELSE status END, id, options, $now, $now, initial_prompt,
             turn_count - (SELECT count(*) FROM turns WHERE session_id = $id AND status = 'running')
           FROM sessions WHERE id = $id`,
        ).run({ id, copy, now })
        // What they took was paid for once, in the original.
        query(
          `INSERT INTO turns (id, session_id, number, prompt, answer, tools, status, stop_reason, model, error,
             started_at, ended_at)
           SELECT id || '.' || $copy, $copy, row_number() OVER (ORDER BY number), prompt, answer, tools, status,
             stop_reason, model, error, started_at, ended_at
           FROM turns WHERE session_id = $id AND status <> 'running'`,
        ).run({ id, copy })
      })
    },
    remove: (id) => writing(() => query('DELETE FROM sessions WHERE id = $id').run({ id }).changes > 0),
    turns: (sessionId) =>
      reading(() =>
        query('SELECT * FROM turns WHERE session_id = $sessionId ORDER BY number')
          .all({ sessionId })
          .map(toTurn),
      ),
    beginTurn({ id, sessionId, prompt, startedAt }) {
      writing(() => {
        query(
          `INSERT INTO turns (id, session_id, number, prompt, status, started_at)
           SELECT $id, $sessionId, turn_count + 1, $prompt, 'running', $startedAt FROM sessions WHERE id = $sessionId`,
        ).run({ id, sessionId, prompt, startedAt })
        query(
          `UPDATE sessions SET status = 'running', turn_count = turn_count + 1, last_used_at = $startedAt,
             initial_prompt = coalesce(initial_prompt, $prompt)
           WHERE id = $sessionId`,
        ).run({ sessionId, startedAt, prompt: prompt.slice(0, INITIAL_PROMPT_CHARS) })
      })
    },
    endTurn(id, outcome) {
      writing(() => endTurn(query, id, outcome))
    },
    keepAnswer(turnId, answer) {
      writing(() =>
        query(
          "UPDATE turns SET answer = $answer WHERE id = $turnId AND status = 'interrupted' AND answer = ''",
        ).run({ turnId, answer }),
      )
    },
    lock: (id, holder, until) =>
      writing(
        () =>
          query(
            `UPDATE sessions SET holder = $holder, held_until = $until
             WHERE id = $id AND (holder IS NULL OR holder = $holder OR held_until < $now)`,
          ).run({ id, holder, until, now: Date.now() }).changes > 0,
      ),
    unlock(id, holder) {
      writing(() =>
        query('UPDATE sessions SET holder = NULL, held_until = NULL WHERE id = $id AND holder = $holder').run(
          {
            id,
            holder,
          },
        ),
      )
    },
    markInterrupted: (isAlive, now) =>
      writing(() => {
        const running = query(
          `SELECT turns.id AS turn, sessions.id AS session, holder, held_until FROM turns
           JOIN sessions ON sessions.id = session_id WHERE turns.status = 'running'`,
        ).all({})
        const lost = running.filter(
          ({ holder, held_until: until }) =>
            typeof holder !== 'string' || Number(until ?? 0) < now || !isAlive(holder),
        )
        for (const { turn, session } of lost) {
          query("UPDATE turns SET status = 'interrupted', ended_at = $now WHERE id = $turn").run({
            turn: String(turn),
            now,
          })
          query(
            "UPDATE sessions SET status = 'interrupted', holder = NULL, held_until = NULL WHERE id = $session",
          ).run({ session: String(session) })
        }
        return [...new Set(lost.map(({ session }) => String(session)))]
      }),
    removeOlderThan: (time) =>
      writing(() =>
        query("DELETE FROM sessions WHERE last_used_at < $time AND status <> 'running' RETURNING id")
          .all({ time })
          .map(({ id }) => String(id)),
      ),
    close,
  }
}

/** How much of the first prompt stands in lists, in characters. */
const INITIAL_PROMPT_CHARS = 500

const INSERT = `
  INSERT INTO sessions (id, backend, agent_session_id, agent_version, model, workdir, title, metadata, status, parent,
    options, created_at, last_used_at)
  VALUES ($id, $backend, $agentSessionId, $agentVersion, $model, $workdir, $title, $metadata, 'idle', $parent,
    $options, $at, $at)`

const SELECT = `
  SELECT sessions.*,
    (SELECT json_group_array(tag) FROM (SELECT tag FROM tags WHERE session_id = sessions.id ORDER BY place)) AS tags
  FROM sessions`

function list(query: Query, filter: SessionFilter): SessionPage {
  const { backend, status, tag, workdir, text, limit, offset = 0, after } = filter
  const conditions = [
    backend === undefined ? '' : 'backend = $backend',
    status === undefined ? '' : 'status = $status',
    workdir === undefined ? '' : 'workdir = $workdir',
    tag === undefined ? '' : 'EXISTS (SELECT 1 FROM tags WHERE session_id = sessions.id AND tag = $tag)',
    text === undefined
      ? ''
      : `(instr(lower(coalesce(title, '')), lower($text)) OR instr(sessions.id, $text) OR EXISTS (
           SELECT 1 FROM turns WHERE session_id = sessions.id
             AND (instr(lower(prompt), lower($text)) OR instr(lower(answer), lower($text)))))`,
  ].filter((condition) => condition !== '')
  const values = {
    ...(backend === undefined ? {} : { backend }),
    ...(status === undefined ? {} : { status }),
    ...(workdir === undefined ? {} : { workdir }),
    ...(tag === undefined ? {} : { tag }),
    ...(text === undefined ? {} : { text }),
  }
  const where = (more: readonly string[] = []) => {
    const all = [...conditions, ...more]
    return all.length === 0 ? '' : `WHERE ${all.join(' AND ')}`
  }
  const total = Number(query(`SELECT count(*) AS total FROM sessions ${where()}`).get(values)?.['total'] ?? 0)
  // A cursor holds its place however many sessions were used or removed since.
  const place = after === undefined ? undefined : fromCursor(after)
  const behind = place ? ['(last_used_at < $at OR (last_used_at = $at AND sessions.id > $last))'] : []
  const rows = query(
    `${SELECT} ${where(behind)} ORDER BY last_used_at DESC, sessions.id LIMIT $limit OFFSET $offset`,
  ).all({ ...values, ...(place ?? {}), limit: limit + 1, offset })
  const sessions = rows.slice(0, limit).map(toSession)
  const last = sessions.at(-1)
  return { sessions, total, ...(rows.length > limit && last ? { next: toCursor(last) } : {}) }
}

function toCursor({ lastUsedAt, id }: SessionRecord): string {
  return Buffer.from(JSON.stringify([lastUsedAt, id])).toString('base64url')
}

/** @throws `invalid_request` for what is no cursor. */
function fromCursor(cursor: string): { at: number; last: string } {
  try {
    const [at, last] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    if (typeof at === 'number' && typeof last === 'string') return { at, last }
  } catch {}
  throw new ClinvkError('invalid_request', 'cursor is none that a page of this list gave.')
}

function endTurn(query: Query, id: string, outcome: TurnOutcome): void {
  const turn = query('SELECT * FROM turns WHERE id = $id').get({ id })
  if (!turn) return
  const { sessionId } = toTurn(turn)
  query(
    `UPDATE turns SET answer = $answer, tools = $tools, status = $status, stop_reason = $stopReason, model = $model,
       usage = $usage, cost_usd = $costUsd, error = $error, ended_at = $endedAt
     WHERE id = $id`,
  ).run({
    id,
    answer: outcome.answer,
    tools: JSON.stringify(outcome.tools),
    status: outcome.status,
    stopReason: outcome.stopReason ?? null,
    model: outcome.model ?? null,
    usage: outcome.usage ? JSON.stringify(outcome.usage) : null,
    costUsd: outcome.costUsd ?? null,
    error: outcome.error ? JSON.stringify(outcome.error) : null,
    endedAt: outcome.endedAt,
  })
  const before = query(`${SELECT} WHERE sessions.id = $sessionId`).get({ sessionId })
  if (!before) return
  const session = toSession(before)
  const cost = outcome.costUsd === undefined ? session.costUsd : (session.costUsd ?? 0) + outcome.costUsd
  query(
    `UPDATE sessions SET status = $status, last_used_at = $endedAt, usage = $usage, cost_usd = $costUsd,
       agent_session_id = coalesce($agentSessionId, agent_session_id),
       agent_version = coalesce($agentVersion, agent_version), model = coalesce($model, model)
     WHERE id = $sessionId`,
  ).run({
    sessionId,
    status: outcome.status,
    endedAt: outcome.endedAt,
    usage: JSON.stringify(addUsage(session.usage, outcome.usage)),
    costUsd: cost ?? null,
    agentSessionId: outcome.agentSessionId ?? null,
    agentVersion: outcome.agentVersion ?? null,
    model: outcome.model ?? null,
  })
}

/** What is not known of one of them is not made up: a sum is of what was told. */
function addUsage(sum: Usage, more: Usage | undefined): Usage {
  const added: Record<string, number> = { ...sum }
  for (const [name, count] of Object.entries(more ?? {})) added[name] = (added[name] ?? 0) + count
  return added
}
