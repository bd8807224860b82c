import { Elysia } from 'elysia'
import type { JsonBody } from '../../json-body.ts'
import { told } from '../../told.ts'
import { ChainRequest, ChainResponse } from '../chain/schema.ts'
import { serveChain } from '../chain/serve.ts'
import { CompareRequest, CompareResponse } from '../compare/schema.ts'
import { serveCompare } from '../compare/serve.ts'
import { ParallelRequest, ParallelResponse } from '../parallel/schema.ts'
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
      told({ parse: 'none', detail: PARALLEL }, { body: ParallelRequest, answer: ParallelResponse }),
    )
    .post(
      '/api/v1/chain',
      async ({ request }) => serveChain(await readChain({ request }), request, options),
      told({ parse: 'none', detail: CHAIN }, { body: ChainRequest, answer: ChainResponse }),
    )
    .post(
      '/api/v1/compare',
      async ({ request }) => serveCompare(await readCompare({ request }), request, options),
      told({ parse: 'none', detail: COMPARE }, { body: CompareRequest, answer: CompareResponse }),
    )
}
