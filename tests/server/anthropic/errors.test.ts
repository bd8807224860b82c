import { describe, expect, test } from 'bun:test'
import { ClinvkError } from '../../../src/errors.ts'
import { toAnthropicError, toAnthropicErrorBody } from '../../../src/server/anthropic/errors.ts'
import { markAgentRan } from '../../../src/server/chat/agent-ran.ts'

describe('toAnthropicError', () => {
  test('has the shape, the status and the request id that the SDKs read', async () => {
    const response = toAnthropicError(new ClinvkError('invalid_request', 'model is missing.'), 'id-1')
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('request-id')).toBe('id-1')
    expect(await response.json()).toEqual({
      type: 'error',
      error: {
        type: 'invalid_request_error',
        message: 'model is missing.',
        details: { error_code: 'invalid_request' },
      },
      request_id: 'id-1',
    })
  })

  const types: [number, string][] = [
    [400, 'invalid_request_error'],
    [401, 'authentication_error'],
    [402, 'billing_error'],
    [403, 'permission_error'],
    [404, 'not_found_error'],
    [405, 'invalid_request_error'],
    [408, 'timeout_error'],
    [409, 'conflict_error'],
    [413, 'request_too_large'],
    [415, 'invalid_request_error'],
    [429, 'rate_limit_error'],
    [500, 'api_error'],
    [502, 'api_error'],
    [503, 'api_error'],
    [504, 'timeout_error'],
    [529, 'overloaded_error'],
  ]
  for (const [status, type] of types)
    test(`calls a ${status} ${type}`, () => {
      const error = new ClinvkError('upstream_error', 'No.', { status })
      expect(toAnthropicErrorBody(error, '').error.type).toBe(type)
      expect(toAnthropicError(error, '').status).toBe(status)
    })

  test('tells a tool runner that began a thread to go on without, as Anthropic does', () => {
    const error = new ClinvkError('unsupported_option', 'No.', { details: { option: 'thread' } })
    expect(toAnthropicErrorBody(error, '').error.details).toEqual({
      error_code: 'thread_unsupported_request',
      unsupported: ['thread'],
    })
  })

  test('knows no 422, which some clients send again and again', () => {
    expect(
      toAnthropicError(new ClinvkError('upstream_invalid_request', 'No.', { status: 422 }), '').status,
    ).toBe(400)
  })

  test('keeps SDKs from running again what an agent has run', () => {
    const error = new ClinvkError('agent_crashed', 'It ended.')
    expect(toAnthropicError(error, '').headers.get('x-should-retry')).toBeNull()
    expect(toAnthropicError(markAgentRan(error), '').headers.get('x-should-retry')).toBe('false')
  })
})
