import type { Problem } from './client.ts'

/** What only the client can tell. */
const TITLES = {
  unreachable: 'No answer',
  foreign_answer: 'Not an answer of clinvk',
  stream_cut: 'Stream cut',
} as const

/** Says what is wrong in the shape that the server's errors have. */
export function clientProblem(
  code: keyof typeof TITLES,
  detail: string,
  { status = 502, retryable = true } = {},
): Problem {
  return { type: `urn:clinvk:error:${code}`, title: TITLES[code], status, detail, code, retryable }
}

/** Whether a server, be it ours or a proxy's, says by this what is wrong. */
export function isProblem(value: unknown): value is Problem {
  return (
    isObject(value) &&
    typeof value['status'] === 'number' &&
    ['type', 'title', 'detail'].every((name) => typeof value[name] === 'string')
  )
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value that a text is the JSON of; undefined for none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
