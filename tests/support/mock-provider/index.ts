import { answer, Dropped, type Outcome } from './answer.ts'
import { anthropic } from './anthropic.ts'
import { gemini } from './gemini.ts'
import { asObject } from './json.ts'
import { openai } from './openai.ts'
import { createRecording, DEFAULT_REPLY, type RecordingOptions, type ScriptedRecording } from './recording.ts'
import type {
  Dialect,
  DialectCodec,
  JsonObject,
  MockProvider,
  RecordedRequest,
  Recording,
  Script,
} from './types.ts'

export type { MockProvider, RecordedRequest, Recording, Reply } from './types.ts'

/**
 * Starts a mock of the three model providers on a loopback port, a free one by default. What it answers is data, see `Reply`;
 * what it was asked is in `requests`.
 */
export async function startMockProvider({ port = 0 }: { port?: number } = {}): Promise<MockProvider> {
  const scenarios = new Map<string, ScriptedRecording>()

  const server = Bun.serve({
    hostname: '127.0.0.1',
    port,
    // Otherwise Bun prints a page of code for each connection that is dropped on purpose.
    development: false,
    // A stalled answer has to stay open for as long as the client bears it.
    idleTimeout: 0,
    error(error) {
      if (!(error instanceof Dropped)) console.error('The mock provider failed:', error)
      return new Response(null, { status: 500 })
    },
    fetch: handle,
  })
  const url = `http://127.0.0.1:${server.port}`
  const whole = createRecording(url, DEFAULT_REPLY)

  async function handle(incoming: Request): Promise<Response> {
    const { scenario, path, search } = locate(new URL(incoming.url))
    const recording = scenario === '' ? whole : scenarios.get(scenario)
    if (!recording) return notFound(`No scenario '${scenario}'`)

    const [dialect, codec] = codecOf(path)
    const body = await bodyOf(incoming)
    const headers = Object.fromEntries(incoming.headers)
    const system = codec?.system(body) ?? ''
    const fixed = codec?.fixed(path)
    const own = codec?.auxiliary({ path, headers, body, system })
    const record: RecordedRequest = {
      index: whole.requests.length,
      scenario,
      dialect,
      method: incoming.method,
      path: path + search,
      headers,
      body,
      system,
      prompt: codec?.prompt(body) ?? '',
      tools: codec?.tools(body) ?? [],
      auxiliary: (fixed ?? own) !== undefined,
      deltas: 0,
      state: 'open',
    }
    whole.add(record)
    if (recording !== whole) recording.add(record)
    const onEnd = (outcome: Outcome) => {
      if (record.state === 'open') record.state = outcome
    }
    incoming.signal.addEventListener('abort', () => onEnd('aborted'))

    if (!codec || fixed) {
      onEnd('done')
      return fixed ? Response.json(fixed) : notFound(`No provider has the path ${path}`)
    }
    return answer(await recording.reply(record, own), {
      codec,
      context: { model: codec.model(path, body), serial: record.index },
      streams: codec.streams(path, body),
      signal: incoming.signal,
      onDelta: () => record.deltas++,
      onEnd,
    })
  }

  return Object.assign(whole, {
    scenario(name: string, script: Script, options?: RecordingOptions): Recording {
      if (scenarios.has(name)) throw new Error(`There is a scenario '${name}' already.`)
      const recording = createRecording(`${url}/s/${encodeURIComponent(name)}`, script, options)
      scenarios.set(name, recording)
      return recording
    },
    stop: () => server.stop(true),
  })
}

const CODECS: Readonly<Record<Dialect, DialectCodec>> = { anthropic, openai, gemini }

function codecOf(path: string): [RecordedRequest['dialect'], DialectCodec | undefined] {
  for (const [name, codec] of Object.entries(CODECS)) if (codec.owns(path)) return [name as Dialect, codec]
  return ['other', undefined]
}

/** Splits `/s/NAME/v1/…` into the scenario and the provider's own path. */
function locate({ pathname, search }: URL): { scenario: string; path: string; search: string } {
  const [, name, path = '/'] = /^\/s\/([^/]+)(\/.*)?$/.exec(pathname) ?? []
  return name === undefined
    ? { scenario: '', path: pathname, search }
    : { scenario: decodeURIComponent(name), path, search }
}

async function bodyOf(request: Request): Promise<JsonObject> {
  try {
    return asObject(await request.json())
  } catch {
    return {}
  }
}

function notFound(message: string): Response {
  return Response.json({ error: { message } }, { status: 404 })
}
