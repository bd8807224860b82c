import { type Static, Type } from '@sinclair/typebox'
import type { ClinvkError } from '../../errors.ts'
import { retryHeaders } from '../chat/agent-ran.ts'
import { THREAD } from './refuse.ts'

/** The one shape of an error of the Messages API; the data of an `error` event is the same. */
export const AnthropicError = Type.Object(
  {
    type: Type.Literal('error', { description: 'Always error.' }),
    error: Type.Object(
      {
        type: Type.String({ description: 'The kind of error, such as invalid_request_error.' }),
        message: Type.String({ description: 'What was wrong, and what to do about it.' }),
        // The SDKs offer this as the `errorCode` of what they throw.
        details: Type.Object(
          {
            error_code: Type.String({
              description:
                'The kind of error in our own words, for programs; thread_unsupported_request where a thread was asked for.',
            }),
            unsupported: Type.Optional(
              Type.Array(Type.String(), { description: 'What of a request for a thread is not supported.' }),
            ),
          },
          { description: 'More for programs.' },
        ),
      },
      { description: 'What went wrong.' },
    ),
    request_id: Type.String({ description: 'Id of the request; also the header request-id.' }),
  },
  { $id: 'AnthropicError', description: 'An error in the form of Anthropic.' },
)
export type AnthropicError = Static<typeof AnthropicError>

/**
 * The answer to a request of an Anthropic client that failed. The SDKs choose their error class by the status.
 * Headers that don't depend on the dialect are added by the caller.
 */
export function toAnthropicError(error: ClinvkError, requestId: string): Response {
  return new Response(JSON.stringify(toAnthropicErrorBody(error, requestId)), {
    status: statusOf(error),
    headers: { 'content-type': 'application/json', 'request-id': requestId, ...retryHeaders(error) },
  })
}

/** Translates an error; it is the same in an answer and in a stream. */
export function toAnthropicErrorBody(error: ClinvkError, requestId: string): AnthropicError {
  return {
    type: 'error',
    error: {
      type: typeOf(statusOf(error)),
      message: error.message,
      details: detailsOf(error),
    },
    request_id: requestId,
  }
}

/** The SDK's tool runner (1.12) begins a thread, and sends the whole conversation where it is told just this. */
function detailsOf({ code, details }: ClinvkError): AnthropicError['error']['details'] {
  if (details['option'] !== THREAD) return { error_code: code }
  return { error_code: 'thread_unsupported_request', unsupported: [THREAD] }
}

/** Anthropic knows no 422, and clients that retry it take it for passing trouble. */
function statusOf({ status }: ClinvkError): number {
  return status === 422 ? 400 : status
}

// Anthropic's documentation of errors, and the error types of its SDK 1.12.
const TYPES: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  408: 'timeout_error',
  409: 'conflict_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

function typeOf(status: number): string {
  return TYPES[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
}
