import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEngine, type EngineOptions } from '../../src/engine/engine.ts'
import type { Engine } from '../../src/engine/types.ts'
import { createFolders } from '../../src/process/folders.ts'
import { IN_MEMORY } from '../../src/sessions/database.ts'
import { openRunStore } from '../../src/sessions/run-store.ts'
import { openSessionStore } from '../../src/sessions/store.ts'
import type { FakeDriver } from './fake-driver.ts'

/** The engine over drivers in memory, with nothing of it on disk. Its caller closes it. */
export function createTestEngine(
  drivers: readonly FakeDriver[],
  { blocked = [], ...more }: Partial<EngineOptions> & { readonly blocked?: string[] } = {},
): Engine {
  return createEngine({
    backends: drivers.map((driver) => ({
      driver,
      defaults: { modelAliases: {}, approvalMode: 'default', sandboxMode: 'default', allowedExtraFlags: [] },
      command: [driver.name],
      configured: false,
      enabled: true,
      demo: false,
    })),
    folders: createFolders(
      { defaultFolder: tmpdir(), allowed: [], blocked },
      join(tmpdir(), 'clinvk-test-scratch'),
    ),
    limits: {},
    conversations: { keepAliveMs: 60_000, maxIdle: 4, maxShared: 4 },
    waiting: { waitMs: 1000, most: 1 },
    store: openSessionStore(IN_MEMORY),
    runStore: openRunStore(IN_MEMORY),
    holder: 'test',
    ...more,
  })
}
