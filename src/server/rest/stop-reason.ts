import type { StopReason } from '../../agents/types.ts'
import { ClinvkError } from '../../errors.ts'

/** Why a turn of our own API ended. It offers no tools of the client's, so no turn waits for their results. */
export function toStopReason(reason: StopReason): Exclude<StopReason, 'tool_calls'> {
  return reason === 'tool_calls' ? calledNothing() : reason
}

/** @throws always: a model cannot call what it was not offered. */
export function calledNothing(): never {
  throw new ClinvkError('agent_protocol', 'The agent called a tool that it was not offered.')
}
