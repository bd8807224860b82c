import type { TurnEvent } from '../../../agents/types.ts'
import { each } from '../../../engine/each.ts'
import type { NumberedEvent } from '../../../engine/runs.ts'
import type { Turn } from '../../../engine/types.ts'
import type { RunRecord } from '../../../sessions/run-types.ts'
import type { PromptRequest } from '../schema.ts'

/** What is told of the run of a prompt before it is over. */
export function aboutTurn(
  { sessionId, backend, model }: Turn,
  { prompt, metadata, ephemeral }: Pick<PromptRequest, 'prompt' | 'metadata' | 'ephemeral'>,
): Record<string, unknown> {
  return {
    session_id: sessionId,
    backend,
    ...(model === undefined ? {} : { model }),
    ...(ephemeral ? { ephemeral } : { prompt: prompt.slice(0, PROMPT_CHARS) }),
    ...(metadata === undefined ? {} : { metadata }),
  }
}

const PROMPT_CHARS = 200

/** A run of a prompt as the turn that it is. */
export function toTurn({ id, about, createdAt }: RunRecord, events: AsyncGenerator<TurnEvent, void>): Turn {
  const { session_id: sessionId, backend, model } = about
  return {
    id,
    sessionId: String(sessionId),
    backend: String(backend),
    ...(typeof model === 'string' ? { model } : {}),
    startedAt: createdAt,
    events,
  }
}

/** The events alone, and the time of the last one that was taken: what is told of an earlier run has its times. */
export function withClock<E>(events: AsyncGenerator<NumberedEvent<E>, void>): {
  readonly events: AsyncGenerator<E, void>
  readonly now: () => number
} {
  let last: number | undefined
  return {
    now: () => last ?? Date.now(),
    events: each(events, {
      item({ at, event }) {
        last = at
        return event
      },
    }),
  }
}
