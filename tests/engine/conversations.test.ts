import { expect, test } from 'bun:test'
import { createConversations } from '../../src/engine/conversations.ts'
import { createFakeDriver, type FakeDriver } from '../support/fake-driver.ts'

const never = new AbortController().signal

test('sheds the agent that waits longest, one with a process of its own sooner than one that shares it', async () => {
  const conversations = createConversations({ keepAliveMs: 60_000, maxIdle: 4, maxShared: 4 })
  const shared = createFakeDriver('shared', {}, 4)
  const own = createFakeDriver('own')
  const leaveIdle = async (id: string, driver: FakeDriver) => {
    const place = { workdir: '/', scratch: false, cleanUp: async () => {} }
    const options = { approvalMode: 'default', sandboxMode: 'default', ephemeral: false } as const
    const conversation = conversations.create(id, driver, place, options)
    const release = await conversations.lease(conversation, true, never)
    conversation.live = await driver.open({ ...options, workdir: '/' }, never)
    await release()
  }
  await leaveIdle('one', shared)
  await leaveIdle('two', shared)
  await leaveIdle('three', own)
  const shed = async () => [await conversations.shed(), own.log.length, shared.log.length]
  expect(await shed()).toEqual([true, 1, 0])
  expect(await shed()).toEqual([true, 1, 1])
  expect(shared.log).toEqual(['close agent-1'])
  expect(await shed()).toEqual([true, 1, 2])
  expect(await shed()).toEqual([false, 1, 2])
})
