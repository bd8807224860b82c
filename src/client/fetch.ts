import { clientProblem, isObject, isProblem, parseJson } from './problem.ts'

/**
 * A fetch whose answers are those of clinvk: where nobody answers, or somebody else does, it answers a problem that says
 * so. It throws only where it was aborted, and follows no redirect, since the key would go along.
 */
export function fetchProblems(fetcher: typeof fetch): typeof fetch {
  const checked = async (url: string, init: RequestInit): Promise<Response> => {
    try {
      const response = await fetcher(url, { ...init, redirect: 'error' })
      if (await isOurs(response, new Headers(init.headers).get('accept'))) return response
      const { status } = response
      return toResponse(
        clientProblem('foreign_answer', `${url} answered what clinvk never does: ${describe(response)}.`, {
          status: status >= 400 ? status : 502,
          retryable: status >= 500 || status === 429,
        }),
      )
    } catch (error) {
      if (init.signal?.aborted) throw error
      return toResponse(
        clientProblem('unreachable', `${url} gave no answer: ${reasonOf(error)}`, { status: 503 }),
      )
    }
  }
  return checked as typeof fetch
}

/** Status and type of an answer, for people. */
export function describe({ status, headers }: Response): string {
  return `${status} with ${headers.get('content-type') ?? 'no content type'}`
}

async function isOurs(response: Response, accept: string | null): Promise<boolean> {
  const type = response.headers.get('content-type')?.split(';')[0] ?? ''
  if (response.ok) {
    if (response.status === 204) return true
    if (type === 'text/event-stream' || type === 'application/x-ndjson') return true
    if (type === 'text/plain' && accept?.includes(type)) return true
  }
  const body = parseJson(await response.clone().text())
  return response.ok ? isObject(body) : isProblem(body)
}

function toResponse(problem: ReturnType<typeof clientProblem>): Response {
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: { 'content-type': 'application/problem+json' },
  })
}

/** Node tells the reason as a cause, and that may have only a code. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  return cause.message || ('code' in cause ? String(cause.code) : error.message)
}
