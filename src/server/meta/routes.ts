import { Elysia } from 'elysia'
import type { Engine } from '../../engine/types.ts'
import { describeOperation } from '../operation.ts'
import { told } from '../told.ts'
import { createHealthLook } from './health.ts'
import { BackendsResponse, HealthResponse } from './schema.ts'
import { PoolResponse } from './schema-pool.ts'
import { toPoolResponse } from './to-pool.ts'
import { toBackendsResponse, toHealthResponse } from './to-response.ts'

/** What the server tells of itself. `now` is in ms and only its differences count. */
export function metaRoutes(engine: Engine, version: string, now: () => number = () => performance.now()) {
  const startedAt = now()
  const look = createHealthLook(engine, now)
  return (
    new Elysia({ name: 'clinvk.meta' })
      .get(
        '/health',
        async () => toHealthResponse(await look(), version, now() - startedAt),
        told(
          {
            detail: describeOperation({
              id: 'health',
              tag: 'Server',
              summary: 'Tell whether the server is well',
              description:
                'Needs no API key. It is answered at once: of an agent that is still being looked at it tells what was found last, and after the start of the server that it is not ready. Answers 503 once the server is asked to stop, while prompts under way go on.',
              answer: { description: 'The server runs.', content: { 'application/json': HealthResponse } },
              problems: [403, 500, 503],
              open: true,
            }),
          },
          { answer: HealthResponse },
        ),
      )
      // Clients and people look whether anybody is there.
      .get('/', () => ({ name: 'clinvk', version, docs: '/docs', openapi: '/openapi.json' }), {
        detail: { hide: true },
      })
      .get('/api/hello', () => ({ message: 'hello' }), { detail: { hide: true } })
      .get(
        '/api/v1/backends',
        async () => toBackendsResponse(await engine.backends()),
        told(
          {
            detail: describeOperation({
              id: 'listBackends',
              tag: 'Server',
              summary: 'List the backends',
              description: 'Lists every backend with its state, its models and what can be asked of it.',
              answer: { description: 'The backends.', content: { 'application/json': BackendsResponse } },
              problems: [401, 403, 429, 500],
            }),
          },
          { answer: BackendsResponse },
        ),
      )
      .get(
        '/api/v1/pool',
        () => toPoolResponse(engine.pool(), Date.now()),
        told(
          {
            detail: describeOperation({
              id: 'getPool',
              tag: 'Server',
              summary: 'Tell what runs',
              description:
                'Tells which agent processes run for which backend, how prompts came by them, and who waits. It names no command, folder or prompt.',
              answer: {
                description: 'What runs at this moment.',
                content: { 'application/json': PoolResponse },
              },
              problems: [401, 403, 429, 500],
            }),
          },
          { answer: PoolResponse },
        ),
      )
  )
}
