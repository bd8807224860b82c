import { expect, test } from 'bun:test'
import type { AgentDriver, Probe } from '../../src/agents/types.ts'
import { type Backend, createListing } from '../../src/engine/backends.ts'

const READY: Probe = { available: true, ready: true, version: '1', models: ['m'] }

test('waits for every agent where no time is given, and takes the first that is ready for the default', async () => {
  const slow = Promise.withResolvers<Probe>()
  const list = createListing(
    [backend('slow', () => slow.promise), backend('fast', async () => READY)],
    undefined,
  )
  const listed = list()
  slow.resolve({ available: false, ready: false, reason: 'It is away.', models: [] })
  expect(await listed).toMatchObject([
    { name: 'slow', available: false, ready: false, reason: 'It is away.', default: false },
    { name: 'fast', available: true, ready: true, version: '1', models: ['m'], default: true },
  ])
})

test('tells of an agent that takes longer than asked what it told last, and until then that it is not ready', async () => {
  let told = Promise.withResolvers<Probe>()
  const list = createListing(
    [backend('slow', () => told.promise), backend('fast', async () => READY)],
    'slow',
  )
  expect(await list(1)).toMatchObject([
    { name: 'slow', available: true, ready: false, models: [], default: true },
    { name: 'fast', ready: true },
  ])
  told.resolve(READY)
  expect(await list(60_000)).toMatchObject([{ ready: true, version: '1' }, { ready: true }])
  told = Promise.withResolvers()
  expect(await list(1)).toMatchObject([{ ready: true, version: '1' }, { ready: true }])
})

test('takes note of what an agent tells too late', async () => {
  const told = Promise.withResolvers<Probe>()
  let probes = 0
  const never = new Promise<Probe>(() => {})
  const list = createListing([backend('slow', () => (++probes === 1 ? told.promise : never))], undefined)
  expect(await list(1)).toMatchObject([{ ready: false }])
  told.resolve(READY)
  await told.promise
  expect(await list(1)).toMatchObject([{ ready: true }])
})

function backend(name: string, probe: AgentDriver['probe']): Backend {
  return {
    driver: { name, driver: 'acp', probe } as AgentDriver,
    defaults: { modelAliases: {} } as Backend['defaults'],
    command: [name],
    configured: false,
    enabled: true,
    demo: false,
  }
}
