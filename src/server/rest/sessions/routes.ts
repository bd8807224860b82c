import { Elysia } from 'elysia'
import type { JsonBody } from '../../json-body.ts'
import { type PromptOptions, servePrompt } from '../prompt.ts'
import { SessionPrompt } from '../schema.ts'
import { CHANGE, DELETE, FIND, FORK, LIST, PROMPT } from './describe.ts'
import { fromSessionQuery } from './from-query.ts'
import { SessionChanges } from './schema.ts'
import { toSession, toSessionList, toSessionTurn } from './to-response.ts'

/** The sessions of our own API. */
export function sessionRoutes(jsonBody: JsonBody, options: PromptOptions) {
  const { sessions } = options.engine
  const readChanges = jsonBody(SessionChanges)
  const readPrompt = jsonBody(SessionPrompt)
  return new Elysia({ name: 'clinvk.sessions' })
    .get(
      '/api/v1/sessions',
      ({ request }) => {
        const filter = fromSessionQuery(new URL(request.url).searchParams)
        return toSessionList(sessions.list(filter), filter)
      },
      { detail: LIST },
    )
    .get(
      '/api/v1/sessions/:id',
      ({ params }) => {
        const { session, turns } = sessions.find(params.id)
        return { ...toSession(session), turns: turns.map(toSessionTurn) }
      },
      { detail: FIND },
    )
    .patch(
      '/api/v1/sessions/:id',
      async ({ params, request }) => toSession(sessions.change(params.id, await readChanges({ request }))),
      { parse: 'none', detail: CHANGE },
    )
    .delete(
      '/api/v1/sessions/:id',
      async ({ params }) => ({ id: (await sessions.remove(params.id)).id, deleted: true as const }),
      { detail: DELETE },
    )
    .post(
      '/api/v1/sessions/:id/fork',
      async ({ params, request }) => {
        const changes = request.body === null ? {} : await readChanges({ request })
        return toSession(sessions.fork(params.id, changes))
      },
      { parse: 'none', detail: FORK },
    )
    .post(
      '/api/v1/sessions/:id/prompt',
      async ({ params, request }) => {
        const body = await readPrompt({ request })
        const { session } = sessions.find(params.id)
        return await servePrompt({ ...body, session_id: session.id }, request, options)
      },
      { parse: 'none', detail: PROMPT },
    )
}
