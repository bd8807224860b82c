import { describe, expect, test } from 'bun:test'
import { createTranslator } from '../../../src/agents/claude/to-events.ts'
import type { Fields } from '../../../src/agents/fields.ts'
import type { TurnEvent } from '../../../src/agents/types.ts'
import { assistant, initMessage, messageStart, result, stream, textDelta } from './support.ts'

const NOW = 1_700_000_000_000

/** All events of a turn made of these messages, the last of which is its result; or the error it ends with. */
function translate(messages: readonly Fields[], limited = false) {
  const known = { sessionId: undefined, version: undefined }
  const translator = createTranslator({ backend: 'claude', known, limited, now: () => NOW })
  const events: TurnEvent[] = []
  let stopped = false
  for (const message of messages) {
    const step =
      message['type'] === 'result' ? translator.finish(message, { costUsd: 0.5 }) : translator.take(message)
    events.push(...step.events)
    stopped ||= step.stop ?? false
    if (step.end?.error) return { events, stopped, error: step.end.error }
  }
  return { events, stopped }
}
const texts = (events: readonly TurnEvent[]) =>
  events.flatMap((event) => (event.type === 'text' ? [[event.text, event.part]] : []))
const messageEnd = (reason: string | null) =>
  stream({ type: 'message_delta', delta: { stop_reason: reason } })
const retry = { type: 'system', subtype: 'api_retry', attempt: 1, retry_delay_ms: 600, error_status: null }

describe('a turn', () => {
  test('begins with what the agent tells of itself and ends with its reason', () => {
    const { events } = translate([initMessage, messageStart('m'), textDelta('hi'), result()])
    expect(events).toEqual([
      { type: 'init', agentSessionId: 's-1', model: 'm-1', agentVersion: '9.8.7' },
      { type: 'text', text: 'hi', part: 'm:0' },
      { type: 'done', stopReason: 'end_turn', costUsd: 0.5, model: 'm-1' },
    ])
  })

  test('begins with init even where the agent does not say so', () => {
    const { events } = translate([textDelta('hi'), initMessage, result()])
    expect(events.map(({ type }) => type)).toEqual(['init', 'text', 'done'])
  })

  test('tells thinking and text apart, block by block', () => {
    const { events } = translate([
      initMessage,
      messageStart('m'),
      stream({ type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'hm' } }),
      stream({ type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 's' } }),
      textDelta('a', 1),
      textDelta('b', 2),
      result(),
    ])
    expect(events.slice(1, -1)).toEqual([
      { type: 'thinking', text: 'hm', part: 'm:0' },
      { type: 'text', text: 'a', part: 'm:1' },
      { type: 'text', text: 'b', part: 'm:2' },
    ])
  })

  test.each<[Fields, string]>([
    [result({ stop_reason: 'end_turn' }), 'end_turn'],
    [result({ stop_reason: 'tool_use' }), 'end_turn'],
    [result({ stop_reason: 'max_tokens' }), 'max_tokens'],
    [result({ stop_reason: 'refusal', is_error: true, result: 'API Error: safeguards' }), 'refusal'],
    [result({ subtype: 'error_max_turns', is_error: true, stop_reason: 'tool_use' }), 'max_turns'],
    [result({ is_error: true, api_error: 'max_output_tokens', stop_reason: 'stop_sequence' }), 'max_tokens'],
  ])('%j ends with %s', (last, stopReason) => {
    expect(translate([initMessage, last]).events.at(-1)).toMatchObject({ type: 'done', stopReason })
  })

  test('stops at the length that was asked for, and not at the model’s own', () => {
    const messages = [
      initMessage,
      messageStart('m'),
      textDelta('a'),
      messageEnd('max_tokens'),
      textDelta('b'),
    ]
    const failed = result({ subtype: 'error_during_execution', is_error: true })
    const limited = translate([...messages, failed], true)
    expect(limited.stopped).toBe(true)
    expect(texts(limited.events)).toEqual([['a', 'm:0']])
    expect(limited.events.at(-1)).toMatchObject({ type: 'done', stopReason: 'max_tokens' })
    const free = translate([...messages, result()])
    expect(free.stopped).toBe(false)
    expect(texts(free.events)).toHaveLength(2)
  })
})

describe('text', () => {
  test('comes once, whether it was streamed or not', () => {
    const streamed = translate([
      messageStart('m'),
      textDelta('hello'),
      assistant('m', [{ type: 'text', text: 'hello' }]),
      result(),
    ])
    expect(texts(streamed.events)).toEqual([['hello', 'm:0']])
    const whole = translate([assistant('m', [{ type: 'text', text: 'hello' }]), result()])
    expect(texts(whole.events).map(([text]) => text)).toEqual(['hello'])
  })

  test('that the agent made up to show an error is left out', () => {
    const shown = {
      type: 'assistant',
      message: { model: '<synthetic>', content: [{ type: 'text', text: 'API Error' }] },
    }
    expect(texts(translate([initMessage, shown, result()]).events)).toEqual([])
  })

  test('of a sub-agent is left out, its tools are not', () => {
    const inner = { parent_tool_use_id: 't-1' }
    const { events } = translate([
      initMessage,
      { ...textDelta('inner'), ...inner },
      assistant('x', [{ type: 'text', text: 'inner' }], inner),
      assistant('x', [{ type: 'tool_use', id: 't-2', name: 'Read', input: { a: 1 } }], inner),
      result(),
    ])
    expect(texts(events)).toEqual([])
    expect(events[1]).toEqual({ type: 'tool_use', id: 't-2', name: 'Read', input: { a: 1 } })
  })

  test('goes on where a broken stream left off', () => {
    const { events } = translate([
      initMessage,
      messageStart('m1'),
      textDelta('one two '),
      stream({ type: 'message_stop' }),
      retry,
      messageStart('m2'),
      textDelta('one '),
      textDelta('two three '),
      textDelta('four'),
      assistant('m2', [{ type: 'text', text: 'one two three four' }]),
      messageEnd('end_turn'),
      result(),
    ])
    expect(texts(events)).toEqual([
      ['one two ', 'm1:0'],
      ['three ', 'm1:0'],
      ['four', 'm1:0'],
    ])
  })

  test('goes on where several broken streams left off, in a message that is not streamed', () => {
    const { events } = translate([
      messageStart('m1'),
      textDelta('one two '),
      messageStart('m2'),
      textDelta('one '),
      assistant('m3', [{ type: 'text', text: 'one two three' }]),
      result(),
    ])
    // The second attempt broke as well, and was followed by an answer in one piece.
    expect(texts(events).map(([text]) => text)).toEqual(['one two ', 'three'])
  })

  test('begins again, and says so, where the second attempt says something else', () => {
    for (const other of ['uno dos', 'one'])
      expect(
        translate([
          messageStart('m1'),
          textDelta('one two'),
          messageStart('m2'),
          textDelta(other),
          messageEnd('end_turn'),
          result(),
        ]).events.slice(1, -1),
      ).toEqual([
        { type: 'text', text: 'one two', part: 'm1:0' },
        { type: 'progress', message: 'The connection broke, and the agent begins its answer again.' },
        { type: 'text', text: other, part: 'm2:0' },
      ])
  })
})

describe('tools', () => {
  test('are told when their input is whole, and their results as text', () => {
    const image = { type: 'image', source: {} }
    const { events } = translate([
      initMessage,
      messageStart('m'),
      stream({
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'input_json_delta', partial_json: '{"a"' },
      }),
      assistant('m', [{ type: 'tool_use', id: 't', name: 'Read', input: { a: 1 } }]),
      { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 't', content: 'plain' }] } },
      {
        type: 'user',
        message: {
          content: [
            {
              type: 'tool_result',
              tool_use_id: 't',
              is_error: true,
              content: [{ type: 'text', text: 'a' }, image],
            },
          ],
        },
      },
      result(),
    ])
    expect(events.slice(1, -1)).toEqual([
      { type: 'tool_use', id: 't', name: 'Read', input: { a: 1 } },
      { type: 'tool_result', id: 't', output: 'plain', isError: false },
      { type: 'tool_result', id: 't', output: 'a\n[image]', isError: true },
    ])
  })

  test('that the agent denies by its own rules are shown as denied', () => {
    const denied = {
      type: 'system',
      subtype: 'permission_denied',
      tool_name: 'Bash',
      tool_use_id: 't',
      message: 'no',
    }
    expect(translate([initMessage, denied, result()]).events[1]).toEqual({
      type: 'approval',
      toolId: 't',
      tool: 'Bash',
      decision: 'denied',
      reason: 'no',
    })
  })
})

describe('failures', () => {
  test('of the provider that are tried again are progress', () => {
    const { events } = translate([initMessage, { ...retry, error_status: 529 }, result()])
    expect(events[1]).toEqual({
      type: 'progress',
      message: 'The provider answered 529; the agent tries again.',
      data: { attempt: 1, status: 529, delay_ms: 600 },
    })
  })

  test('carry how long the provider asked to wait, where it can be told', () => {
    const limit = result({ is_error: true, api_error_status: 429, result: 'API Error: slow down' })
    const after = (message: Fields) => translate([initMessage, message, limit]).error?.retryAfterMs
    expect(after({ ...retry, error_status: 429, retry_delay_ms: 7000 })).toBe(7000)
    expect(after({ ...retry, error_status: 429, retry_delay_ms: 610 })).toBeUndefined()
    const info = { status: 'rejected', resetsAt: NOW / 1000 + 60 }
    expect(after({ type: 'rate_limit_event', rate_limit_info: info })).toBe(60_000)
    expect(
      after({ type: 'rate_limit_event', rate_limit_info: { ...info, status: 'allowed' } }),
    ).toBeUndefined()
  })
})
