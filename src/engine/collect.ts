import type { TurnEvent } from '../agents/types.ts'
import { ClinvkError } from '../errors.ts'
import type { ClientCall, ToolCall, Turn, TurnResult } from './types.ts'

/** What is left of the room for answers that are kept in memory, in characters. Several turns may share it. */
export interface Budget {
  left: number
  readonly exceeded: (backend: string) => ClinvkError
}

/** The longest answer that is kept in memory, tool results included, in characters. A stream has no limit. */
export const MAX_COLLECTED = 64 * 1024 * 1024

/** Folds the events of one turn, one by one. */
export interface TurnFold {
  /** @throws what the budget says once it is used up. */
  add(event: TurnEvent): void
  /** @throws `agent_protocol` for events that end without `done`. */
  result(now?: () => number): TurnResult
  /** Nothing of it is kept: its part of the budget is free again. */
  drop(): void
}

export function createFold(
  turn: Omit<Turn, 'events'>,
  budget: Budget = { left: MAX_COLLECTED, exceeded: tooMuch },
): TurnFold {
  const answer: string[] = []
  const thoughts: string[] = []
  const toolCalls = new Map<string, ToolCall>()
  const calls: ClientCall[] = []
  let json = ''
  let init: Extract<TurnEvent, { type: 'init' }> | undefined
  let done: Extract<TurnEvent, { type: 'done' }> | undefined
  let size = 0

  return {
    add(event) {
      const weight = weightOf(event)
      if (weight > budget.left) throw budget.exceeded(turn.backend)
      size += weight
      budget.left -= weight
      if (event.type === 'text') answer.push(event.text)
      else if (event.type === 'thinking') thoughts.push(event.text)
      else if (event.type === 'init') init = event
      else if (event.type === 'done') done = event
      else if (event.type === 'call_start') json = ''
      else if (event.type === 'call_delta') json += event.json
      else if (event.type === 'call_end')
        calls.push({ id: event.id, name: event.name, input: event.input, json })
      else if (event.type === 'tool_use')
        toolCalls.set(event.id, { id: event.id, name: event.name, input: event.input })
      else if (event.type === 'tool_result') {
        const call = toolCalls.get(event.id) ?? { id: event.id, name: 'unknown', input: {} }
        toolCalls.set(event.id, { ...call, output: event.output, isError: event.isError })
      }
    },
    result(now = Date.now) {
      if (done === undefined) throw endedEarly(turn.backend)
      const model = done.model ?? init?.model ?? turn.model
      return {
        id: turn.id,
        sessionId: turn.sessionId,
        backend: turn.backend,
        text: answer.join(''),
        thinking: thoughts.join(''),
        toolCalls: [...toolCalls.values()],
        calls,
        stopReason: done.stopReason,
        ...(done.stopSequence === undefined ? {} : { stopSequence: done.stopSequence }),
        ...(done.usage === undefined ? {} : { usage: done.usage }),
        ...(done.costUsd === undefined ? {} : { costUsd: done.costUsd }),
        ...(model === undefined ? {} : { model }),
        ...(init?.agentSessionId === undefined ? {} : { agentSessionId: init.agentSessionId }),
        ...(init?.agentVersion === undefined ? {} : { agentVersion: init.agentVersion }),
        ...(init?.replayed ? { replayed: true } : {}),
        ...(init?.start === undefined ? {} : { start: init.start }),
        ...(init?.waitedMs === undefined ? {} : { waitedMs: init.waitedMs }),
        durationMs: Math.max(0, now() - turn.startedAt),
      }
    },
    drop() {
      budget.left += size
      size = 0
    },
  }
}

/**
 * Folds a turn's events into its result.
 *
 * @throws what the turn failed with; `agent_protocol` for events that end without `done`.
 */
export async function collect(turn: Turn, now: () => number = Date.now): Promise<TurnResult> {
  const fold = createFold(turn)
  for await (const event of turn.events) fold.add(event)
  return fold.result(now)
}

function weightOf(event: TurnEvent): number {
  if (event.type === 'text' || event.type === 'thinking') return event.text.length
  if (event.type === 'call_delta') return event.json.length
  return event.type === 'tool_result' ? event.output.length : 0
}

function tooMuch(backend: string): ClinvkError {
  return new ClinvkError(
    'agent_protocol',
    `${backend}: the answer is longer than ${MAX_COLLECTED} characters. Ask for it as a stream.`,
    { details: { backend }, retryable: false },
  )
}

/** The error for a turn whose events end without `done`. */
export function endedEarly(backend: string): ClinvkError {
  return new ClinvkError('agent_protocol', `${backend}: the agent stopped without finishing its turn.`, {
    details: { backend },
  })
}
