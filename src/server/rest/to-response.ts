import type { Usage } from '../../agents/types.ts'
import type { TurnResult } from '../../engine/types.ts'
import type { PromptResponse, StreamEvent, TokenUsage } from './schema.ts'
import { toStopReason } from './stop-reason.ts'

/** Translates a complete turn. */
export function toPromptResponse(
  result: TurnResult,
  metadata: Record<string, unknown> | undefined,
  events: StreamEvent[] | undefined,
): PromptResponse {
  const usage = toTokenUsage(result.usage)
  return {
    id: result.id,
    session_id: result.sessionId,
    backend: result.backend,
    ...(result.model === undefined ? {} : { model: result.model }),
    ...(result.agentSessionId === undefined ? {} : { agent_session_id: result.agentSessionId }),
    ...(result.replayed ? { replayed: true as const } : {}),
    ...toStart(result),
    exit_code: 0,
    duration_ms: result.durationMs,
    response: result.text,
    output: result.text,
    stop_reason: toStopReason(result.stopReason),
    ...(usage === undefined ? {} : { token_usage: usage }),
    ...(result.costUsd === undefined ? {} : { cost_usd: result.costUsd }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(events === undefined ? {} : { events }),
  }
}

/** How a turn began, as far as it is known. */
export function toStart({ start, waitedMs }: Pick<TurnResult, 'start' | 'waitedMs'>) {
  return {
    ...(start === undefined ? {} : { start }),
    ...(waitedMs === undefined ? {} : { waited_ms: waitedMs }),
  }
}

/** The numbers that are known; undefined where none is. */
export function toTokenUsage(usage: Usage | undefined): TokenUsage | undefined {
  const known = Object.entries({
    input_tokens: usage?.inputTokens,
    output_tokens: usage?.outputTokens,
    cached_tokens: usage?.cachedTokens,
    reasoning_tokens: usage?.reasoningTokens,
  }).filter(([, value]) => value !== undefined)
  return known.length === 0 ? undefined : Object.fromEntries(known)
}
