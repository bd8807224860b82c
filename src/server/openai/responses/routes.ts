import { Elysia } from 'elysia'
import type { Runs as EngineRuns } from '../../../engine/runs.ts'
import { ClinvkError } from '../../../errors.ts'
import { callerOf } from '../../chat/caller.ts'
import type { ChatServices } from '../../chat/types.ts'
import type { JsonBody } from '../../json-body.ts'
import { OPENAI_HEADERS } from '../errors.ts'
import { OPENAI_PREFIXES } from '../routes.ts'
import type { DeletedResponse, ResponseObject } from './answer-schema.ts'
import { CANCEL, COUNT, CREATE, DELETE, FIND, LIST_INPUT } from './describe.ts'
import { followResponse, startingAfter } from './follow-response.ts'
import { pageOfItems } from './input-items.ts'
import { findRun, keptResponse } from './kept-run.ts'
import { noSuchResponse, requestError } from './request-error.ts'
import { createRuns } from './runs.ts'
import { CreateResponse } from './schema.ts'
import { serveBackground } from './serve-background.ts'
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
        async ({ request }) => {
          const body = await readBody({ request })
          const serve = body.background ? serveBackground : serveResponse
          return serve(body, request, services, kept)
        },
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
        async ({ request, params }) =>
          find(await callerOf(request.headers), params.id, request, services, kept),
        {
          detail: described(FIND),
        },
      )
      .delete(
        `${path}/:id`,
        async ({ request, params }) =>
          json(remove(await callerOf(request.headers), params.id, services, kept)),
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
        async ({ request, params }) =>
          json(await cancel(await callerOf(request.headers), params.id, services, kept)),
        { parse: 'none', detail: described(CANCEL) },
      )
  }
  return routes
}

function find(owner: string, id: string, request: Request, services: ChatServices, kept: Kept): Response {
  const { runs } = services.engine
  const making = kept.runs.get(owner, id)
  const known = making?.keep ? making.response() : kept.store.get(owner, id)?.response
  const query = new URL(request.url).searchParams
  const streamed = query.get('stream') === 'true'
  if (known && !(streamed && known.background)) {
    if (!streamed) return json(known)
    throw requestError('Only responses that are made in the background can be streamed again.', {
      param: 'stream',
    })
  }
  const run = findRun(runs, owner, id)
  if (!run) throw noSuchResponse(id)
  if (!streamed) return json(keptResponse(runs, owner, run))
  const after = startingAfter(query)
  const here = making !== undefined
  return followResponse({ run, owner, after, here, headers: OPENAI_HEADERS }, request, services)
}

function remove(
  owner: string,
  id: string,
  { engine: { runs } }: ChatServices,
  { store, runs: made }: Kept,
): DeletedResponse {
  const making = made.get(owner, id)
  const known = making?.keep ? making.response() : store.get(owner, id)?.response
  const run = known && !known.background ? undefined : findRun(runs, owner, id)
  if (!known && !run) throw noSuchResponse(id)
  if (run) runs.remove(run.id, owner)
  store.delete(owner, id)
  // It goes on for whoever waits for it.
  if (making) making.keep = false
  return { id, object: 'response', deleted: true }
}

/** To cancel once more changes nothing. What is complete can't be cancelled any more. */
async function cancel(
  owner: string,
  id: string,
  { engine: { runs } }: ChatServices,
  { store, runs: made }: Kept,
): Promise<ResponseObject> {
  const making = made.get(owner, id)
  if (making) return making.cancel()
  const response = store.get(owner, id)?.response ?? (await cancelKept(owner, id, runs))
  // Another server's agent may take its time.
  if (response.status === 'cancelled' || response.status === 'in_progress') return response
  throw requestError(`Cannot cancel a response that is ${response.status}: only one that is being made.`)
}

/** Another server may be making it. */
async function cancelKept(owner: string, id: string, runs: EngineRuns): Promise<ResponseObject> {
  const run = findRun(runs, owner, id)
  if (!run) throw noSuchResponse(id)
  return keptResponse(runs, owner, await runs.cancel(run.id, owner))
}

function json(body: unknown): Response {
  return Response.json(body, { headers: OPENAI_HEADERS })
}
