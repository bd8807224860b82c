import type { HistoryMessage } from '../../agents/messages.ts'
import type { Conversation, Conversations, Trail } from '../conversations.ts'
import { digestOf } from '../digest.ts'
import type { TurnRequest } from '../types.ts'
import { isSameKind, type Prepared } from './prepare.ts'

/** A conversation that a chat goes on in, with what it was recognised by. */
export interface Claimed {
  readonly conversation: Conversation
  readonly trail: Trail
}

/** All that was said up to the answer that is to come. */
export function saidIn({ history = [], parts }: TurnRequest): readonly HistoryMessage[] {
  return parts.length === 0 ? history : [...history, { role: 'user', parts }]
}

/**
 * Keeps the agent of a chat for the request that goes on with it. Not where its agent has heard or said what the client
 * does not know: an answer in JSON may have been told in part, or repaired.
 */
export async function leaveTrail(
  conversations: Pick<Conversations, 'leave'>,
  conversation: Conversation,
  request: TurnRequest,
  text: string,
): Promise<void> {
  if (!request.continuable || request.answer !== undefined || text === '') return
  const digest = await digestOf([...saidIn(request), { role: 'assistant', text, toolCalls: [] }])
  conversations.leave(conversation, { caller: request.caller, digest })
}

/** The conversation that a request goes on with: all of its history was said in it, and nothing else. */
export async function claim(
  conversations: Pick<Conversations, 'claim'>,
  { continuable, parts, history = [], caller }: TurnRequest,
  prepared: Prepared,
): Promise<Claimed | undefined> {
  if (!continuable || parts.length === 0 || history.length === 0) return undefined
  const trail = { caller, digest: await digestOf(history) }
  const conversation = conversations.claim(trail, (found) => isSameKind(found, prepared))
  return conversation && { conversation, trail }
}
