import { serveChat } from '../chat/serve-chat.ts'
import type { ChatServices } from '../chat/types.ts'
import { OPENAI_HEADERS, toOpenAiErrorBody } from './errors.ts'
import { fromMixedRequest, isMixed } from './from-mixed-request.ts'
import { fromChatRequest } from './from-request.ts'
import type { ChatCompletionRequest } from './request-schema.ts'
import { samenessOf } from './sameness.ts'
import { createChunkWriter } from './to-chunks.ts'
import { answerHead, toChatCompletion } from './to-response.ts'

/**
 * Serves one chat completion, streamed or not.
 *
 * @throws ClinvkError for everything that fails before the first byte of the answer.
 */
export async function serveCompletion(
  body: ChatCompletionRequest,
  request: Request,
  services: ChatServices,
): Promise<Response> {
  const since = performance.now()
  const head = answerHead(body.model)
  const includeUsage = body.stream_options?.include_usage === true
  return await serveChat(
    {
      model: body.model,
      toTurn: (images) => (isMixed(body) ? fromMixedRequest(body, images) : fromChatRequest(body, images)),
      endpoint: 'openai/chat',
      sameness: samenessOf(body),
      toResponse: (result) => toChatCompletion(result, head),
      ...(body.stream ? { toStream: () => createChunkWriter(head, { includeUsage }) } : {}),
      toErrorBody: toOpenAiErrorBody,
      headers: () => ({
        ...OPENAI_HEADERS,
        'openai-processing-ms': String(Math.round(performance.now() - since)),
      }),
    },
    request,
    services,
  )
}
