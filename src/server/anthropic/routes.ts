import { Elysia } from 'elysia'
import { findModel, listModels } from '../chat/model-names.ts'
import type { ChatServices } from '../chat/types.ts'
import type { JsonBody } from '../json-body.ts'
import { requestId } from '../request-id.ts'
import { toModelInfo, toModelPage } from './models.ts'
import { COUNT, FIND, LIST, MESSAGES } from './operations.ts'
import { CountTokensRequest, MessagesRequest } from './schema.ts'
import { serveCount, serveMessages } from './serve-messages.ts'

/** Where the API of Anthropic is: its SDKs add `/v1` to the base URL, `@ai-sdk/anthropic` does not. */
const ANTHROPIC_PREFIXES = ['/anthropic/v1', '/anthropic', '/anthropic/v1/v1'] as const

/** The messages and models of Anthropic's API. */
export function anthropicRoutes(jsonBody: JsonBody, services: ChatServices) {
  const { engine, chat } = services
  const readMessages = jsonBody(MessagesRequest)
  const readCount = jsonBody(CountTokensRequest)
  const find = async (id: string, request: Request) =>
    json(toModelInfo(findModel(id, await engine.backends(), chat.model_aliases)), request)
  const routes = new Elysia({ name: 'clinvk.anthropic' })
  for (const prefix of ANTHROPIC_PREFIXES) {
    // The others are the same once more.
    const described = (detail: object) =>
      prefix === ANTHROPIC_PREFIXES[0] ? detail : { ...detail, hide: true }
    routes
      .post(
        `${prefix}/messages`,
        async ({ request }) => await serveMessages(await readMessages({ request }), request, services),
        { parse: 'none', detail: described(MESSAGES) },
      )
      .post(
        `${prefix}/messages/count_tokens`,
        async ({ request }) =>
          json(await serveCount(await readCount({ request }), request, services), request),
        { parse: 'none', detail: described(COUNT) },
      )
      .get(
        `${prefix}/models`,
        async ({ request }) => {
          const models = listModels(await engine.backends(), chat.model_aliases)
          return json(toModelPage(models, new URL(request.url).searchParams), request)
        },
        { detail: described(LIST) },
      )
      .get(`${prefix}/models/:id`, ({ params, request }) => find(params.id, request), {
        detail: described(FIND),
      })
      // A slash in a name, as people type it.
      .get(`${prefix}/models/*`, ({ params, request }) => find(params['*'], request), {
        detail: { hide: true },
      })
      // Clients look whether anybody is there: Claude Code at api/hello, others at their base URL.
      .get(`${prefix}/api/hello`, ({ request }) => json({ message: 'hello' }, request), {
        detail: { hide: true },
      })
      .get(prefix, ({ request }) => json({ message: 'hello' }, request), { detail: { hide: true } })
  }
  return routes
}

function json(body: unknown, request: Request): Response {
  return Response.json(body, { headers: { 'request-id': requestId(request) } })
}
