import type { RunRecord } from '../../../sessions/run-types.ts'
import type { Run } from './schema.ts'

/** Translates a run. `result` is the answer of one that is complete. */
export function toRun(record: RunRecord, result?: Run['result']): Run {
  const { session_id, backend, model, prompt, metadata, run_id, response_id, tasks } = record.about
  return {
    id: record.id,
    kind: record.kind as Run['kind'],
    status: record.status,
    ...(typeof run_id === 'string' ? { run_id } : {}),
    ...(typeof response_id === 'string' ? { response_id } : {}),
    ...(typeof tasks === 'number' ? { tasks } : {}),
    ...(typeof session_id === 'string' ? { session_id } : {}),
    ...(typeof backend === 'string' ? { backend } : {}),
    ...(typeof model === 'string' ? { model } : {}),
    ...(typeof prompt === 'string' ? { prompt } : {}),
    ...(typeof metadata === 'object' && metadata !== null ? { metadata: { ...metadata } } : {}),
    created_at: new Date(record.createdAt).toISOString(),
    ...(record.endedAt === undefined ? {} : { ended_at: new Date(record.endedAt).toISOString() }),
    event_count: record.eventCount,
    ...(record.error
      ? {
          error: {
            code: record.error.code,
            message: record.error.message,
            status: record.error.status,
            retryable: record.error.retryable,
          },
        }
      : {}),
    ...(result ? { result } : {}),
  }
}
