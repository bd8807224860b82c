import { describe, expect, test } from 'bun:test'
import { crashError, resultError, type Trouble, toldDelay } from '../../../src/agents/claude/errors.ts'
import { result } from './support.ts'

// The words are those of Claude Code 2.1.330.
const failed = (words: string, status: number | null = null, more: Record<string, unknown> = {}) =>
  result({ is_error: true, api_error_status: status, result: words, ...more })

describe('a failed result', () => {
  test.each<[string, Record<string, unknown>, Trouble, string, number, string]>([
    [
      'a wrong key',
      failed('Invalid API key · Fix external API key', 401),
      { kind: 'authentication_failed' },
      'upstream_auth',
      401,
      'Invalid API key.',
    ],
    [
      'no login',
      failed('Not logged in · Please run /login'),
      { kind: 'authentication_failed' },
      'not_logged_in',
      401,
      'claude auth login',
    ],
    [
      'no login, as older versions tell it',
      failed('Invalid API key · Please run /login'),
      {},
      'not_logged_in',
      401,
      'Invalid',
    ],
    [
      'a rate limit',
      failed('API Error: Request rejected (429) · slow down', 429),
      {},
      'upstream_rate_limited',
      429,
      ': slow down',
    ],
    [
      'a bad request',
      failed('API Error: 400 messages: bad', 400),
      {},
      'upstream_invalid_request',
      400,
      ': messages: bad',
    ],
    [
      'a long prompt',
      failed('Prompt is too long · the request is ~213423 tokens', 400),
      {},
      'context_too_long',
      400,
      'Prompt',
    ],
    [
      'an unknown model',
      failed("There's an issue with the selected model (x). Run --model to pick a different model.", 404),
      { kind: 'model_not_found', model: 'x' },
      'model_not_found',
      404,
      'the model "x" does not exist',
    ],
    [
      'an overload',
      failed(
        'API Error: 529 Overloaded. Try again. If it persists, check your inference gateway (10.0.0.1:80).',
        529,
      ),
      {},
      'upstream_overloaded',
      529,
      'claude: Overloaded. Try again.',
    ],
    [
      'no money',
      failed('Credit balance is too low', 400),
      { kind: 'billing_error' },
      'upstream_billing',
      402,
      'Credit',
    ],
    [
      'spending that reached its limit',
      failed(
        'API Error: 400 You have reached your specified API usage limits. You will regain access on …',
        400,
      ),
      { kind: 'unknown' },
      'upstream_billing',
      402,
      ': You have reached your specified API usage limits.',
    ],
    [
      'credits that end in mid-answer',
      failed('API Error: Usage credits ran out before the response was finished.'),
      { kind: 'unknown' },
      'upstream_billing',
      402,
      ': Usage credits ran out',
    ],
    [
      'a limit that was known before',
      failed("You've hit your weekly limit · resets 11:27am (UTC)"),
      { kind: 'rate_limit' },
      'upstream_rate_limited',
      429,
      'weekly limit',
    ],
    ['a server error', failed('API Error: 500 boom', 500), {}, 'upstream_error', 500, 'boom'],
    [
      'no connection',
      failed('API Error: Connection refused (ECONNREFUSED)'),
      {},
      'upstream_error',
      502,
      'refused',
    ],
    [
      'a failure of its own',
      { type: 'result', subtype: 'error_during_execution', is_error: true, errors: ['out of luck'] },
      {},
      'agent_failed',
      502,
      'out of luck',
    ],
    [
      'an unknown conversation',
      {
        type: 'result',
        subtype: 'error_during_execution',
        errors: ['No conversation found with session ID: x'],
      },
      {},
      'session_not_found',
      404,
      'No conversation',
    ],
  ])('%s', (_, last, trouble, code, status, words) => {
    const error = resultError('claude', last, trouble)
    expect([error.code, error.status]).toEqual([code as typeof error.code, status])
    expect(error.message).toContain(words)
    expect(error.message).not.toMatch(/API Error|\/login|gateway|10\.0/)
  })

  test('keeps the status of the provider', () => {
    const error = resultError('claude', failed('x', 429), { retryAfterMs: 4000 })
    expect([error.upstreamStatus, error.retryAfterMs, error.retryable]).toEqual([429, 4000, true])
    const spent = resultError('claude', failed('x', 400), { kind: 'billing_error' })
    expect([spent.upstreamStatus, spent.retryable]).toEqual([400, false])
  })

  test('tells when a limit without a status ends', () => {
    const error = resultError('claude', failed('x'), { kind: 'rate_limit', retryAfterMs: 4000 })
    expect([error.upstreamStatus, error.retryAfterMs, error.retryable]).toEqual([undefined, 4000, true])
  })
})

test('a crash tells how it came and the last words only', () => {
  const words = `${'x'.repeat(600)}\nlast line`
  expect(crashError('claude', { code: null, signal: 'SIGKILL' }, words).message).toBe(
    'claude was ended by SIGKILL: last line',
  )
})

test('a delay is told by the provider where it is longer than the agent’s own', () => {
  expect(toldDelay({ attempt: 3, retry_delay_ms: 2400 })).toBeUndefined()
  expect(toldDelay({ attempt: 3, retry_delay_ms: 8000 })).toBe(8000)
  expect(toldDelay({})).toBeUndefined()
})
