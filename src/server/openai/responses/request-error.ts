import { ClinvkError } from '../../../errors.ts'

/** What OpenAI's error says besides its message. */
interface Fault {
  /** The field that is at fault. */
  readonly param?: string
  readonly code?: string
  /** By default 400. */
  readonly status?: 400 | 404
}

/** An error that is the request's own fault, in the words of OpenAI's API. */
export function requestError(message: string, { param, code, status = 400 }: Fault = {}): ClinvkError {
  return new ClinvkError('invalid_request', message, {
    status,
    details: { ...(param === undefined ? {} : { param }), ...(code === undefined ? {} : { code }) },
  })
}

/** There is no such response, or it is another key's, which nobody may tell apart. */
export function noSuchResponse(id: string): ClinvkError {
  return requestError(`Response with id '${shorten(id)}' not found.`, { status: 404 })
}

/** Ids of clients may be anything. */
export function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text
}
