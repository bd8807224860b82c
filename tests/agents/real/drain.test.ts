/** A server that is asked to stop in the middle of a real agent's turn. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { answerOf, json, readSse, type WireEvent } from '../../support/events.ts'
import { type MockProvider, startMockProvider } from '../../support/mock-provider/index.ts'
import { processesIn } from '../../support/processes.ts'
import { startClinvk } from '../../support/serve.ts'
import { agentEnv, createAgentHome } from '../env.ts'
import { REAL_AGENTS } from './agents.ts'

let provider: MockProvider
beforeAll(async () => {
  provider = await startMockProvider()
})
afterAll(async () => await provider.stop())

describe.each(REAL_AGENTS.map(({ name }) => name))('%s at the end of the server', (name) => {
  let stages = 0
  async function stage(drainSecs: number) {
    stages += 1
    const home = await createAgentHome()
    const model = provider.scenario(`${name}-${stages}`, {})
    await Bun.write(`${home.home}/.clinvk/config.yaml`, `server: {drain_secs: ${drainSecs}}\n`)
    const clinvk = await startClinvk({ env: await agentEnv(model.url, home), cwd: home.workdir })
    return { home, model, clinvk }
  }
  /** Prompts it and stops the server at the first piece of the answer. */
  async function cut({ clinvk, home }: Awaited<ReturnType<typeof stage>>) {
    const response = await clinvk.post('/api/v1/prompt', { backend: name, prompt: 'go', stream: true })
    const events: WireEvent[] = []
    let stopped: Promise<number> | undefined
    for await (const event of readSse(response)) {
      if (event.type === 'message') stopped ??= clinvk.stop('SIGTERM')
      events.push(event)
    }
    const code = await stopped
    const left = await processesIn(home.home)
    await home.remove()
    return { events, code, left }
  }

  test('goes on to the end of its answer where there is time', async () => {
    const staged = await stage(3600)
    staged.model.play({ text: ['one ', 'two ', 'three ', 'four'], delayMs: 500 })
    const { events, code, left } = await cut(staged)
    expect(answerOf(events)).toBe('one two three four')
    expect([events.at(-1)?.type, code, left]).toEqual(['done', 0, []])
  }, 180_000)

  test('is stopped where there is not, and its client is told', async () => {
    const staged = await stage(0.5)
    staged.model.play({ text: ['one ', 'two '], stallAfter: 2 })
    const { events, code, left } = await cut(staged)
    expect(events.at(-1)).toMatchObject({ type: 'error', content: { status: 503, code: 'shutting_down' } })
    expect([code, left]).toEqual([0, []])
  }, 180_000)

  test('ends at once where it has no work', async () => {
    const { clinvk, home, model } = await stage(3600)
    model.play({ text: 'Hello.' })
    const body = await json(await clinvk.post('/api/v1/prompt', { backend: name, prompt: 'hi' }))
    expect(body.response).toBe('Hello.')
    expect(await clinvk.stop('SIGTERM')).toBe(0)
    expect(await processesIn(home.home)).toEqual([])
    await home.remove()
  }, 180_000)
})
