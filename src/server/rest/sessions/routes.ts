import { Elysia } from 'elysia'
import type { JsonBody } from '../../json-body.ts'
import { told } from '../../told.ts'
import { type PromptOptions, servePrompt } from '../prompt.ts'
import { PromptAnswer, SessionPrompt } from '../schema.ts'
import { CHANGE, DELETE, FIND, FORK, LIST, PROMPT } from './describe.ts'
import { fromSessionQuery, SESSION_QUERY } from './from-query.ts'
import { DeletedSession, Session, SessionChanges, SessionList, WholeSession } from './schema.ts'
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
      told({ detail: LIST }, { query: SESSION_QUERY, answer: SessionList }),
    )
    .get(
      '/api/v1/sessions/:id',
      ({ params }) => {
        const { session, turns } = sessions.find(params.id)
        return { ...toSession(session), turns: turns.map(toSessionTurn) }
      },
      told({ detail: FIND }, { answer: WholeSession }),
    )
    .patch(
      '/api/v1/sessions/:id',
      async ({ params, request }) => toSession(sessions.change(params.id, await readChanges({ request }))),
      told({ parse: 'none', detail: CHANGE }, { body: SessionChanges, answer: Session }),
    )
    .delete(
      '/api/v1/sessions/:id',
      async ({ params }) => ({ id: (await sessions.remove(params.id)).id, deleted: true as const }),
      told({ detail: DELETE }, { answer: DeletedSession }),
    )
    .post(
      '/api/v1/sessions/:id/fork',
      async ({ params, request }) => {
        const changes = request.body === null ? {} : await readChanges({ request })
        return toSession(sessions.fork(params.id, changes))
      },
      told({ parse: 'none', detail: FORK }, { body: SessionChanges, answer: Session }),
    )
    .post(
      '/api/v1/sessions/:id/prompt',
      async ({ params, request }) => {
        const body = await readPrompt({ request })
        const { session } = sessions.find(params.id)
        return await servePrompt({ ...body, session_id: session.id }, request, options)
      },
      told({ parse: 'none', detail: PROMPT }, { body: SessionPrompt, answer: PromptAnswer }),
    )
}
