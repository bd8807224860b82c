/** Answers that have to fit a schema, of a real Claude Code. */
import { describe, expect, test } from 'bun:test'
import type { AgentSession, SessionOptions, TurnEvent } from '../../../src/agents/types.ts'
import { answer, callsOf, dialogueOf, endOf, useClaude } from './real-claude.ts'
import { failure, never, options as plainOptions, textOf } from './support.ts'

const text = (words: string) => ({ type: 'text' as const, text: words })
const city = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: { city: { type: 'string', 'x-order': 1 }, people: { type: 'integer' } },
  required: ['city', 'people'],
  additionalProperties: false,
}
const rome = { city: 'Rome', people: 2_800_000 }
const form = (input: Record<string, unknown>) => ({ toolCalls: [{ name: 'StructuredOutput', input }] })

const claude = useClaude()
const open = (more: Partial<SessionOptions>) =>
  claude.driver.open(
    plainOptions({
      workdir: claude.home.workdir,
      ephemeral: true,
      profile: 'pure',
      jsonSchema: city,
      ...more,
    }),
    never,
  )
const ask = (session: AgentSession) => Array.fromAsync(session.prompt({ parts: [text('Go.')] }, never))
/** The last part of the text. */
const answerOf = (events: readonly TurnEvent[]) => {
  const told = events.filter((event) => event.type === 'text')
  return told
    .filter(({ part }) => part === told.at(-1)?.part)
    .map(({ text }) => text)
    .join('')
}
const offered = () =>
  (claude.model.calls[0]?.body['tools'] as { name: string; input_schema: unknown }[] | undefined)?.find(
    ({ name }) => name === 'StructuredOutput',
  )?.input_schema

describe('an answer that has to fit a schema', () => {
  test('is the JSON that the model gives, as a part of its own behind what it says before', async () => {
    claude.model.play({ text: 'Here it is.', ...form(rome), usage: { input: 100, output: 7 } })
    const session = await open({})
    for (let turn = 1; turn <= 2; turn += 1) {
      const events = await ask(session)
      expect(answerOf(events)).toBe(JSON.stringify(rome))
      expect(textOf(events)).toBe(`Here it is.${JSON.stringify(rome)}`)
      expect(events.map(({ type }) => type)).not.toContain('thinking')
      expect(endOf(events)).toMatchObject({
        stopReason: 'end_turn',
        usage: { inputTokens: 100, outputTokens: 7 },
      })
      expect(claude.model.calls.length).toBe(turn)
    }
    expect(offered()).toEqual({
      type: 'object',
      properties: { city: { type: 'string' }, people: { type: 'integer' } },
      required: ['city', 'people'],
      additionalProperties: false,
    })
  })

  test.each([
    [{ type: 'array', items: { $ref: '#/$defs/n' }, $defs: { n: { type: 'integer' } } }, [1, 2]],
    [{ type: 'string' }, 'Rome'],
    [{ anyOf: [{ type: 'null' }, { type: 'object', required: ['a'] }] }, null],
    [
      { type: 'object', $ref: '#/$defs/tree', $defs: { tree: { properties: { in: { $ref: '#' } } } } },
      { in: {} },
    ],
  ])('may be what no arguments of a tool can be: %j', async (jsonSchema, value) => {
    claude.model.play(form({ value }))
    expect(textOf(await ask(await open({ jsonSchema })))).toBe(JSON.stringify(value))
    expect(claude.model.calls.length).toBe(1)
  })

  test('is asked for again where it does not fit', async () => {
    claude.model.play([form({ city: 5 }), form(rome)])
    const events = await ask(await open({}))
    expect(textOf(events)).toBe(JSON.stringify(rome))
    expect(events.map(({ type }) => type)).not.toContain('tool_result')
    expect(claude.model.calls.length).toBe(2)
  })

  test.each<[string, object, string]>([
    ['the last one where none fits', form({ city: 5 }), '{"city":5}'],
    ['the text where the tool is never called', { text: JSON.stringify(rome) }, JSON.stringify(rome)],
  ])('is %s, and was corrected', async (_, reply, expected) => {
    claude.model.play(reply)
    const session = await open({})
    for (let turn = 1; turn <= 2; turn += 1) {
      const events = await ask(session)
      expect(answerOf(events)).toBe(expected)
      expect(endOf(events)).toMatchObject({ stopReason: 'end_turn', corrected: true })
      expect(claude.model.calls.length).toBe(2 * turn)
    }
  })

  test('may be corrected in a later turn, too', async () => {
    claude.model.play([form({ city: 5 }), form(rome), form({ city: 6 }), form(rome)])
    const session = await open({})
    for (let turn = 1; turn <= 2; turn += 1) expect(answerOf(await ask(session))).toBe(JSON.stringify(rome))
    expect(claude.model.calls.length).toBe(4)
  })

  test.each([{ type: 'nope' }, { $ref: 'https://example.com/schema.json' }, { $ref: '#/$defs/gone' }])(
    'is refused where Claude Code would drop the schema unsaid: %j',
    async (part) => {
      const jsonSchema = { type: 'object', properties: { part } }
      expect(await failure(ask(await open({ jsonSchema })))).toMatchObject({
        code: 'unsupported_option',
        message: expect.stringContaining('json_schema: '),
      })
    },
  )

  test('asks for no permission, whatever may be done otherwise', async () => {
    claude.model.play(form(rome))
    const events = await ask(
      await open({ profile: 'full', approvalMode: 'always', sandboxMode: 'read-only' }),
    )
    expect(textOf(events)).toBe(JSON.stringify(rome))
    expect(events.map(({ type }) => type)).not.toContain('approval')
  })

  test('comes after the calls of the client’s tools, one of them of the same name', async () => {
    const name = 'StructuredOutput'
    claude.model.play([
      {
        text: 'I look.',
        toolCalls: [{ name: `${name}_2`, input: { a: 1 } }],
        usage: { input: 50, output: 4 },
      },
      { ...form(rome), usage: { input: 70, output: 9 } },
    ])
    const session = await open({ clientTools: [{ name, inputSchema: { type: 'object' } }] })
    const events = await ask(session)
    const [made] = callsOf(events)
    expect(made).toMatchObject({ name, input: { a: 1 } })
    expect(textOf(events)).toBe('I look.')
    expect(endOf(events)).toMatchObject({
      stopReason: 'tool_calls',
      usage: { inputTokens: 50, outputTokens: 4 },
    })
    const result = { role: 'tool', callId: made?.id ?? '', parts: [text('x')], isError: false } as const
    const rest = await answer(session, [result])
    expect(textOf(rest)).toBe(JSON.stringify(rome))
    expect(endOf(rest)).toMatchObject({ stopReason: 'end_turn', usage: { inputTokens: 70, outputTokens: 9 } })
    expect(dialogueOf(claude.model.calls[1]).length).toBe(3)
  })

  test('tells that it was cut or refused, where it was', async () => {
    claude.model.play({ text: 'I can not', stopReason: 'refusal' })
    const events = await ask(await open({}))
    expect(endOf(events).stopReason).toBe('refusal')
    expect(textOf(events)).toBe('I can not')
    expect(claude.model.calls.length).toBe(1)
  })

  test.each([
    ['as text', city, { text: '{"city": "Ro' }, '{"city": "Ro'],
    ['as what the tool is called with', city, form({ city: 'Ro' }), '{"city":"Ro"}'],
    ['as what the tool is called with, in an object', { type: 'string' }, form({ value: 'Ro' }), '"Ro"}'],
  ])('is told as far as it came where it was cut, %s', async (_, jsonSchema, reply, expected) => {
    claude.model.play({ ...reply, stopReason: 'max_tokens' })
    const events = await ask(await open({ jsonSchema, maxTokens: 10 }))
    expect(endOf(events).stopReason).toBe('max_tokens')
    expect(textOf(events)).toBe(expected)
  })
})
