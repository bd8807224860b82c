import type { SessionPage, SessionRecord, TurnRecord } from '../../../sessions/types.ts'
import { toTokenUsage } from '../to-response.ts'
import type { Session, SessionList, SessionTurn } from './schema.ts'

export function toSession(record: SessionRecord): Session {
  const usage = toTokenUsage(record.usage)
  return {
    id: record.id,
    backend: record.backend,
    ...(record.agentSessionId === undefined ? {} : { agent_session_id: record.agentSessionId }),
    ...(record.agentVersion === undefined ? {} : { agent_version: record.agentVersion }),
    ...(record.model === undefined ? {} : { model: record.model }),
    working_dir: record.workdir,
    ...(record.title === undefined ? {} : { title: record.title }),
    tags: [...record.tags],
    metadata: { ...record.metadata },
    status: record.status,
    ...(record.parent === undefined ? {} : { parent_id: record.parent }),
    created_at: toTime(record.createdAt),
    last_used: toTime(record.lastUsedAt),
    ...(record.initialPrompt === undefined ? {} : { initial_prompt: record.initialPrompt }),
    turn_count: record.turnCount,
    ...(usage === undefined ? {} : { token_usage: usage }),
    ...(record.costUsd === undefined ? {} : { cost_usd: record.costUsd }),
  }
}

export function toSessionTurn(turn: TurnRecord): SessionTurn {
  const usage = toTokenUsage(turn.usage)
  return {
    id: turn.id,
    number: turn.number,
    prompt: turn.prompt,
    response: turn.answer,
    tools: turn.tools.map(({ isError, ...tool }) => ({
      ...tool,
      ...(isError === undefined ? {} : { is_error: isError }),
    })),
    status: turn.status,
    ...(turn.stopReason === undefined ? {} : { stop_reason: turn.stopReason }),
    ...(turn.model === undefined ? {} : { model: turn.model }),
    ...(usage === undefined ? {} : { token_usage: usage }),
    ...(turn.costUsd === undefined ? {} : { cost_usd: turn.costUsd }),
    ...(turn.error === undefined ? {} : { error: turn.error }),
    started_at: toTime(turn.startedAt),
    ...(turn.endedAt === undefined ? {} : { ended_at: toTime(turn.endedAt) }),
  }
}

export function toSessionList(
  { sessions, total, next }: SessionPage,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): SessionList {
  return {
    sessions: sessions.map(toSession),
    total,
    limit,
    offset,
    ...(next === undefined ? {} : { next_cursor: next }),
  }
}

function toTime(ms: number): string {
  return new Date(ms).toISOString()
}
