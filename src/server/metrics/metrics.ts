import { Elysia } from 'elysia'
import type { Engine } from '../../engine/types.ts'
import { describeOperation } from '../operation.ts'
import type { RouteTable } from '../route-table.ts'
import { createHttpWatch } from './http.ts'
import { writePool } from './pool.ts'
import { createRegistry } from './registry.ts'
import { turnObserver } from './turns.ts'

/** The measuring of one app: it watches the engine's turns and all requests, and looks at the pool when it is asked. */
export function createMetrics(engine: Engine, routes: RouteTable, version: string) {
  const { registry, instruments } = createRegistry()
  let failures = 0
  const http = createHttpWatch(instruments, routes.patternOf, () => {
    failures += 1
  })
  engine.observe(turnObserver(instruments))
  instruments.build_info.set({ version }, 1)

  const scrape = async (): Promise<Response> => {
    const view = engine.pool()
    writePool(instruments, view)
    instruments.observer_failures_total.reset()
    instruments.observer_failures_total.inc(failures + view.observerFailures)
    return new Response(await registry.metrics(), { headers: { 'content-type': registry.contentType } })
  }
  return {
    http,
    routes: () => new Elysia({ name: 'clinvk.metrics' }).get('/metrics', scrape, { detail: DESCRIPTION }),
  }
}

const DESCRIPTION = describeOperation({
  id: 'metrics',
  tag: 'Server',
  summary: 'Measure the server',
  description: 'What Prometheus reads. It is there where server.metrics_enabled is set.',
  answer: {
    description: "Every metric in Prometheus' text format.",
    content: { 'text/plain': { type: 'string' } },
  },
  problems: [401, 403, 429, 500],
})
