import type { ImageReader } from '../chat/images.ts'
import type { ChatTurn } from '../chat/types.ts'
import { createCheck } from '../validate.ts'
import { refuseUnsupported } from './refusals.ts'
import type { ChatCompletionRequest } from './request-schema.ts'
import { fromResponsesRequest } from './responses/from-request.ts'
import { CreateResponse } from './responses/schema.ts'

/** Whether a chat completion is asked for in the words of the Responses API, as Cursor does with a server of one's own. */
export function isMixed({ messages, input }: ChatCompletionRequest): boolean {
  return (messages ?? undefined) === undefined && (input ?? undefined) !== undefined
}

/**
 * Translates such a body. It is answered as a chat completion, so nothing of it is stored, and it can refer to
 * nothing that is.
 *
 * @throws `invalid_request` and `unsupported_option`, with the field.
 */
export async function fromMixedRequest(body: ChatCompletionRequest, images: ImageReader): Promise<ChatTurn> {
  refuseUnsupported(body)
  const nothing = { chain: () => undefined, item: () => undefined, images }
  const { turn } = await fromResponsesRequest(checkMixed(body), nothing)
  const effort = turn.effort ?? body.reasoning_effort ?? undefined
  return { ...turn, ...(effort === undefined ? {} : { effort }) }
}

const checkMixed = createCheck(CreateResponse)
