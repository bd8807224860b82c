import { Elysia } from 'elysia'
import type { JsonBody } from '../../json-body.ts'
import { ChainRequest } from '../chain/schema.ts'
import { serveChain } from '../chain/serve.ts'
import { CompareRequest } from '../compare/schema.ts'
import { serveCompare } from '../compare/serve.ts'
import { ParallelRequest } from '../parallel/schema.ts'
import { serveParallel } from '../parallel/serve.ts'
import { CHAIN, COMPARE, PARALLEL } from './describe.ts'
import type { TasksOptions } from './serve-tasks.ts'

/** Several prompts in one request. */
export function tasksRoutes(jsonBody: JsonBody, options: TasksOptions) {
  const readParallel = jsonBody(ParallelRequest)
  const readChain = jsonBody(ChainRequest)
  const readCompare = jsonBody(CompareRequest)
  return new Elysia({ name: 'clinvk.tasks' })
    .post(
      '/api/v1/parallel',
      async ({ request }) => serveParallel(await readParallel({ request }), request, options),
      { parse: 'none', detail: PARALLEL },
    )
    .post(
      '/api/v1/chain',
      async ({ request }) => serveChain(await readChain({ request }), request, options),
      { parse: 'none', detail: CHAIN },
    )
    .post(
      '/api/v1/compare',
      async ({ request }) => serveCompare(await readCompare({ request }), request, options),
      { parse: 'none', detail: COMPARE },
    )
}
