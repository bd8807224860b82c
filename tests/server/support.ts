import { Value } from '@sinclair/typebox/value'
import type { Capabilities, TurnEvent } from '../../src/agents/types.ts'
import { type Config, ConfigSchema } from '../../src/config/schema.ts'
import { type QueueView, UNBOUNDED } from '../../src/engine/queue.ts'
import { createRuns } from '../../src/engine/runs.ts'
import type { BackendInfo, Engine, Turn, TurnRequest } from '../../src/engine/types.ts'
import { ClinvkError } from '../../src/errors.ts'
import { type AppOptions, createApp } from '../../src/server/app.ts'
import { IN_MEMORY } from '../../src/sessions/database.ts'
import { openRunStore } from '../../src/sessions/run-store.ts'

/** An engine that does what the test says and tells what it was asked. */
export interface FakeEngine extends Engine {
  readonly requests: TurnRequest[]
  /** The reason of each turn's end, in order: `complete`, `left`, or the code of the error. */
  readonly ends: string[]
  /** How many events were taken of all turns. */
  readonly taken: () => number
}

export type Script = (
  request: TurnRequest,
  signal: AbortSignal,
) => AsyncIterable<TurnEvent> | Iterable<TurnEvent>

/** `script` gives the events of a turn; what it throws at once is a start that fails. `counted` are any prompt's tokens. */
export function fakeEngine(
  script: Script = () => answer('hi'),
  counted?: number,
  sessions: Engine['sessions'] = NO_SESSIONS,
): FakeEngine {
  const requests: TurnRequest[] = []
  const ends: string[] = []
  let taken = 0
  async function* run(events: ReturnType<Script>, signal: AbortSignal): AsyncGenerator<TurnEvent, void> {
    let end = 'left'
    try {
      for await (const event of events) {
        taken += 1
        yield event
      }
      end = 'complete'
    } catch (error) {
      end = error instanceof ClinvkError ? error.code : 'bug'
      throw error
    } finally {
      ends.push(end === 'left' && signal.aborted ? 'cancelled' : end)
    }
  }
  return {
    requests,
    ends,
    taken: () => taken,
    async prepare() {},
    async start(request, signal): Promise<Turn> {
      requests.push(request)
      const events = script(request, signal)
      return {
        id: `run_${requests.length}`,
        sessionId: 'ses_1',
        backend: request.backend ?? 'fake',
        ...(request.model === undefined ? {} : { model: request.model }),
        startedAt: Date.now(),
        events: run(events, signal),
      }
    },
    async countTokens(request) {
      requests.push(request)
      return counted
    },
    async plan(request) {
      requests.push(request)
      return { backend: request.backend ?? 'fake', command: ['fake', '--run'] }
    },
    sessions,
    runs: createRuns(openRunStore(IN_MEMORY), 'test', () => {}),
    backends: async () => [backend({ name: 'fake', default: true })],
    agentAtWork: () => undefined,
    pool: () => ({ backends: [], queue: NO_TURNS, observerFailures: 0 }),
    observe() {},
    async drain() {},
    async close() {},
  }
}

const NO_TURNS: QueueView = { running: {}, waiting: {}, refused: 0, limits: UNBOUNDED }

const none = (): never => {
  throw new ClinvkError('session_not_found', 'There is none.')
}
const NO_SESSIONS: Engine['sessions'] = {
  list: () => ({ sessions: [], total: 0 }),
  find: none,
  change: none,
  remove: none,
  fork: none,
}

/** The events of an ordinary answer, one text delta for each text. */
export function answer(...texts: string[]): TurnEvent[] {
  return [
    { type: 'init', agentSessionId: 'agent-1', model: 'model-1', agentVersion: '1.2.3' },
    ...texts.map((text): TurnEvent => ({ type: 'text', text })),
    { type: 'done', stopReason: 'end_turn', usage: { inputTokens: 10, outputTokens: 2 }, costUsd: 0.25 },
  ]
}

/** The events of an answer that says something and calls two of the client's tools. */
export const CALLING: readonly TurnEvent[] = [
  { type: 'init' },
  { type: 'text', text: 'I look.' },
  { type: 'call_start', id: 'call_1', name: 'get_weather' },
  { type: 'call_delta', id: 'call_1', json: '{"city":' },
  { type: 'call_delta', id: 'call_1', json: '"Rome"}' },
  { type: 'call_end', id: 'call_1', name: 'get_weather', input: { city: 'Rome' } },
  { type: 'call_start', id: 'call_2', name: 'get_time' },
  { type: 'call_delta', id: 'call_2', json: '{}' },
  { type: 'call_end', id: 'call_2', name: 'get_time', input: {} },
  { type: 'done', stopReason: 'tool_calls', usage: { inputTokens: 10, outputTokens: 2 } },
]

/** Gives events and then waits until the turn is aborted, as an agent does that is thinking. */
export async function* thenHang(
  events: Iterable<TurnEvent>,
  signal: AbortSignal,
): AsyncGenerator<TurnEvent, void> {
  yield* events
  const aborted = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => aborted.resolve(), { once: true })
  if (!signal.aborted) await aborted.promise
  throw signal.reason instanceof ClinvkError ? signal.reason : new ClinvkError('cancelled', 'Cancelled.')
}

const capabilities: Capabilities = {
  deltas: true,
  thinking: true,
  toolEvents: true,
  usage: true,
  cost: false,
  images: 'native',
  systemPrompt: 'emulated',
  model: 'native',
  maxTurns: 'none',
  maxTokens: 'none',
  allowedTools: 'none',
  extraFlags: 'none',
  resume: true,
  fork: false,
  history: 'emulated',
  documents: 'none',
  profiles: ['full'],
  effort: 'none',
  jsonSchema: 'none',
  clientTools: 'none',
  toolChoice: 'none',
  approvalModes: { default: 'native', none: 'emulated' },
  sandboxModes: { default: 'native' },
}

export function backend(info: Partial<BackendInfo> = {}): BackendInfo {
  return {
    name: 'fake',
    driver: 'acp',
    available: true,
    enabled: true,
    configured: false,
    ready: true,
    models: ['model-1'],
    modelAliases: ['fast'],
    capabilities,
    default: false,
    demo: false,
    ...info,
  }
}

type ServerSettings = Partial<Config['server']>

/** The default configuration with some of `server` changed. */
export function configWith(
  server: ServerSettings = {},
  chat: Partial<Config['chat']> = {},
  parallel: Partial<Config['parallel']> = {},
): Pick<Config, 'server' | 'unified_flags' | 'chat' | 'parallel'> {
  const defaults = Value.Default(ConfigSchema, {}) as Config
  return {
    server: { ...defaults.server, ...server },
    unified_flags: defaults.unified_flags,
    chat: { ...defaults.chat, ...chat },
    parallel: { ...defaults.parallel, ...parallel },
  }
}

/** The app over a fake engine, without a socket. */
export function testApp(
  options: Partial<Omit<AppOptions, 'engine' | 'config'>> & {
    engine?: FakeEngine
    server?: ServerSettings
    chat?: Partial<Config['chat']>
    parallel?: Partial<Config['parallel']>
  } = {},
) {
  const { engine = fakeEngine(), server = {}, chat = {}, parallel = {}, ...rest } = options
  const logged: string[] = []
  const app = createApp({
    engine,
    config: configWith(server, chat, parallel),
    apiKeys: [],
    version: '9.9.9',
    log: (_level, message) => logged.push(message),
    ...rest,
  })
  const request = (path: string, init: RequestInit = {}) =>
    app.handle(new Request(`http://localhost:8080${path}`, init))
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return {
    app,
    engine,
    logged,
    request,
    /** `body` is sent as it is where it is a text, else as JSON. */
    prompt: (body: unknown, headers: Record<string, string> = {}) => post('/api/v1/prompt', body, headers),
    post,
  }
}

/** POST to the app over any engine, as {@link testApp} does over a fake one. */
export function postTo(engine: Engine, path: string, body: unknown): Promise<Response> {
  const app = createApp({ engine, config: configWith(), apiKeys: [], version: '9.9.9', log() {} })
  return app.handle(
    new Request(`http://localhost:8080${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  )
}

/** The events of an NDJSON or SSE text. */
export function eventsOf(text: string): { type: string; sequence: number; content: unknown }[] {
  return text
    .split('\n')
    .map((line) => line.replace(/^data: /, '').trimStart())
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
}
