import { type Treaty, treaty } from '@elysiajs/eden/treaty2'
import { describe, fetchProblems } from './fetch.ts'
import { clientProblem, isObject, isProblem, parseJson } from './problem.ts'
import type { Routes } from './routes.ts'
import { readSse } from './sse.ts'

type ServerProblem = Routes['health']['get']['response'][500]

/**
 * What is wrong, in the one shape that errors have. Three codes are the client's own: nobody answered (`unreachable`),
 * somebody who is not clinvk did (`foreign_answer`), or a stream ended before its answer (`stream_cut`).
 */
export type Problem = Omit<ServerProblem, 'code' | 'instance'> & {
  code: ServerProblem['code'] | 'unreachable' | 'foreign_answer' | 'stream_cut'
  instance?: string
}

type ErrorStatus = 400 | 401 | 402 | 403 | 404 | 408 | 409 | 413 | 415 | 429 | 500 | 502 | 503 | 504 | 529

/** The routes of our own API, each with the errors that it may answer. */
type Api<T> = T extends { readonly response: { readonly 200: infer Answer } }
  ? Omit<T, 'response'> & { response: { 200: Answer } & Record<ErrorStatus, Problem> }
  : { [Key in keyof T]: Api<T[Key]> }

type Ours = Api<Pick<Routes, 'api' | 'health'>>

/** The body of `POST /api/v1/prompt`. */
export type PromptRequest = Routes['api']['v1']['prompt']['post']['body']

/** Its JSON answer. */
export type PromptResponse = Extract<
  Routes['api']['v1']['prompt']['post']['response'][200],
  { readonly response: string }
>

/** An event of its stream. */
export type StreamEvent =
  Routes['api']['v1']['runs'][':id']['events']['get']['response'][200] extends AsyncGenerator<infer Sent>
    ? Sent extends { readonly data: infer Event }
      ? Event
      : never
    : never

/** A typed client: `clinvk.api.v1.prompt.post({ … })` is `POST /api/v1/prompt`, and so is every other route. */
export type Clinvk = Treaty.Sign<Ours>

/** How to reach a server. */
export interface ClientOptions {
  /** One of the server's keys, where it has any. */
  readonly apiKey?: string | undefined
  /** In place of the global one. */
  readonly fetch?: typeof fetch
}

/** Makes a client of a server, such as `http://127.0.0.1:8080`. */
export function createClient(url: string, options: ClientOptions = {}): Clinvk {
  const { apiKey, fetch: fetcher = fetch } = options
  const client = treaty(url, {
    // As they were sent: an answer that looks like a date is none.
    parseDate: false,
    ...(apiKey ? { headers: { authorization: `Bearer ${apiKey}` } } : {}),
    fetcher: fetchProblems(fetcher),
  })
  return client as unknown as Clinvk
}

/** An error that the server answered, with which a stream ended, or that only the client sees. */
export class ClinvkProblem extends Error {
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem.detail)
    this.name = 'ClinvkProblem'
    this.problem = problem
  }
}

/**
 * Runs a prompt and tells its events while they happen. Whoever stops reading cancels it.
 *
 * @throws ClinvkProblem where the server refuses it, where it fails on the way, and where the stream ends without `done`:
 * what was told is then not the whole answer. Where `signal` aborts it, the signal's reason.
 */
export async function* streamPrompt(
  client: Clinvk,
  body: PromptRequest,
  signal?: AbortSignal,
): AsyncGenerator<StreamEvent, void> {
  const leaving = new AbortController()
  const signals = signal ? [signal, leaving.signal] : [leaving.signal]
  const { error, response } = await client.api.v1.prompt.post(
    { ...body, stream: true },
    // The header wins over an `output_format` that names another stream.
    { headers: { accept: 'text/event-stream' }, fetch: { signal: AbortSignal.any(signals) } },
  )
  if (error) {
    signal?.throwIfAborted()
    throw isProblem(error.value) ? new ClinvkProblem(error.value) : error
  }
  let done = false
  try {
    for await (const data of readSse(eventsOf(response))) {
      const event = toEvent(data)
      yield event
      if (event.type === 'done') done = true
    }
  } catch (failure) {
    if (failure instanceof ClinvkProblem) throw failure
    // What comes after the end is not missed.
    if (!done) signal?.throwIfAborted()
  } finally {
    leaving.abort()
  }
  if (!done)
    throw new ClinvkProblem(
      clientProblem('stream_cut', 'The stream was cut: the answer is not complete. Try again.'),
    )
}

function eventsOf(response: Response): ReadableStream<Uint8Array> {
  if (response.body && response.headers.get('content-type')?.startsWith('text/event-stream'))
    return response.body
  throw foreign(`No stream of events came but ${describe(response)}.`)
}

function toEvent(data: string): StreamEvent {
  const event = parseJson(data)
  if (!isObject(event) || typeof event['type'] !== 'string')
    throw foreign('Something came in the stream that is no event of clinvk.')
  if (event['type'] !== 'error') return event as StreamEvent
  if (isProblem(event['content'])) throw new ClinvkProblem(event['content'])
  throw foreign('The stream ended with an error that is none of clinvk.')
}

function foreign(detail: string): ClinvkProblem {
  return new ClinvkProblem(clientProblem('foreign_answer', detail, { retryable: false }))
}
