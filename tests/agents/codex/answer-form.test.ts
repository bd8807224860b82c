import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { createCodexDriver } from '../../../src/agents/codex/driver.ts'
import { fields } from '../../../src/agents/fields.ts'
import type { AgentDriver, AgentSession, SessionOptions, TurnEvent } from '../../../src/agents/types.ts'
import { type MockProvider, type Reply, startMockProvider } from '../../support/mock-provider/index.ts'
import { type AgentHome, agentEnv, createAgentHome } from '../env.ts'
import { drive, failure, never, options, take, textOf } from './support.ts'

/** What the real Codex does with a schema of answers, and what its provider is sent. */
let provider: MockProvider
let home: AgentHome
let driver: AgentDriver

// The first test of all may have to install the agents.
const INSTALL_MS = 600_000

beforeAll(async () => {
  provider = await startMockProvider()
  home = await createAgentHome()
  driver = createCodexDriver({
    name: 'codex',
    driver: 'codex',
    command: ['codex'],
    env: await agentEnv(provider.url, home),
    models: [],
    extraFlags: [],
  })
}, INSTALL_MS)
afterAll(async () => {
  await driver.close()
  await provider.stop()
  await home.remove()
})

const text = { type: 'string' }
const optional = { type: 'object', properties: { a: text, b: text }, required: ['a'] }
const strict = {
  type: 'object',
  properties: { a: text, b: { anyOf: [text, { type: 'null' }] } },
  required: ['a', 'b'],
  additionalProperties: false,
}
const plain = { type: 'object', properties: { a: text }, required: ['a'], additionalProperties: false }
const open = (more: Partial<SessionOptions>) =>
  driver.open(options({ workdir: home.workdir, profile: 'pure', ...more }), never)
const ask = (session: AgentSession) =>
  Array.fromAsync(session.prompt({ parts: [{ type: 'text', text: 'hi' }] }, never))
const textsOf = (events: readonly TurnEvent[]) =>
  events.flatMap((event) => (event.type === 'text' ? [event.text] : []))
const play = (...replies: readonly Reply[]) => {
  provider.play(replies)
  const before = provider.calls.length
  return () => provider.calls.slice(before).map(({ body }) => fields(fields(body['text'])['format']))
}

describe('a schema', () => {
  test("is sent with every turn, strict, and the answers fit the client's own", async () => {
    const sent = play({ text: ['{"a":"x"', ',"b":null}'] }, { text: '{"a":"x","b":"y"}' })
    const session = await open({ jsonSchema: optional })
    expect(textsOf(await ask(session))).toEqual(['{"a":"x"}'])
    expect(textsOf(await ask(session))).toEqual(['{"a":"x","b":"y"}'])
    expect(sent()).toEqual([
      expect.objectContaining({ type: 'json_schema', strict: true, schema: strict }),
      expect.objectContaining({ schema: strict }),
    ])
    await session.close()
  })

  test('that needs no change lets the answer be told while it is written', async () => {
    const sent = play({ text: ['{"a":', '"x"}'] })
    const session = await open({ jsonSchema: plain })
    expect(textsOf(await ask(session))).toEqual(['{"a":', '"x"}'])
    expect(sent()[0]?.['schema']).toEqual(plain)
    await session.close()
  })

  test('goes with tools of the client and with history', async () => {
    const sent = play({ toolCalls: [{ id: 'c2', name: 'f', input: {} }] }, { text: '{"value":["x"]}' })
    const session = await open({
      jsonSchema: { type: 'array', items: text },
      clientTools: [{ name: 'f', inputSchema: { type: 'object' } }],
      history: [
        { role: 'user', parts: [{ type: 'text', text: 'hi' }] },
        { role: 'assistant', text: '', toolCalls: [{ id: 'c1', name: 'f', input: {} }] },
        { role: 'tool', callId: 'c1', parts: [], isError: false },
      ],
    })
    await Array.fromAsync(session.prompt({ parts: [] }, never))
    const leg = session.answer?.([{ role: 'tool', callId: 'c2', parts: [], isError: false }], never)
    expect(textsOf(await Array.fromAsync(leg ?? []))).toEqual(['["x"]'])
    const value = { ...plain, properties: { value: { type: 'array', items: text } }, required: ['value'] }
    expect(sent().map(({ schema }) => schema)).toEqual([value, value])
    await session.close()
  })

  test('that the provider refuses is an invalid request', async () => {
    play({ status: 400, message: "Invalid schema for response_format 'codex_output_schema'." })
    const session = await open({ jsonSchema: plain })
    expect(await failure(ask(session))).toMatchObject({
      code: 'upstream_invalid_request',
      status: 400,
      message: expect.stringContaining('Invalid schema'),
    })
    await session.close()
  })

  test('does not keep back an answer that was cut, or is none', async () => {
    play({ text: '{"a":"x', stopReason: 'max_tokens' }, { text: 'I will not.' })
    const session = await open({ jsonSchema: optional })
    const cut = await ask(session)
    expect(textOf(cut)).toBe('{"a":"x')
    expect(cut.at(-1)).toMatchObject({ stopReason: 'max_tokens' })
    expect(textOf(await ask(session))).toBe('I will not.')
    await session.close()
  })

  test('is refused by the model where Codex drops its answer', async () => {
    const sent = play({ text: 'I will not.', stopReason: 'refusal' }, { text: '{"a":"x"}' })
    const session = await open({ jsonSchema: plain })
    expect((await ask(session)).at(-1)).toMatchObject({ stopReason: 'refusal' })
    expect(sent()).toHaveLength(1)
    const next = await ask(session)
    expect([textOf(next), next.at(-1)]).toEqual([
      '{"a":"x"}',
      expect.objectContaining({ stopReason: 'end_turn' }),
    ])
    await session.close()
  })

  test('does not tell twice what the provider began twice', async () => {
    const pieces = ['{"a"', ':"x"', ',"b":null}']
    play({ text: pieces, dropAfter: 2 }, { text: pieces })
    const session = await open({ jsonSchema: optional })
    expect(textsOf(await ask(session))).toEqual(['{"a":"x"}'])
    await session.close()
  })

  test('that cannot be made strict is refused before anything runs', async () => {
    await using fake = drive()
    const jsonSchema = { type: 'object', additionalProperties: text }
    expect(fake.driver.holdsTo?.(jsonSchema)).toBe(false)
    expect(fake.driver.holdsTo?.(optional)).toBe(true)
    const error = await failure(fake.driver.open(options({ jsonSchema }), never))
    expect(error).toMatchObject({ code: 'unsupported_option', status: 400 })
    expect(error.message).toContain('#/additionalProperties')
    expect(await Bun.file(`${fake.folder}/record`).exists()).toBe(false)
  })

  test('is asked for only where there is one, and an unfinished answer is told at the end', async () => {
    await using fake = drive()
    const session = await fake.driver.open(options({ jsonSchema: optional }), never)
    const delta = (itemId: string, words: string) =>
      ({ send: 'item/agentMessage/delta', params: { itemId, delta: words } }) as const
    const events = await take(session, [
      { say: '{"a":"x","b":null}' },
      delta('m', '{"a":'),
      delta('m', '"y"'),
    ])
    expect(textsOf(events)).toEqual(['{"a":"x"}', '{"a":"y"'])
    await take(await fake.driver.open(options(), never), [])
    expect(fake.sent('turn/start').map(({ outputSchema }) => outputSchema)).toEqual([strict, undefined])
  })
})
