import { describe, expect, test } from 'bun:test'
import { answerForm } from '../../../src/agents/claude/answer-form.ts'
import { offerTools } from '../../../src/agents/claude/client-tools.ts'
import { createTranslator, type Step } from '../../../src/agents/claude/to-events.ts'
import type { Fields } from '../../../src/agents/fields.ts'
import { assistant, initMessage, result, stream, textDelta } from './support.ts'

const offer = offerTools({
  profile: 'pure',
  clientTools: ['look', 'find'].map((name) => ({ name, inputSchema: { type: 'object' } })),
})
const start = (usage: Fields = { input_tokens: 10, output_tokens: 1 }) =>
  stream({ type: 'message_start', message: { id: 'm', model: 'm-1', usage } })
const stop = stream({ type: 'message_stop' })
const end = (reason: string | null, usage: Fields = { output_tokens: 5 }) => [
  stream({ type: 'message_delta', delta: { stop_reason: reason }, usage }),
  stop,
]
const begun = (id: string, index: number, ...json: string[]) => [
  stream({
    type: 'content_block_start',
    index,
    content_block: { type: 'tool_use', id, name: id.replace(/\d/, ''), input: {} },
  }),
  ...json.map((partial_json) =>
    stream({ type: 'content_block_delta', index, delta: { type: 'input_json_delta', partial_json } }),
  ),
]
const block = (id: string, index: number, ...json: string[]) => [
  ...begun(id, index, ...json),
  assistant('m', [{ type: 'tool_use', id, name: id.replace(/\d/, ''), input: {} }]),
  stream({ type: 'content_block_stop', index }),
]

/** What the messages of a turn mean, one after another. */
function steps(messages: readonly Fields[], more: { limited?: boolean } = {}) {
  const translator = createTranslator({ backend: 'claude', known: {}, limited: false, offer, ...more })
  return messages.map((message): Step => {
    if ('called' in message) return translator.called(String(message['called']))
    return message['type'] === 'result' ? translator.finish(message, {}) : translator.take(message)
  })
}
const eventsOf = (all: readonly Step[]) => all.flatMap(({ events }) => events)
const kinds = (all: readonly Step[]): string[] => eventsOf(all).map(({ type }) => type)

describe('a call in the model’s stream', () => {
  test('is told as it arrives, and the turn waits at the end of the answer', () => {
    const all = steps([
      start(),
      textDelta('Hm.'),
      ...block('look1', 1, '{"a":', '1}'),
      ...block('find2', 2),
      ...end('tool_use'),
    ])
    expect(eventsOf(all)).toEqual([
      { type: 'init', model: 'm-1' },
      { type: 'text', text: 'Hm.', part: 'm:0' },
      { type: 'call_start', id: 'look1', name: 'look' },
      { type: 'call_delta', id: 'look1', json: '{"a":' },
      { type: 'call_delta', id: 'look1', json: '1}' },
      { type: 'call_end', id: 'look1', name: 'look', input: { a: 1 } },
      { type: 'call_start', id: 'find2', name: 'find' },
      { type: 'call_end', id: 'find2', name: 'find', input: {} },
      { type: 'done', stopReason: 'tool_calls', usage: { inputTokens: 10, outputTokens: 5 }, model: 'm-1' },
    ])
    expect(all.at(-1)?.waits).toEqual({ next: [{ type: 'init', model: 'm-1' }] })
    expect(all.slice(0, -1).some(({ waits }) => waits)).toBe(false)
  })

  test('is no tool of the agent’s, neither it nor its result', () => {
    const returned = (id: string) => ({
      type: 'user',
      message: { content: [{ type: 'tool_result', tool_use_id: id, content: 'x' }] },
    })
    const all = steps([
      start(),
      ...block('look1', 0, '{}'),
      ...block('Bash2', 1, '{}'),
      ...end('tool_use'),
      returned('Bash2'),
      returned('look1'),
      textDelta('Done.'),
      result(),
    ])
    expect(kinds(all)).toEqual([
      'init',
      'call_start',
      'call_delta',
      'call_end',
      'tool_use',
      'done',
      'tool_result',
      'text',
      'done',
    ])
  })

  test('of a sub-agent, or of a tool that was not offered, is not waited for', () => {
    const ofSub = block('look1', 0, '{}').map((message) => ({ ...message, parent_tool_use_id: 'task' }))
    const all = steps([start(), ...ofSub, ...block('nope2', 0, '{}'), ...end('tool_use')])
    expect(kinds(all)).toEqual(['init', 'tool_use', 'tool_use'])
    expect(all.at(-1)).toEqual({ events: [] })
  })

  test.each([
    ['that are no JSON', [...block('look1', 0, '{"a": "Ro'), ...end('tool_use')], '"look" with arguments'],
    ['that broke off', [...begun('look1', 0, '{"a"'), stop], 'connection'],
    ['before the stream broke', [...block('look1', 0, '{}'), stop], 'connection'],
    ['before the answer is begun again', [...block('look1', 0, '{}'), start()], 'connection'],
  ])('with arguments %s fails the turn', (_, messages, words) => {
    const all = steps([start(), ...messages])
    expect(all.at(-1)?.failure).toMatchObject({ code: 'upstream_error' })
    expect(all.at(-1)?.failure?.message).toContain(words)
    expect(all.some(({ waits }) => waits)).toBe(false)
  })

  test.each([
    ['max_tokens', 'max_tokens', { limited: false }],
    ['max_tokens', 'max_tokens', { limited: true }],
    ['model_context_window_exceeded', 'max_tokens', {}],
    ['refusal', 'refusal', {}],
  ])('of an answer that ends with %s is not made, whole or not', (reason, stopReason, more) => {
    for (const json of ['{"a": "Ro', '{}']) {
      const all = steps(
        [start(), ...block('look1', 0, json), ...end(reason), result({ is_error: true, subtype: 'x' })],
        more,
      )
      expect(all.filter(({ stop: stopped }) => stopped).length).toBe(1)
      expect(all.some(({ waits, failure }) => waits || failure)).toBe(false)
      expect(eventsOf(all).at(-1)).toMatchObject({ type: 'done', stopReason })
    }
  })

  test('that was not streamed is told whole, and the first that is made ends the answer', () => {
    const whole = (id: string) => ({
      type: 'assistant',
      message: {
        id: 'w',
        model: 'm-1',
        content: [{ type: 'tool_use', id, name: 'look', input: { a: 1 } }],
        usage: { input_tokens: 3, output_tokens: 4 },
      },
    })
    const all = steps([
      start(),
      stop,
      whole('look1'),
      whole('look2'),
      { called: 'look1' },
      { called: 'look2' },
    ])
    expect(kinds(all)).toEqual([
      'init',
      ...['call_start', 'call_delta', 'call_end'],
      ...['call_start', 'call_delta', 'call_end'],
      'done',
    ])
    expect(eventsOf(all).at(-1)).toMatchObject({ usage: { inputTokens: 3, outputTokens: 4 } })
    expect(all.map(({ waits }) => waits !== undefined)).toEqual([false, false, false, false, true, false])
  })
})

test('an answer with a form is the last part of the text, and its tool is not told', () => {
  const form = answerForm('claude', { type: 'object' })
  const translator = createTranslator({ backend: 'claude', known: {}, limited: false, form })
  const taken = [
    initMessage,
    start(),
    textDelta('Hm.'),
    assistant('m', [{ type: 'tool_use', id: 'a', name: 'StructuredOutput', input: {} }]),
    { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 'a', content: 'no' }] } },
  ].flatMap((message) => translator.take(message).events)
  expect(taken.map(({ type }) => type)).toEqual(['init', 'text'])
  const { events } = translator.finish(result({ structured_output: { a: 1 } }), {})
  expect(events).toMatchObject([
    { type: 'text', text: '{"a":1}', part: 'answer' },
    { type: 'done', stopReason: 'end_turn' },
  ])
  expect(translator.finish(result(), {}).events).toMatchObject([
    { type: 'done', stopReason: 'end_turn', corrected: true },
  ])
  const unfit = result({ subtype: 'error_max_structured_output_retries', is_error: true })
  expect(translator.finish(unfit, {}).events).toMatchObject([
    { type: 'text', text: '{}', part: 'answer' },
    { type: 'done', stopReason: 'end_turn', corrected: true },
  ])
})

test('tools and a form that Claude Code did not take fail the turn', () => {
  const form = answerForm('claude', { type: 'object' })
  const take = (tools: readonly string[]) =>
    createTranslator({ backend: 'claude', known: {}, limited: false, offer, form }).take({
      ...initMessage,
      tools,
    }).failure?.message
  expect(take(['look', 'find', 'StructuredOutput'])).toBeUndefined()
  expect(take(['find', 'StructuredOutput'])).toContain('"look"')
  expect(take(['look', 'find'])).toContain('json_schema')
})
