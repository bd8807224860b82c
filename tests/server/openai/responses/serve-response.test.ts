import { expect, test } from 'bun:test'
import { createReplayGuard } from '../../../../src/server/chat/replay-guard.ts'
import type { ChatServices } from '../../../../src/server/chat/types.ts'
import type { ResponseObject } from '../../../../src/server/openai/responses/answer-schema.ts'
import { createRuns, type Run } from '../../../../src/server/openai/responses/runs.ts'
import { serveResponse } from '../../../../src/server/openai/responses/serve-response.ts'
import { createResponseStore } from '../../../../src/server/openai/responses/store.ts'
import { answer, configWith, fakeEngine, type Script, thenHang } from '../../support.ts'
import { create, images } from './support.ts'

test('a buffered response that is cancelled is answered as cancelled, which no client tries again', async () => {
  const { run, response, runs } = await begin((_, signal) => thenHang([{ type: 'init' }], signal))
  const cancelled = run.cancel()
  const answered = await response
  expect([answered.status, cancelled.status]).toEqual([200, 'cancelled'])
  expect(await answered.json()).toEqual(cancelled)
  expect(runs.get(run.owner, run.id)).toBeUndefined()
})

test('a buffered response that is cancelled when its status is sent already is so, too', async () => {
  const { run, response } = await begin((_, signal) => thenHang([{ type: 'init' }], signal), {
    slowJson: { afterMs: 1, everyMs: 1 },
  })
  const answered = await response
  const cancelled = run.cancel()
  expect(JSON.parse(await answered.text())).toEqual(cancelled)
})

test('what is complete is no longer among what is being made, and is kept', async () => {
  const { run, response, runs, store } = await begin(() => answer('hi'))
  const made = (await (await response).json()) as ResponseObject
  expect(runs.get(run.owner, run.id)).toBeUndefined()
  expect(store.get(run.owner, run.id)?.response).toEqual(made)
})

test('a client that leaves is not answered, and nothing is kept', async () => {
  const client = new AbortController()
  const { run, response, runs, store } = await begin((_, signal) => thenHang([], signal), {}, client.signal)
  client.abort()
  expect(await response.then(Boolean, () => 'failed')).toBe('failed')
  expect([runs.get(run.owner, run.id), store.get(run.owner, run.id)]).toEqual([undefined, undefined])
})

/** Begins a response; gives it and the run that can be cancelled. */
async function begin(script: Script, more: Partial<ChatServices> = {}, client?: AbortSignal) {
  const store = createResponseStore()
  const begun = Promise.withResolvers<Run>()
  const runs = createRuns()
  const engine = fakeEngine(script)
  const services: ChatServices = {
    engine,
    chat: configWith().chat,
    images: () => images,
    replay: createReplayGuard(),
    heartbeatMs: 0,
    writeTimeoutMs: 0,
    shutdown: new AbortController().signal,
    onStreamEnd() {},
    onFailure() {},
    ...more,
  }
  const request = new Request('http://localhost/openai/v1/responses', {
    method: 'POST',
    ...(client ? { signal: client } : {}),
  })
  const response = serveResponse(create(), request, services, {
    store,
    runs: {
      ...runs,
      add(run) {
        runs.add(run)
        begun.resolve(run)
      },
    },
  })
  response.catch(() => {})
  const run = await begun.promise
  while (engine.requests.length === 0) await Bun.sleep(1)
  return { run, response, runs, store }
}
