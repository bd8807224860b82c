import type { TurnEvent } from '../../agents/types.ts'
import { tellsQueue } from '../../engine/queue-progress.ts'
import type { Turn } from '../../engine/types.ts'
import type { ClinvkError } from '../../errors.ts'
import { toProblem } from '../problem.ts'
import type { StreamEvent } from './schema.ts'
import { calledNothing, toStopReason } from './stop-reason.ts'
import { toStart, toTokenUsage } from './to-response.ts'

/** How a turn's events are told. */
export interface EventOptions {
  readonly verbose: boolean
  readonly metadata?: Record<string, unknown>
  /** Epoch ms. */
  readonly now?: () => number
}

/** Translates the events of one turn and numbers them. */
export interface EventWriter {
  toEvent(event: TurnEvent): StreamEvent
  heartbeat(): StreamEvent
  /** `id` is the request's. */
  error(error: ClinvkError, id: string): StreamEvent
}

/** Numbers the events of a stream, from 1. */
export interface Sequence {
  next(): number
  /** The number of the last event, which what is no event of its own repeats; 0 before the first. */
  readonly last: number
}

export function createSequence(): Sequence {
  let last = 0
  return {
    next: () => ++last,
    get last() {
      return last
    },
  }
}

/** @param sequence is that of the stream, where several turns share it. */
export function createEventWriter(
  turn: Omit<Turn, 'events'>,
  { verbose, metadata, now = Date.now }: EventOptions,
  sequence = createSequence(),
): EventWriter {
  let { model } = turn
  let agentSessionId: string | undefined
  let replayed = false
  let start: ReturnType<typeof toStart> = {}
  const numbered = (number: number) => ({
    backend: turn.backend,
    session_id: turn.sessionId,
    timestamp: new Date(now()).toISOString(),
    sequence: number,
  })
  const head = () => numbered(sequence.next())
  const about = () => ({
    id: turn.id,
    ...(model === undefined ? {} : { model }),
    ...(agentSessionId === undefined ? {} : { agent_session_id: agentSessionId }),
    ...(replayed ? { replayed: true as const } : {}),
    ...start,
  })

  const toEvent = (event: TurnEvent): StreamEvent => {
    switch (event.type) {
      case 'init': {
        model = event.model ?? model
        agentSessionId = event.agentSessionId
        replayed = event.replayed === true
        start = toStart(event)
        const version = event.agentVersion === undefined ? {} : { agent_version: event.agentVersion }
        return { type: 'init', ...head(), content: { ...about(), ...version } }
      }
      case 'text':
        return { type: 'message', ...head(), content: event.text }
      case 'thinking':
        return { type: 'thinking', ...head(), content: event.text }
      case 'tool_use':
        return {
          type: 'tool_use',
          ...head(),
          content: { id: event.id, name: event.name, input: event.input ?? null },
        }
      case 'tool_result':
        return {
          type: 'tool_result',
          ...head(),
          content: { id: event.id, output: event.output, is_error: event.isError },
        }
      case 'call_start':
      case 'call_delta':
      case 'call_end':
        return calledNothing()
      case 'approval':
        return { type: 'progress', ...head(), content: approval(event) }
      case 'progress': {
        const kind = tellsQueue(event) ? 'queue' : 'notice'
        const told = verbose || kind === 'queue'
        const data = told && event.data !== undefined ? { data: { ...event.data } } : {}
        return { type: 'progress', ...head(), content: { kind, message: event.message, ...data } }
      }
      case 'done': {
        model = event.model ?? model
        const usage = toTokenUsage(event.usage)
        return {
          type: 'done',
          ...head(),
          content: {
            ...about(),
            exit_code: 0,
            stop_reason: toStopReason(event.stopReason),
            duration_ms: Math.max(0, now() - turn.startedAt),
            ...(usage === undefined ? {} : { token_usage: usage }),
            ...(event.costUsd === undefined ? {} : { cost_usd: event.costUsd }),
            ...(metadata === undefined ? {} : { metadata }),
          },
        }
      }
    }
  }
  return {
    toEvent,
    heartbeat: () => ({
      type: 'progress',
      ...numbered(sequence.last),
      content: { kind: 'heartbeat', message: 'The agent is still at work.' },
    }),
    error: (error, id) => ({ type: 'error', ...head(), content: toProblem(error, id) }),
  }
}

function approval(event: Extract<TurnEvent, { type: 'approval' }>) {
  return {
    kind: 'approval' as const,
    message: event.reason,
    tool: event.tool,
    ...(event.toolId === undefined ? {} : { tool_id: event.toolId }),
    decision: event.decision,
  }
}

/** Keeps what the answer itself does not say; the deltas of one thought become one event. */
export function rememberEvent(events: StreamEvent[], event: TurnEvent, writer: EventWriter): void {
  if (event.type === 'init' || event.type === 'text' || event.type === 'done') return
  const last = events.at(-1)
  if (event.type === 'thinking' && last?.type === 'thinking') last.content += event.text
  else events.push(writer.toEvent(event))
}
