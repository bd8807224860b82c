import type { ImageReader } from '../chat/images.ts'
import type { ChatTurn } from '../chat/types.ts'
import { createCheck } from '../validate.ts'
import { refuseUnsupported } from './refusals.ts'
import { ChatCompletionRequest } from './request-schema.ts'
import { fromResponsesRequest } from './responses/from-request.ts'
import { CreateResponse } from './responses/schema.ts'

/**
 * Whether a chat completion is asked for in the words of the Responses API, as Cursor does with a server of one's own:
 * `input` in place of `messages`, and tools in its form.
 */
export function isMixed(body: unknown): boolean {
  if (typeof body !== 'object' || body === null) return false
  const { messages, input } = body as { messages?: unknown; input?: unknown }
  return (messages ?? undefined) === undefined && (input ?? undefined) !== undefined
}

/**
 * Checks such a body.
 *
 * @throws `invalid_request` and `unsupported_option`, with the field.
 */
export function checkMixed(body: unknown): MixedRequest {
  const chat = checkChat({ model: 'any', ...pickOfChat(body) })
  refuseUnsupported(chat)
  return { ...checkResponse(body), stream_options: chat.stream_options ?? null }
}

/** A body of the Responses API, and what of a chat's stream it may say besides. */
export type MixedRequest = CreateResponse & Pick<ChatCompletionRequest, 'stream_options'>

/**
 * Translates such a body. It is answered as a chat completion, so nothing of it is stored, and it can refer to
 * nothing that is.
 *
 * @throws `invalid_request` and `unsupported_option`, with the field.
 */
export async function fromMixedRequest(body: MixedRequest, images: ImageReader): Promise<ChatTurn> {
  const nothing = { chain: () => undefined, item: () => undefined, images }
  return (await fromResponsesRequest(body, nothing)).turn
}

/** What only chats have, and means something here as well. */
function pickOfChat(body: unknown): object {
  const names = ['stream_options', 'n', 'logprobs', 'modalities', 'audio', 'functions', 'function_call']
  return Object.fromEntries(Object.entries(body as object).filter(([name]) => names.includes(name)))
}

const checkResponse = createCheck(CreateResponse)
const checkChat = createCheck(ChatCompletionRequest)
