import { createApp } from '../../../src/server/app.ts'
import { createFakeDriver } from '../../support/fake-driver.ts'
import { createTestEngine } from '../../support/test-engine.ts'
import { configWith } from '../support.ts'

/** The whole app and engine over an agent in memory. Whoever opens it closes it. */
export function stage() {
  const fake = createFakeDriver('fake', { history: 'native' })
  const engine = createTestEngine([fake])
  const app = createApp({ engine, config: configWith(), apiKeys: [], version: '1', log() {} })
  const send = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await app.handle(
      new Request(`http://localhost${path}`, {
        method,
        headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )
    const text = await response.text()
    return { status: response.status, text, body: text.startsWith('{') ? JSON.parse(text) : undefined }
  }
  const prompt = async (text: string, more: object = {}) =>
    (await send('POST', '/api/v1/prompt', { prompt: text, ...more })).body
  return { app, send, prompt, fake, close: () => engine.close() }
}
