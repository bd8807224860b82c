import type { TurnEvent } from '../agents/types.ts'
import { ClinvkError } from '../errors.ts'
import type { ClientCall, ToolCall, Turn, TurnResult } from './types.ts'

/**
 * Folds a turn's events into its result.
 *
 * @throws what the turn failed with; `agent_protocol` for events that end without `done`.
 */
export async function collect(turn: Turn, now: () => number = Date.now): Promise<TurnResult> {
  const answer: string[] = []
  const thoughts: string[] = []
  const toolCalls = new Map<string, ToolCall>()
  const calls: ClientCall[] = []
  let json = ''
  let init: Extract<TurnEvent, { type: 'init' }> | undefined
  let done: Extract<TurnEvent, { type: 'done' }> | undefined

  let size = 0
  for await (const event of turn.events) {
    size += weightOf(event)
    if (size > MAX_COLLECTED) throw tooMuch(turn.backend)
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
  }
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
    durationMs: Math.max(0, now() - turn.startedAt),
  }
}

/** The longest answer that is kept in memory, tool results included, in characters. A stream has no limit. */
const MAX_COLLECTED = 64 * 1024 * 1024

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
