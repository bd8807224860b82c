import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine } from '../../../src/engine/engine.ts'
import { createFolders } from '../../../src/process/folders.ts'
import { createApp } from '../../../src/server/app.ts'
import { IN_MEMORY } from '../../../src/sessions/database.ts'
import { openRunStore } from '../../../src/sessions/run-store.ts'
import { openSessionStore } from '../../../src/sessions/store.ts'
import { createFakeDriver } from '../../support/fake-driver.ts'
import { configWith } from '../support.ts'

/** The whole app and engine over an agent in memory. Whoever opens it closes it. */
export function stage() {
  const fake = createFakeDriver('fake', { history: 'native' })
  const engine = createEngine({
    backends: [
      {
        driver: fake,
        defaults: {
          modelAliases: {},
          approvalMode: 'default',
          sandboxMode: 'default',
          allowedExtraFlags: [],
        },
        command: ['fake'],
        configured: false,
        enabled: true,
        demo: false,
      },
    ],
    folders: createFolders(
      { defaultFolder: tmpdir(), allowed: [], blocked: [] },
      join(tmpdir(), 'clinvk-test-scratch'),
    ),
    limits: {},
    conversations: { keepAliveMs: 60_000, maxIdle: 4 },
    waiting: { waitMs: 1000, most: 1 },
    store: openSessionStore(IN_MEMORY),
    runStore: openRunStore(IN_MEMORY),
    holder: 'test',
  })
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
