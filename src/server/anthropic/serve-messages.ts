import { requireModel } from '../chat/model-names.ts'
import { countChat } from '../chat/run-chat.ts'
import { serveChat } from '../chat/serve-chat.ts'
import type { ChatServices } from '../chat/types.ts'
import { requestId } from '../request-id.ts'
import { toAnthropicErrorBody } from './errors.ts'
import { fromMessagesRequest, thinkingView } from './from-request.ts'
import type { CountTokensRequest, MessagesRequest } from './schema.ts'
import type { TokenCount } from './schema-answers.ts'
import { createMessageWriter } from './to-chunks.ts'
import { toMessage } from './to-response.ts'

/**
 * Serves `POST /messages`.
 *
 * @throws ClinvkError for everything that fails before the first byte of the answer.
 */
export async function serveMessages(
  body: MessagesRequest,
  request: Request,
  services: ChatServices,
): Promise<Response> {
  const about = {
    id: `msg_01${crypto.randomUUID().replaceAll('-', '')}`,
    model: body.model,
    thinking: thinkingView(body.thinking),
    requestId: requestId(request),
  }
  return await serveChat(
    {
      model: body.model,
      toTurn: (images) => fromMessagesRequest(body, images),
      endpoint: 'anthropic/messages',
      // Claude Code sends a request that failed again without stream, betas, thinking or tools, and with less room.
      sameness: [body.system, body.messages, body.metadata, body.stop_sequences, body.temperature],
      toResponse: (result) => toMessage(result, about),
      toErrorBody: toAnthropicErrorBody,
      headers: () => ({ 'request-id': about.requestId }),
      ...(body.stream === true ? { toStream: () => createMessageWriter(about) } : {}),
    },
    request,
    services,
  )
}

/**
 * Answers `POST /messages/count_tokens`. Where nobody counts it is 404: of the statuses the only one that no client
 * sends again, and Claude Code goes on with an estimate of its own.
 *
 * @throws ClinvkError as a request that is run would, and where the backend does not count.
 */
export async function serveCount(
  body: CountTokensRequest,
  request: Request,
  { engine, chat, images, shutdown }: ChatServices,
): Promise<TokenCount> {
  requireModel(body.model, await engine.backends(), chat.model_aliases)
  const { maxTokens: _, ...turn } = await fromMessagesRequest({ ...body, max_tokens: 1 }, images())
  const signal = AbortSignal.any([request.signal, shutdown])
  return {
    input_tokens: await countChat({ engine, chat, request: turn, signal, headers: request.headers }),
  }
}
