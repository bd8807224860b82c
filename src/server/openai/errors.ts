import { type Static, Type } from '@sinclair/typebox'
import type { ClinvkError, ErrorCode } from '../../errors.ts'
import { retryHeaders } from '../chat/agent-ran.ts'

const nullable = (description: string) => Type.Union([Type.String(), Type.Null()], { description })

/** An error as OpenAI's API tells it: all four members, always. */
export const OpenAiError = Type.Object(
  {
    error: Type.Object(
      {
        message: Type.String({ description: 'What was wrong, and what to do about it.' }),
        type: Type.String({ description: 'The kind of error, such as invalid_request_error.' }),
        param: nullable('The field that is wrong, where one is.'),
        code: nullable('The kind of error, for programs.'),
      },
      { description: 'What went wrong.' },
    ),
  },
  { $id: 'OpenAiError', description: 'An error in the form of OpenAI.' },
)
export type OpenAiError = Static<typeof OpenAiError>

/** Translates an error; it is the same in an answer and in a stream. */
export function toOpenAiErrorBody(error: ClinvkError): OpenAiError {
  return {
    error: {
      message: error.message,
      type: typeOf(error),
      param: paramOf(error),
      code: codeOf(error),
    },
  }
}

/** The answer for an error. Headers that don't depend on the dialect are added by the caller. */
export function toOpenAiError(error: ClinvkError): Response {
  return new Response(JSON.stringify(toOpenAiErrorBody(error)), {
    status: statusOf(error),
    headers: { 'content-type': 'application/json', ...OPENAI_HEADERS, ...retryHeaders(error) },
  })
}

/** What every answer of OpenAI's carries. */
export const OPENAI_HEADERS = { 'openai-version': '2020-10-01' } as const

/** OpenAI's own names where it has one for what happened. */
const CODES: Partial<Record<ErrorCode, string>> = {
  invalid_request: 'invalid_value',
  unsupported_option: 'unsupported_parameter',
  unauthorized: 'invalid_api_key',
  backend_not_found: 'model_not_found',
  rate_limited: 'rate_limit_exceeded',
  queue_full: 'rate_limit_exceeded',
  upstream_auth: 'invalid_api_key',
  upstream_billing: 'insufficient_quota',
  upstream_rate_limited: 'rate_limit_exceeded',
  context_too_long: 'context_length_exceeded',
  internal: 'server_error',
}

/**
 * OpenAI answers 400 to everything that it cannot accept; some clients send a 422 again, and again. An account
 * without money is one that asks too often.
 */
function statusOf({ status, code }: ClinvkError): number {
  if (code === 'upstream_billing') return 429
  return status === 422 ? 400 : status
}

function typeOf(error: ClinvkError): string {
  const status = statusOf(error)
  if (error.code === 'upstream_billing') return 'insufficient_quota'
  if (status === 429) return 'rate_limit_error'
  if (status >= 500) return 'server_error'
  return 'invalid_request_error'
}

/** A dialect's own code, where one was given with the error, wins over the one for our code. */
function codeOf({ code, details }: ClinvkError): string {
  return typeof details['code'] === 'string' ? details['code'] : (CODES[code] ?? code)
}

function paramOf({ code, details }: ClinvkError): string | null {
  if (typeof details['param'] === 'string') return details['param']
  // Of the options that an agent may lack, one that has the field's name.
  if (details['option'] === 'tool_choice') return details['option']
  const [first] = Array.isArray(details['errors']) ? details['errors'] : []
  const path: unknown = first?.path
  if (typeof path === 'string' && path !== '') return path
  return code === 'model_not_found' ? 'model' : null
}
