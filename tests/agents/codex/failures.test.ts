import { describe, expect, test } from 'bun:test'
import { drive, failure, kindsOf, never, options, say, take, textOf } from './support.ts'

const status = (kind: string, httpStatusCode: number) => ({ [kind]: { httpStatusCode } })

describe('a turn that the provider refuses', () => {
  test.each([
    [401, 'upstream_auth', status('httpConnectionFailed', 401)],
    [429, 'upstream_rate_limited', status('responseTooManyFailedAttempts', 429)],
    [529, 'upstream_overloaded', status('httpConnectionFailed', 529)],
    [500, 'upstream_error', 'internalServerError'],
  ] as const)('fails with its %d, and the session goes on', async (code, expected, codexErrorInfo) => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const error = { message: 'no', codexErrorInfo }
    const steps = [
      { send: 'error', params: { error, willRetry: false } },
      { end: 'failed', error },
    ]
    expect(await failure(take(session, steps))).toEqual({
      code: expected,
      status: code,
      message: 'codex: no',
    })
    expect(textOf(await take(session, [{ say: 'next' }]))).toBe('next')
  })

  test('fails with a 400 in the words of its body', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const error = { message: '{"error":{"message":"too \\"big\\""}}', codexErrorInfo: 'other' }
    expect(await failure(take(session, [{ end: 'failed', error }]))).toEqual({
      code: 'upstream_invalid_request',
      status: 400,
      message: 'codex: too "big"',
    })
  })

  test('gives what was written before it failed', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const events: string[] = []
    const reading = (async () => {
      for await (const event of say(session, [{ say: 'half' }, { end: 'failed', error: { message: 'x' } }]))
        events.push(event.type)
    })()
    expect((await failure(reading)).code).toBe('upstream_error')
    expect(events).toEqual(['init', 'text'])
  })

  test('shows the retries of Codex as progress', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const error = {
      message: 'Reconnecting... 1/5',
      codexErrorInfo: status('responseStreamDisconnected', 503),
    }
    const events = await take(session, [{ send: 'error', params: { error, willRetry: true } }, { say: 'ok' }])
    expect(kindsOf(events)).toEqual(['init', 'progress', 'text', 'done'])
    expect(events[1]).toMatchObject({ data: { attempt: 1, attempts: 5, status: 503 } })
  })

  test('that used up a limit says when that is reset', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const resetsAt = Math.round(Date.now() / 1000) + 3600
    const rateLimits = { primary: { usedPercent: 100, resetsAt }, secondary: { usedPercent: 3, resetsAt: 1 } }
    const turn = take(session, [
      { send: 'account/rateLimits/updated', params: { rateLimits } },
      { end: 'failed', error: { message: 'Limit.', codexErrorInfo: 'usageLimitExceeded' } },
    ])
    const thrown = await turn.catch((error: { retryAfterMs?: number }) => error)
    expect(thrown).toMatchObject({ code: 'upstream_rate_limited', retryAfterMs: expect.any(Number) })
  })

  test('is no failure where the answer was only cut short', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options(), never)
    const error = {
      message: 'Incomplete response returned, reason: max_output_tokens',
      codexErrorInfo: 'other',
    }
    const events = await take(session, [{ say: 'half' }, { end: 'failed', error }])
    expect(events.at(-1)).toEqual({ type: 'done', stopReason: 'max_tokens', model: 'm-1' })
  })
})

test('a turn that Codex itself interrupts is no answer', async () => {
  await using fake = drive()
  const session = await fake.driver.open(options(), never)
  expect(await failure(take(session, [{ say: 'x' }, { end: 'interrupted' }]))).toEqual({
    code: 'agent_failed',
    status: 502,
    message: 'codex: the turn was interrupted.',
  })
})

test('a turn that Codex refuses to start fails', async () => {
  await using fake = drive({ refuse: { 'turn/start': [{ code: -32001, message: 'Server overloaded.' }] } })
  const session = await fake.driver.open(options(), never)
  expect((await failure(take(session, []))).code).toBe('backend_not_ready')
  expect(textOf(await take(session, [{ say: 'next' }]))).toBe('next')
})
