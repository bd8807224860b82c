import type { ImageReader } from '../chat/images.ts'
import { serveChat } from '../chat/serve-chat.ts'
import type { ChatServices } from '../chat/types.ts'
import { createCheck } from '../validate.ts'
import { customToolsOf } from './custom-tools.ts'
import { OPENAI_HEADERS, toOpenAiErrorBody } from './errors.ts'
import { checkMixed, fromMixedRequest, isMixed } from './from-mixed-request.ts'
import { fromChatRequest } from './from-request.ts'
import { ChatCompletionRequest } from './request-schema.ts'
import { samenessOf } from './sameness.ts'
import { createChunkWriter } from './to-chunks.ts'
import { answerHead, toChatCompletion } from './to-response.ts'

/**
 * Serves one chat completion, streamed or not.
 *
 * @throws ClinvkError for everything that fails before the first byte of the answer.
 */
export async function serveCompletion(
  raw: unknown,
  request: Request,
  services: ChatServices,
): Promise<Response> {
  const since = performance.now()
  const { body, toTurn } = read(raw)
  const head = answerHead(body.model)
  const customTools = customToolsOf(body.tools)
  const includeUsage = body.stream_options?.include_usage === true
  return await serveChat(
    {
      model: body.model,
      toTurn,
      endpoint: 'openai/chat',
      sameness: samenessOf(body),
      toResponse: (result) => toChatCompletion(result, head, customTools),
      ...(body.stream ? { toStream: () => createChunkWriter(head, { includeUsage, customTools }) } : {}),
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

/** Checks a body, in whichever words it is. */
function read(raw: unknown) {
  if (isMixed(raw)) {
    const body = checkMixed(raw)
    return { body, toTurn: (images: ImageReader) => fromMixedRequest(body, images) }
  }
  const body = checkChat(raw)
  return { body, toTurn: (images: ImageReader) => fromChatRequest(body, images) }
}

const checkChat = createCheck(ChatCompletionRequest)
