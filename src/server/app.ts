import { Elysia } from 'elysia'
import type { Config } from '../config/schema.ts'
import type { Engine } from '../engine/types.ts'
import { anthropicRoutes } from './anthropic/routes.ts'
import { createImageReader } from './chat/images.ts'
import { createReplayGuard } from './chat/replay-guard.ts'
import type { ChatServices } from './chat/types.ts'
import { createTrustCheck } from './client-address.ts'
import { type Connections, NO_CONNECTIONS } from './connections.ts'
import { docsRoutes } from './docs-routes.ts'
import { errorPlugin, logFailure } from './errors.ts'
import { guardPlugin } from './guard.ts'
import { createJsonBody } from './json-body.ts'
import { createKeyCheck } from './keys.ts'
import type { Log } from './log.ts'
import { isOwnName } from './machine.ts'
import { metaRoutes } from './meta/routes.ts'
import { createMetrics } from './metrics/metrics.ts'
import { responsesRoutes } from './openai/responses/routes.ts'
import { openaiRoutes } from './openai/routes.ts'
import { createRateLimiter } from './rate-limit.ts'
import { restRoutes } from './rest/routes.ts'
import { runRoutes } from './rest/runs/routes.ts'
import { sessionRoutes } from './rest/sessions/routes.ts'
import { tasksRoutes } from './rest/tasks/routes.ts'
import { createRouteTable } from './route-table.ts'

/** What the app is made of. */
export interface AppOptions {
  readonly engine: Engine
  readonly config: Pick<Config, 'server' | 'unified_flags' | 'chat' | 'parallel'>
  /** Keys that clients need one of; empty: none is needed. */
  readonly apiKeys: readonly string[]
  readonly version: string
  readonly log: Log
  /** What the listening socket knows of requests. */
  readonly connections?: Connections
  /** Aborted, with a `ClinvkError` as its reason, when nothing is begun any more. */
  readonly leaving?: AbortSignal
  /** Likewise when what is under way is to end. */
  readonly shutdown?: AbortSignal
  /** Other times than the usual ones, for chats. */
  readonly chatTimes?: Pick<ChatServices, 'slowJson' | 'streamGraceMs'>
}

type Answering = Pick<
  ChatServices,
  'engine' | 'heartbeatMs' | 'writeTimeoutMs' | 'shutdown' | 'onStreamEnd' | 'onFailure'
>

/** The server as a function from requests to answers; it needs no socket. */
export function createApp(options: AppOptions) {
  const { engine, version, log, config } = options
  const { server, unified_flags, chat, parallel } = config
  const connections = options.connections ?? NO_CONNECTIONS
  const shutdown = options.shutdown ?? new AbortController().signal
  const leaving = options.leaving === undefined ? shutdown : AbortSignal.any([options.leaving, shutdown])
  const routes = createRouteTable()
  const metrics = server.metrics_enabled ? createMetrics(engine, routes, version) : undefined
  const jsonBody = createJsonBody({
    maxBytes: server.max_request_body_bytes,
    timeoutMs: server.read_timeout_secs * 1000,
  })

  const answers: Answering = {
    engine,
    heartbeatMs: server.heartbeat_secs * 1000,
    writeTimeoutMs: server.write_timeout_secs * 1000,
    shutdown,
    onStreamEnd(request) {
      metrics?.http.streamEnded(request)
      connections.release(request)
    },
    onFailure: (error, request) => logFailure(error, request, log),
  }
  const defaults = { verbose: unified_flags.verbose, dryRun: unified_flags.dry_run }
  const chats: ChatServices = {
    ...answers,
    chat,
    images: () => createImageReader({ fetchImages: chat.fetch_images }),
    replay: createReplayGuard({ keepMs: chat.replay_guard_secs * 1000 }),
    ...options.chatTimes,
  }
  const features = new Elysia({ name: 'clinvk.features' })
    .use(metaRoutes(engine, version))
    .use(restRoutes(jsonBody, { ...answers, defaults }))
    .use(
      tasksRoutes(jsonBody, {
        ...answers,
        defaults,
        parallel: { maxParallel: parallel.max_workers, failFast: parallel.fail_fast },
        ...(options.chatTimes?.slowJson ? { slowJson: options.chatTimes.slowJson } : {}),
      }),
    )
    .use(sessionRoutes(jsonBody, { ...answers, defaults }))
    .use(runRoutes({ ...answers, defaults }))
    .use(openaiRoutes(jsonBody, chats))
    .use(responsesRoutes(jsonBody, chats))
    .use(anthropicRoutes(jsonBody, chats))
  if (metrics) features.use(metrics.routes())
  // Without `normalize: false` bodies reach the routes as copies that lack what no schema names.
  const app = new Elysia({ name: 'clinvk', normalize: false })
    .use(errorPlugin(routes, log))
    .use(guardPlugin({ ...guardRules(options), routes, connections, leaving }))
    .use(features)
    .use(docsRoutes(() => features.routes, version))
  routes.learn(() => app.routes)
  // Around everything, so that what is refused or fails is seen with the answer that goes out.
  if (metrics)
    app.wrap((handle) => (request: Request) => {
      // The framework's types say that it hands out another function here.
      const answer: unknown = handle(request)
      return metrics.http.watch(request, answer as Response | Promise<Response>)
    })
  return app
}

function guardRules({ config: { server }, apiKeys }: AppOptions) {
  return {
    hosts: { allowed: server.allowed_hosts, isOwn: isOwnName },
    origins: {
      allowed: server.cors_allowed_origins,
      credentials: server.cors_allow_credentials,
      maxAgeSecs: server.cors_max_age,
    },
    isTrustedProxy: createTrustCheck(server.trusted_proxies),
    ...(apiKeys.length === 0 ? {} : { keys: createKeyCheck(apiKeys) }),
    ...(server.rate_limit_enabled
      ? {
          rateLimit: createRateLimiter({
            rps: server.rate_limit_rps,
            burst: server.rate_limit_burst,
            forgetMs: (server.rate_limit_cleanup_secs || 180) * 1000,
          }),
        }
      : {}),
  }
}
