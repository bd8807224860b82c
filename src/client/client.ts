import { type Treaty, treaty } from '@elysiajs/eden/treaty2'
import type { Routes } from './routes.ts'

/** What is wrong, in the one shape that errors have. */
export type Problem = Routes['health']['get']['response'][500]

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
  const { apiKey, fetch: fetcher } = options
  const client = treaty(url, {
    // As they were sent: an answer that looks like a date is none.
    parseDate: false,
    ...(apiKey ? { headers: { 'x-api-key': apiKey } } : {}),
    ...(fetcher ? { fetcher } : {}),
  })
  return client as unknown as Clinvk
}

/** An error that the server answered, or with which a stream ended. */
export class ClinvkProblem extends Error {
  readonly problem: Omit<Problem, 'instance'>

  constructor(problem: Omit<Problem, 'instance'>) {
    super(problem.detail)
    this.name = 'ClinvkProblem'
    this.problem = problem
  }
}

/**
 * Runs a prompt and tells its events while they happen. Whoever stops reading cancels it.
 *
 * @throws ClinvkProblem where the server refuses it, or where it fails on the way.
 */
export async function* streamPrompt(
  client: Clinvk,
  body: PromptRequest,
  signal?: AbortSignal,
): AsyncGenerator<StreamEvent, void> {
  const leaving = new AbortController()
  const signals = signal ? [signal, leaving.signal] : [leaving.signal]
  const { data, error } = await client.api.v1.prompt.post(
    { ...body, stream: true },
    { fetch: { signal: AbortSignal.any(signals) } },
  )
  if (error)
    throw error.value && typeof error.value === 'object' && 'code' in error.value
      ? new ClinvkProblem(error.value)
      : error
  try {
    for await (const { data: event } of data as unknown as AsyncIterable<{ readonly data: StreamEvent }>) {
      if (event.type === 'error') throw new ClinvkProblem(event.content)
      yield event
    }
  } finally {
    leaving.abort()
  }
}
