import type { SessionRecord, ToolRecord, TurnRecord } from './types.ts'

/** A row as SQLite gives it. */
export type Row = Readonly<Record<string, string | number | null>>

export function toSession(row: Row): SessionRecord {
  return {
    id: text(row['id']),
    backend: text(row['backend']),
    workdir: text(row['workdir']),
    status: text(row['status']) as SessionRecord['status'],
    tags: json<string[]>(row['tags'], []),
    metadata: json(row['metadata'], {}),
    options: json(row['options'], null),
    createdAt: Number(row['created_at']),
    lastUsedAt: Number(row['last_used_at']),
    turnCount: Number(row['turn_count']),
    usage: json(row['usage'], {}),
    ...some('agentSessionId', row['agent_session_id']),
    ...some('agentVersion', row['agent_version']),
    ...some('model', row['model']),
    ...some('title', row['title']),
    ...some('parent', row['parent']),
    ...some('initialPrompt', row['initial_prompt']),
    ...(typeof row['cost_usd'] === 'number' ? { costUsd: row['cost_usd'] } : {}),
  }
}

export function toTurn(row: Row): TurnRecord {
  return {
    id: text(row['id']),
    sessionId: text(row['session_id']),
    number: Number(row['number']),
    prompt: text(row['prompt']),
    answer: text(row['answer']),
    tools: json<ToolRecord[]>(row['tools'], []),
    status: text(row['status']) as TurnRecord['status'],
    startedAt: Number(row['started_at']),
    ...some('stopReason', row['stop_reason']),
    ...some('model', row['model']),
    ...(typeof row['usage'] === 'string' ? { usage: json(row['usage'], {}) } : {}),
    ...(typeof row['cost_usd'] === 'number' ? { costUsd: row['cost_usd'] } : {}),
    ...(typeof row['error'] === 'string' ? { error: json(row['error'], { code: '', message: '' }) } : {}),
    ...(typeof row['ended_at'] === 'number' ? { endedAt: row['ended_at'] } : {}),
  }
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function some<K extends string>(key: K, value: unknown): Partial<Record<K, string>> {
  return typeof value === 'string' ? ({ [key]: value } as Record<K, string>) : {}
}

function json<T>(value: unknown, fallback: T): T {
  try {
    return typeof value === 'string' ? (JSON.parse(value) as T) : fallback
  } catch {
    return fallback
  }
}
