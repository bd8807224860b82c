import { Type } from '@sinclair/typebox'
import { Elysia } from 'elysia'
import { findModel, listModels } from '../chat/model-names.ts'
import type { ChatServices } from '../chat/types.ts'
import type { JsonBody } from '../json-body.ts'
import { describeOperation } from '../operation.ts'
import { ChatCompletion, ChatCompletionChunk, Model, ModelList } from './answer-schema.ts'
import { OPENAI_HEADERS, OpenAiError } from './errors.ts'
import { toModel, toModelList } from './models.ts'
import { ChatCompletionRequest } from './request-schema.ts'
import { serveCompletion } from './serve-completion.ts'

/** Where the API of OpenAI is. Clients add `/v1` to some base URLs, and their owners to others. */
export const OPENAI_PREFIXES = ['/openai/v1', '/openai', '/openai/v1/v1'] as const

/** The chat completions and models of OpenAI's API. */
export function openaiRoutes(jsonBody: JsonBody, services: ChatServices) {
  const { engine, chat } = services
  const readBody = jsonBody(Type.Unknown())
  const find = async (id: string) => json(toModel(findModel(id, await engine.backends(), chat.model_aliases)))
  const routes = new Elysia({ name: 'clinvk.openai' })
  for (const prefix of OPENAI_PREFIXES) {
    // The others are the same once more.
    const described = (detail: object) => (prefix === OPENAI_PREFIXES[0] ? detail : { ...detail, hide: true })
    routes
      .post(
        `${prefix}/chat/completions`,
        async ({ request }) => serveCompletion(await readBody({ request }), request, services),
        { parse: 'none', detail: described(COMPLETION) },
      )
      .get(
        `${prefix}/models`,
        async () => json(toModelList(listModels(await engine.backends(), chat.model_aliases))),
        { detail: described(LIST) },
      )
      .get(`${prefix}/models/:id`, ({ params }) => find(params.id), { detail: described(FIND) })
      // A slash in a name, as people type it.
      .get(`${prefix}/models/*`, ({ params }) => find(params['*'].replace(/\/$/, '')), {
        detail: { hide: true },
      })
  }
  return routes
}

function json(body: unknown): Response {
  return Response.json(body, { headers: OPENAI_HEADERS })
}

const COMPLETION = describeOperation({
  id: 'createChatCompletion',
  tag: 'OpenAI',
  summary: 'Answer a chat',
  description:
    'Streams server-sent events with `"stream": true`, ending with `data: [DONE]`. A run that fails after the stream began ends it with an error in place of a chunk. The header `x-clinvk-profile` asks for another profile and `x-clinvk-workdir` for a folder, within what the operator allows. `x-clinvk-replay: off` runs a request that equals one that failed within the last two minutes; without it the same failure is the answer. The answer names the backend in `x-clinvk-backend`, what it began on in `x-clinvk-start`, its wait in the queue in `x-clinvk-wait` (ms; both absent where headers go out before), and what had no effect in `x-clinvk-without-effect`.',
  body: ChatCompletionRequest,
  answer: {
    description: 'The answer.',
    content: { 'application/json': ChatCompletion, 'text/event-stream': ChatCompletionChunk },
  },
  error: OpenAiError,
  problems: [400, 401, 402, 403, 404, 408, 409, 413, 415, 429, 500, 502, 503, 504, 529],
})

const LIST = describeOperation({
  id: 'listModels',
  tag: 'OpenAI',
  summary: 'List the models',
  description:
    'Lists each backend that is ready, the models that it knows as `backend/model`, and the aliases.',
  answer: { description: 'The models.', content: { 'application/json': ModelList } },
  error: OpenAiError,
  problems: [401, 403, 429, 500],
})

const FIND = describeOperation({
  id: 'getModel',
  tag: 'OpenAI',
  summary: 'Find a model',
  params: { id: 'Its name.' },
  description: 'Tells of one model. A slash in its name may be written as it is or as %2F.',
  answer: { description: 'The model.', content: { 'application/json': Model } },
  error: OpenAiError,
  problems: [401, 403, 404, 429, 500],
})
