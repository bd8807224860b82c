import { describe, expect, test } from 'bun:test'
import { ClinvkError, ERROR_TABLE, type ErrorCode, type ErrorOptions } from '../../../src/errors.ts'
import { markAgentRan } from '../../../src/server/chat/agent-ran.ts'
import { toOpenAiError, toOpenAiErrorBody } from '../../../src/server/openai/errors.ts'
import { invalidFields } from '../../../src/server/validate.ts'

describe('toOpenAiErrorBody', () => {
  const kinds: [code: ErrorCode, options: ErrorOptions, type: string, openai: string][] = [
    ['invalid_request', {}, 'invalid_request_error', 'invalid_value'],
    ['unsupported_option', {}, 'invalid_request_error', 'unsupported_parameter'],
    ['unauthorized', {}, 'invalid_request_error', 'invalid_api_key'],
    ['rate_limited', {}, 'rate_limit_error', 'rate_limit_exceeded'],
    ['queue_full', {}, 'rate_limit_error', 'rate_limit_exceeded'],
    ['upstream_rate_limited', {}, 'rate_limit_error', 'rate_limit_exceeded'],
    ['upstream_billing', {}, 'insufficient_quota', 'insufficient_quota'],
    ['upstream_billing', { status: 429 }, 'insufficient_quota', 'insufficient_quota'],
    ['context_too_long', {}, 'invalid_request_error', 'context_length_exceeded'],
    ['agent_crashed', {}, 'server_error', 'agent_crashed'],
    ['internal', {}, 'server_error', 'server_error'],
    ['upstream_overloaded', {}, 'server_error', 'upstream_overloaded'],
  ]
  test.each(kinds)('says %s %p as %s, %s', (code, options, type, openai) => {
    expect(toOpenAiErrorBody(new ClinvkError(code, 'No.', options))).toEqual({
      error: { message: 'No.', type, param: null, code: openai },
    })
  })

  test('names the first field that is wrong', () => {
    const fields = [
      { path: 'messages[0].content', message: 'is wrong.' },
      { path: 'n', message: 'is wrong.' },
    ]
    expect(toOpenAiErrorBody(invalidFields(fields)).error.param).toBe('messages[0].content')
    expect(toOpenAiErrorBody(invalidFields([{ path: '', message: 'is wrong.' }])).error.param).toBeNull()
  })

  test('names the choice of a tool where an agent cannot make it', () => {
    const error = new ClinvkError('unsupported_option', 'No.', { details: { option: 'tool_choice' } })
    expect(toOpenAiErrorBody(error).error.param).toBe('tool_choice')
  })

  test('names the model where it is unknown, whoever says so', () => {
    expect(toOpenAiErrorBody(new ClinvkError('model_not_found', 'No.'))).toEqual({
      error: { message: 'No.', type: 'invalid_request_error', param: 'model', code: 'model_not_found' },
    })
  })
})

describe('toOpenAiError', () => {
  test('keeps the status of every kind of error but two, as OpenAI has none of them', () => {
    for (const code of Object.keys(ERROR_TABLE) as ErrorCode[])
      expect(toOpenAiError(new ClinvkError(code, 'No.')).status).toBe(
        code === 'upstream_billing' ? 429 : ERROR_TABLE[code].status,
      )
    expect(toOpenAiError(new ClinvkError('upstream_invalid_request', 'No.', { status: 422 })).status).toBe(
      400,
    )
  })

  test('is JSON with the version of the API', () => {
    const { headers } = toOpenAiError(new ClinvkError('internal', 'No.'))
    expect(headers.get('content-type')).toBe('application/json')
    expect(headers.get('openai-version')).toBe('2020-10-01')
  })

  test('leaves another try to the client only where no agent ran and it may help', () => {
    const retry = (error: ClinvkError) => toOpenAiError(error).headers.get('x-should-retry')
    expect(retry(new ClinvkError('shutting_down', 'No.'))).toBeNull()
    expect(retry(new ClinvkError('backend_not_installed', 'No.', { retryable: false }))).toBe('false')
    expect(retry(markAgentRan(new ClinvkError('agent_crashed', 'No.')))).toBe('false')
  })
})
