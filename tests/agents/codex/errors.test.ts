import { describe, expect, test } from 'bun:test'
import {
  crashError,
  errorInfo,
  providerWords,
  requestError,
  turnError,
} from '../../../src/agents/codex/errors.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { RpcError } from '../../../src/process/json-rpc.ts'

const url = 'http://127.0.0.1:1/v1/responses'
const failed = (kind: string, httpStatusCode: number | null) => ({ [kind]: { httpStatusCode } })

describe('turnError', () => {
  test.each([
    [
      `unexpected status 401 Unauthorized: wrong "key", url: ${url}`,
      failed('httpConnectionFailed', 401),
      { code: 'upstream_auth', status: 401, upstreamStatus: 401, message: 'codex: wrong "key"' },
    ],
    [
      'exceeded retry limit, last status: 429 Too Many Requests',
      failed('responseTooManyFailedAttempts', 429),
      { code: 'upstream_rate_limited', status: 429, upstreamStatus: 429, retryable: true },
    ],
    [
      '{"error":{"message":"bad \\"value\\"","type":"x","code":null}}',
      'other',
      { code: 'upstream_invalid_request', status: 400, upstreamStatus: 400, message: 'codex: bad "value"' },
    ],
    [
      '{"detail":"The model is not for you."}',
      'other',
      { code: 'upstream_invalid_request', status: 400, message: 'codex: The model is not for you.' },
    ],
    [
      '{"error":{"message":"The model x does not exist","code":"model_not_found"}}',
      'other',
      { code: 'model_not_found', status: 404 },
    ],
    [
      `unexpected status 529 <unknown status code>: busy, url: ${url}`,
      failed('responseStreamConnectionFailed', 529),
      { code: 'upstream_overloaded', status: 529, upstreamStatus: 529, retryable: true },
    ],
    [
      'We are experiencing high demand.',
      'internalServerError',
      { code: 'upstream_error', status: 500, upstreamStatus: 500, retryable: true },
    ],
    ['No room.', 'contextWindowExceeded', { code: 'context_too_long', status: 400, retryable: false }],
    [
      'Quota exceeded. Check your plan and billing details.',
      'usageLimitExceeded',
      { code: 'upstream_billing', status: 402, retryable: false },
    ],
    [
      'To use Codex with your ChatGPT plan, upgrade to Plus: https://chatgpt.com/explore/plus.',
      'usageLimitExceeded',
      { code: 'upstream_billing', status: 402 },
    ],
    [
      'Your workspace is out of credits. Add credits to continue.',
      'usageLimitExceeded',
      { code: 'upstream_billing', status: 402 },
    ],
    [
      'You’ve hit your usage limit. Visit https://chatgpt.com/settings/usage to purchase more credits or try again at 11:26 AM.',
      'usageLimitExceeded',
      { code: 'upstream_rate_limited', status: 429, retryable: true },
    ],
    [
      'rate limit exceeded: Rate limit reached. Please try again in 1.5s.',
      'rateLimitExceeded',
      { code: 'upstream_rate_limited', status: 429, retryAfterMs: 1500 },
    ],
    [
      'rate limit exceeded: Please try again in 28ms.',
      'rateLimitExceeded',
      { code: 'upstream_rate_limited', status: 429, retryAfterMs: 28 },
    ],
    [
      `unexpected status 403 Forbidden: {"error":{"message":"Pay first.","code":"insufficient_quota"}}, url: ${url}`,
      failed('httpConnectionFailed', 403),
      { code: 'upstream_billing', status: 402, upstreamStatus: 403, message: 'codex: Pay first.' },
    ],
    ['At capacity.', 'serverOverloaded', { code: 'upstream_overloaded', status: 529 }],
    ['No.', 'badRequest', { code: 'upstream_invalid_request', status: 400 }],
    ['The token was refused.', 'unauthorized', { code: 'upstream_auth', status: 401 }],
    ['Please log in again.', 'unauthorized', { code: 'not_logged_in', status: 401 }],
    ['Missing environment variable: `KEY`.', 'other', { code: 'not_logged_in', status: 401 }],
    ['No such model.', 'modelNotFound', { code: 'model_not_found', status: 404 }],
    ['Refused.', 'cyberPolicy', { code: 'upstream_forbidden', status: 403 }],
    ['bwrap failed', 'sandboxError', { code: 'agent_failed', status: 502 }],
    [
      'stream disconnected before completion: reset',
      failed('responseStreamDisconnected', null),
      { code: 'upstream_error', status: 502, retryable: true },
    ],
    ['Something new.', { brandNew: {} }, { code: 'upstream_error', status: 502, upstreamStatus: undefined }],
    ['Something old.', null, { code: 'upstream_error', status: 502 }],
  ])('%s', (message, codexErrorInfo, expected) => {
    const error = turnError('codex', { message, codexErrorInfo })
    expect(error).toBeInstanceOf(ClinvkError)
    expect(error).toMatchObject(expected)
  })

  test('says when a used-up limit is reset', () => {
    const error = { message: 'Limit reached.', codexErrorInfo: 'usageLimitExceeded' }
    expect(turnError('codex', error, 5000).retryAfterMs).toBe(5000)
    const unpaid = { ...error, message: 'Quota exceeded. Check your plan and billing details.' }
    expect(turnError('codex', unpaid, 5000).retryAfterMs).toBeUndefined()
    expect(
      turnError('codex', { message: 'No.', codexErrorInfo: 'badRequest' }, 5000).retryAfterMs,
    ).toBeUndefined()
  })

  test('says something where Codex says nothing', () => {
    expect(turnError('codex', {}).message).toBe('codex: It gave no reason.')
  })
})

describe('providerWords', () => {
  test.each([
    [
      `unexpected status 403 Forbidden: no, not you, url: ${url}, request id: r-1`,
      { message: 'no, not you', isBody: false },
    ],
    [`unexpected status 404 Not Found: {"message":"gone"}, url: ${url}`, { message: 'gone', isBody: false }],
    ['{"error":{"message":"m","code":"c"}}', { message: 'm', isBody: true, code: 'c' }],
    ['{"half":', { message: '{"half":', isBody: false }],
    ['plain', { message: 'plain', isBody: false }],
  ])('%s', (told, expected) => {
    expect(providerWords(told)).toEqual(expected)
  })
})

describe('errorInfo', () => {
  test.each([
    ['other', { kind: 'other' }],
    [failed('httpConnectionFailed', 500), { kind: 'httpConnectionFailed', status: 500 }],
    [failed('httpConnectionFailed', null), { kind: 'httpConnectionFailed' }],
    [undefined, {}],
    [7, {}],
  ])('%p', (codexErrorInfo, expected) => {
    expect(errorInfo({ codexErrorInfo })).toEqual(expected)
  })
})

describe('requestError', () => {
  test.each([
    ['thread/resume', -32600, 'no rollout found for thread id x', 'session_not_found'],
    ['thread/resume', -32600, 'invalid session id: invalid character', 'session_not_found'],
    ['thread/resume', -32600, 'thread x already has an active writer', 'session_busy'],
    ['thread/start', -32600, 'no rollout found', 'agent_failed'],
    ['turn/start', -32001, 'Server overloaded; retry later.', 'backend_not_ready'],
  ] as const)('%s %d %s', (method, code, message, expected) => {
    expect(requestError('codex', method, new RpcError(code, message))).toMatchObject({
      code: expected,
      message: `codex: ${message}`,
    })
  })

  test('leaves an error of ours as it is', () => {
    const error = new ClinvkError('cancelled', 'x')
    expect(requestError('codex', 'turn/start', error)).toBe(error)
  })
})

describe('crashError', () => {
  test('leaves out what Codex warns of at every start, colours and back traces', () => {
    const stderr =
      'WARNING: proceeding, even though x\n\u001b[31mError\u001b[0m: bad\n\nStack backtrace:\n   0: <unknown>\n'
    expect(crashError('codex', { code: 1, signal: null }, stderr)).toMatchObject({
      code: 'agent_crashed',
      message: 'codex ended with exit code 1: Error: bad',
      details: { backend: 'codex', exit_code: 1, signal: null },
    })
  })

  test('keeps the last of many words, from the start of a line', () => {
    const stderr = `${'x'.repeat(300)}\n${'y'.repeat(300)}\nlast`
    expect(crashError('codex', { code: null, signal: 'SIGKILL' }, stderr).message).toBe(
      `codex was ended by SIGKILL: ${'y'.repeat(300)}\nlast`,
    )
  })
})
