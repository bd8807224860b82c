import { expect, onTestFinished, test } from 'bun:test'
import { listen } from '../../../src/server/listen.ts'
import { answer, configWith, fakeEngine } from '../support.ts'

test('a JSON answer that takes long is not cut by the idle timer of its connection', async () => {
  const { url, stop } = listen({
    engine: fakeEngine(async function* () {
      // The runtime looks at its idle timers every four seconds.
      await Bun.sleep(6000)
      yield* answer('late')
    }),
    config: configWith({ port: 0, idle_timeout_secs: 1 }),
    apiKeys: [],
    version: '9.9.9',
    log: () => {},
    chatTimes: { slowJson: { afterMs: 1, everyMs: 60_000 } },
  })
  onTestFinished(() => stop(0))
  const response = await fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'fake', messages: [{ role: 'user', content: 'hi' }] }),
  })
  expect(await response.json()).toMatchObject({ choices: [{ message: { content: 'late' } }] })
}, 180_000)
