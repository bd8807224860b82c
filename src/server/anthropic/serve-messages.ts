import { ClinvkError } from '../../errors.ts'
import { requireModel } from '../chat/model-names.ts'
import { serveChat } from '../chat/serve-chat.ts'
import type { ChatServices } from '../chat/types.ts'
import { requestId } from '../request-id.ts'
import { toAnthropicErrorBody } from './errors.ts'
import { fromMessagesRequest, thinkingView } from './from-request.ts'
import type { MessagesRequest } from './schema.ts'
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
      // Claude Code sends a request that failed again without stream, betas or thinking.
      sameness: { system: body.system, messages: body.messages },
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
 * Answers `POST /messages/count_tokens`: no agent tells the size of a prompt without running it, and an estimate
 * would pass for a count. Of the statuses only 404 is never sent again by any client; Claude Code goes on with an
 * estimate of its own.
 *
 * @throws `model_not_found` for a model that does not exist either, else `unsupported_option`.
 */
export async function refuseToCount(
  { model }: { readonly model: string },
  { engine, chat }: ChatServices,
): Promise<never> {
  const { backend } = requireModel(model, await engine.backends(), chat.model_aliases)
  throw new ClinvkError(
    'unsupported_option',
    `${backend} cannot count tokens without running the prompt. The usage of each answer tells how many it took.`,
    { status: 404, details: { backend } },
  )
}
