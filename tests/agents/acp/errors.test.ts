import { describe, expect, test } from 'bun:test'
import { lacksStatus, type Refusal, refusalError } from '../../../src/agents/acp/errors.ts'

const failing = { backend: 'fake', loginHint: 'Log in.' }
const refusal = (code: number, message: string, data?: unknown): Refusal => ({ code, message, data })

describe('the error of a prompt', () => {
  test.each<[Refusal, string, number, string]>([
    [
      refusal(401, '{"error":{"code":401,"message":"Bad credentials.","status":"UNAUTHENTICATED"}}'),
      'upstream_auth',
      401,
      'fake: Bad credentials. Log in.',
    ],
    [refusal(403, 'No.'), 'upstream_forbidden', 403, 'fake: No.'],
    [refusal(429, 'Quota exceeded.'), 'upstream_rate_limited', 429, 'fake: Quota exceeded.'],
    [refusal(529, '[{"error":{"message":"Overloaded"}}]'), 'upstream_overloaded', 529, 'fake: Overloaded.'],
    [refusal(500, 'Boom'), 'upstream_error', 500, 'fake: Boom.'],
    [
      refusal(400, 'The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).'),
      'context_too_long',
      400,
      'fake: The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).',
    ],
    [
      refusal(500, 'models/nope is not found for API version v1beta'),
      'model_not_found',
      404,
      'fake: models/nope is not found for API version v1beta.',
    ],
    [
      refusal(-32603, 'Internal error: Too large to compact', { errorName: 'ContextOverflowError' }),
      'context_too_long',
      400,
      'fake: Too large to compact.',
    ],
    [
      refusal(-32000, 'Authentication required'),
      'not_logged_in',
      401,
      'fake: Authentication required. Log in.',
    ],
    [
      refusal(-32603, 'Request failed with status code 429'),
      'upstream_rate_limited',
      429,
      'fake: Request failed with status code 429.',
    ],
    [refusal(-32603, 'Oops', { statusCode: 503 }), 'upstream_error', 503, 'fake: Oops.'],
    [refusal(-32603, 'Internal error', { details: 'It broke' }), 'agent_failed', 502, 'fake: It broke.'],
    [refusal(-32603, 'Line 429 is too long'), 'agent_failed', 502, 'fake: Line 429 is too long.'],
    [refusal(-32603, ''), 'agent_failed', 502, 'fake: It gave no reason.'],
  ])('%j', (given, code, status, message) => {
    const error = refusalError(failing, given)
    expect({ code: error.code, status: error.status, message: error.message }).toEqual({
      code: code as typeof error.code,
      status,
      message,
    })
  })

  test.each([
    [refusal(429, 'Suggested retry after 7s.'), 7000],
    [refusal(429, 'Please retry in 1.5s'), 1500],
    [refusal(429, 'No idea when', { retryAfterMs: 250 }), 250],
    [refusal(429, 'No idea when'), undefined],
  ])('%j tells how long to wait', (given, ms) => {
    expect(refusalError(failing, given).retryAfterMs).toBe(ms)
  })

  test('is completed by what was found out in another way', () => {
    const given = refusal(-32603, 'Internal error: Slow down', { errorName: 'APIError' })
    expect(lacksStatus(given)).toBe(true)
    expect(lacksStatus(refusal(429, 'Slow down'))).toBe(false)
    expect(refusalError(failing, given, { status: 429, retryAfterMs: 5 })).toMatchObject({
      code: 'upstream_rate_limited',
      retryAfterMs: 5,
      upstreamStatus: 429,
    })
  })
})
