import { type Fields, number, word } from '../fields.ts'
import type { TurnEvent } from '../types.ts'

/** What a `system` message tells of how the turn goes. */
export function toNotices(message: Fields): TurnEvent[] {
  switch (message['subtype']) {
    case 'api_retry':
      return [retryProgress(message)]
    case 'permission_denied':
      return [denial(message)]
    case 'compact_boundary':
      return [progress('The agent summarised the conversation to make room.')]
    case 'task_started':
    case 'task_progress':
      return [progress(`Sub-agent: ${word(message['description']) ?? 'working'}`)]
    default:
      return []
  }
}

function retryProgress(message: Fields): TurnEvent {
  const status = number(message['error_status'])
  const attempt = number(message['attempt'])
  const delay = number(message['retry_delay_ms'])
  const why = status === undefined ? 'The call to the provider failed' : `The provider answered ${status}`
  return progress(`${why}; the agent tries again.`, {
    ...(attempt === undefined ? {} : { attempt }),
    ...(status === undefined ? {} : { status }),
    ...(delay === undefined ? {} : { delay_ms: Math.round(delay) }),
  })
}

/** Claude Code denied by a rule or a check of its own, without asking. */
function denial(message: Fields): TurnEvent {
  const toolId = word(message['tool_use_id'])
  return {
    type: 'approval',
    ...(toolId === undefined ? {} : { toolId }),
    tool: word(message['tool_name']) ?? 'unknown',
    decision: 'denied',
    reason:
      word(message['decision_reason']) ??
      word(message['message']) ??
      'The agent refused it by its own rules.',
  }
}

/** A sign of life. */
function progress(message: string, data?: Readonly<Record<string, unknown>>): TurnEvent {
  return { type: 'progress', message, ...(data === undefined ? {} : { data }) }
}
