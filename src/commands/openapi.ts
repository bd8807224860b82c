import { defineCommand } from 'citty'
import { loadConfig } from '../config/load.ts'
import { createEngine } from '../engine/engine.ts'
import { createFolders } from '../process/folders.ts'
import { createApp } from '../server/app.ts'
import { IN_MEMORY } from '../sessions/database.ts'
import { openRunStore } from '../sessions/run-store.ts'
import { openSessionStore } from '../sessions/store.ts'
import { VERSION } from '../version.ts'
import { consoleLog } from './console-log.ts'

export default defineCommand({
  meta: { name: 'openapi', description: 'Print the OpenAPI document of the server.' },
  async run() {
    // The document says what every server of this version can do, whatever is configured here.
    const { config } = await loadConfig({ env: {}, homeDir: '/dev/null' })
    const engine = createEngine({
      backends: [],
      folders: createFolders({ defaultFolder: '/', allowed: [], blocked: [] }, '/'),
      limits: {},
      store: openSessionStore(IN_MEMORY),
      runStore: openRunStore(IN_MEMORY),
      holder: '',
      waiting: { waitMs: 0, most: 1 },
      conversations: { keepAliveMs: 0, maxIdle: 0, maxShared: 0 },
    })
    const app = createApp({ engine, config, apiKeys: [], version: VERSION, log: consoleLog })
    const response = await app.handle(new Request('http://localhost/openapi.json'))
    console.log(JSON.stringify(await response.json(), null, 2))
  },
})
