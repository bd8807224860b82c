import { describe, expect, test } from 'bun:test'
import { ClinvkError } from '../../src/errors.ts'
import { answerJson, type SlowJson } from '../../src/server/slow-json.ts'

const failure = new ClinvkError('agent_failed', 'It failed.')

describe('answerJson', () => {
  test('answers at once what is known at once', async () => {
    const { options, log } = setUp({ afterMs: 60_000 })
    const response = await answerJson(Promise.resolve({ a: 1 }), options)
    expect(response.headers.get('x-a')).toBe('b')
    expect(response.headers.get('x-accel-buffering')).toBeNull()
    expect(await response.text()).toBe('{"a":1}')
    expect(log).toEqual([])
  })

  test('throws what failed before the status was sent', async () => {
    const { options, log } = setUp({ afterMs: 60_000 })
    expect(await answerJson(Promise.reject(failure), options).catch((error) => error)).toBe(failure)
    expect(log).toEqual([])
  })

  test('sends the status and white space while it waits, then the body', async () => {
    const { options, log } = setUp()
    const body = Promise.withResolvers<unknown>()
    const response = await answerJson(body.promise, options)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    const reader = readerOf(response)
    for (let beat = 0; beat < 3; beat += 1) expect(decode((await reader.read()).value)).toBe(' ')
    body.resolve({ a: 1 })
    let rest = ''
    for (let next = await reader.read(); !next.done; next = await reader.read()) rest += decode(next.value)
    expect(JSON.parse(rest)).toEqual({ a: 1 })
    expect(log).toEqual(['end'])
  })

  test('tells a late failure in the body', async () => {
    const { options, log } = setUp()
    const body = Promise.withResolvers<unknown>()
    const response = await answerJson(body.promise, options)
    body.reject(failure)
    expect(JSON.parse(await response.text())).toEqual({ error: 'It failed.' })
    expect(log).toEqual(['end'])
  })

  test('tells when the client left, and sends no more', async () => {
    const { options, log } = setUp()
    const body = Promise.withResolvers<unknown>()
    const response = await answerJson(body.promise, options)
    const reader = readerOf(response)
    await reader.read()
    await reader.cancel()
    expect(log).toEqual(['end', 'left'])
    body.resolve({ a: 1 })
    await Bun.sleep(5)
    expect(log).toEqual(['end', 'left'])
  })
})

function setUp(times: Partial<SlowJson> = {}) {
  const log: string[] = []
  const options: SlowJson = {
    afterMs: 1,
    everyMs: 1,
    headers: () => ({ 'x-a': 'b' }),
    toLateError: (error) => ({ error: error.message }),
    onLeft: () => log.push('left'),
    onEnd: () => log.push('end'),
    ...times,
  }
  return { options, log }
}

function readerOf(response: Response) {
  if (!response.body) throw new Error('no body')
  return response.body.getReader()
}

function decode(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes)
}
