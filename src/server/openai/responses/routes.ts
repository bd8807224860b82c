import { Elysia } from 'elysia'
import { ClinvkError } from '../../../errors.ts'
import { callerOf } from '../../chat/caller.ts'
import type { ChatServices } from '../../chat/types.ts'
import type { JsonBody } from '../../json-body.ts'
import { OPENAI_HEADERS } from '../errors.ts'
import { OPENAI_PREFIXES } from '../routes.ts'
import type { DeletedResponse, ResponseObject } from './answer-schema.ts'
import { CANCEL, COUNT, CREATE, DELETE, FIND, LIST_INPUT } from './describe.ts'
import { pageOfItems } from './input-items.ts'
import { noSuchResponse, requestError } from './request-error.ts'
import { createRuns } from './runs.ts'
import { CreateResponse } from './schema.ts'
import { countInput, type Kept, serveResponse } from './serve-response.ts'
import { createResponseStore } from './store.ts'

/** The Responses API of OpenAI. `kept` is there for tests. */
export function responsesRoutes(
  jsonBody: JsonBody,
  services: ChatServices,
  kept: Kept = { store: createResponseStore(), runs: createRuns() },
) {
  const readBody = jsonBody(CreateResponse)
  const routes = new Elysia({ name: 'clinvk.responses' })
  for (const prefix of OPENAI_PREFIXES) {
    const path = `${prefix}/responses` as const
    // The others are the same once more.
    const described = (detail: object) => (prefix === OPENAI_PREFIXES[0] ? detail : { ...detail, hide: true })
    routes
      .post(
        path,
        async ({ request }) => serveResponse(await readBody({ request }), request, services, kept),
        { parse: 'none', detail: described(CREATE) },
      )
      .post(
        `${path}/input_tokens`,
        async ({ request }) => json(await countInput(await readBody({ request }), request, services, kept)),
        { parse: 'none', detail: described(COUNT) },
      )
      .post(
        `${path}/compact`,
        () => {
          throw new ClinvkError('unsupported_option', 'Agents compact their context by themselves.', {
            status: 404,
          })
        },
        { parse: 'none', detail: { hide: true } },
      )
      .get(
        `${path}/:id`,
        async ({ request, params }) => json(find(await callerOf(request.headers), params.id, request, kept)),
        {
          detail: described(FIND),
        },
      )
      .delete(
        `${path}/:id`,
        async ({ request, params }) => json(remove(await callerOf(request.headers), params.id, kept)),
        {
          detail: described(DELETE),
        },
      )
      .get(
        `${path}/:id/input_items`,
        async ({ request, params }) => {
          const known = kept.store.known(await callerOf(request.headers), params.id)
          if (known.length === 0) throw noSuchResponse(params.id)
          return json(pageOfItems(known, new URL(request.url).searchParams))
        },
        { detail: described(LIST_INPUT) },
      )
      .post(
        `${path}/:id/cancel`,
        async ({ request, params }) => json(cancel(await callerOf(request.headers), params.id, kept)),
        { parse: 'none', detail: described(CANCEL) },
      )
  }
  return routes
}

function find(owner: string, id: string, request: Request, { store, runs }: Kept): ResponseObject {
  const run = runs.get(owner, id)
  const response = run?.keep ? run.response() : store.get(owner, id)?.response
  if (response === undefined) throw noSuchResponse(id)
  if (new URL(request.url).searchParams.get('stream') === 'true')
    throw requestError('Only responses that are made in the background could be streamed again.', {
      param: 'stream',
    })
  return response
}

function remove(owner: string, id: string, { store, runs }: Kept): DeletedResponse {
  const run = runs.get(owner, id)
  if (!run?.keep && !store.delete(owner, id)) throw noSuchResponse(id)
  // It goes on for whoever waits for it.
  if (run) run.keep = false
  return { id, object: 'response', deleted: true }
}

/** To cancel once more changes nothing. What is complete can't be cancelled any more. */
function cancel(owner: string, id: string, { store, runs }: Kept): ResponseObject {
  const run = runs.get(owner, id)
  if (run) return run.cancel()
  const response = store.get(owner, id)?.response
  if (response === undefined) throw noSuchResponse(id)
  if (response.status === 'cancelled') return response
  throw requestError(`Cannot cancel a response that is ${response.status}: only one that is being made.`)
}

function json(body: unknown): Response {
  return Response.json(body, { headers: OPENAI_HEADERS })
}
