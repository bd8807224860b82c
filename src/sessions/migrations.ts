/** What brings the database from each version to the next. What was released once is never changed. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    backend TEXT NOT NULL,
    agent_session_id TEXT,
    agent_version TEXT,
    model TEXT,
    workdir TEXT NOT NULL,
    title TEXT,
    metadata TEXT NOT NULL,
    status TEXT NOT NULL,
    parent TEXT,
    options TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    initial_prompt TEXT,
    turn_count INTEGER NOT NULL DEFAULT 0,
    usage TEXT NOT NULL DEFAULT '{}',
    cost_usd REAL,
    holder TEXT,
    held_until INTEGER
  ) STRICT;
  CREATE INDEX sessions_by_use ON sessions (last_used_at DESC, id);
  CREATE TABLE tags (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (session_id, tag)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tags_by_name ON tags (tag);
  CREATE TABLE turns (
    id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    prompt TEXT NOT NULL,
    answer TEXT NOT NULL DEFAULT '',
    tools TEXT NOT NULL DEFAULT '[]',
    status TEXT NOT NULL,
    stop_reason TEXT,
    model TEXT,
    usage TEXT,
    cost_usd REAL,
    error TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    UNIQUE (session_id, number)
  ) STRICT;
  CREATE INDEX running_turns ON turns (status) WHERE status = 'running';
  `,
  `
  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    caller TEXT,
    about TEXT NOT NULL,
    status TEXT NOT NULL,
    error TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER,
    holder TEXT NOT NULL,
    held_until INTEGER NOT NULL,
    cancel INTEGER NOT NULL DEFAULT 0,
    idempotency_key TEXT,
    request_hash TEXT
  ) STRICT;
  CREATE INDEX runs_by_time ON runs (created_at DESC, id);
  CREATE INDEX running_runs ON runs (status) WHERE status = 'running';
  CREATE UNIQUE INDEX runs_by_key ON runs (coalesce(caller, ''), idempotency_key) WHERE idempotency_key IS NOT NULL;
  CREATE TABLE events (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (run_id, sequence)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE imported (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  `,
]
