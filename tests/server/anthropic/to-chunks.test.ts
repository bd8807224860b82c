import { describe, expect, test } from 'bun:test'
import type { TurnEvent } from '../../../src/agents/types.ts'
import { ClinvkError } from '../../../src/errors.ts'
import type { ThinkingView } from '../../../src/server/anthropic/from-request.ts'
import { createMessageWriter } from '../../../src/server/anthropic/to-chunks.ts'
import { CALLING } from '../support.ts'

const text = (words: string, part?: string): TurnEvent => ({
  type: 'text',
  text: words,
  ...(part === undefined ? {} : { part }),
})
const thought = (words: string): TurnEvent => ({ type: 'thinking', text: words })
const done: TurnEvent = { type: 'done', stopReason: 'end_turn' }

/** The data of a stream's events, after checking that each carries its own name. */
function stream(events: readonly TurnEvent[], thinking: ThinkingView = 'shown') {
  const writer = createMessageWriter({ id: 'msg_1', model: 'm', thinking, requestId: 'r1' })
  return parse([writer.opening(), ...events.map((event) => writer.toChunk(event))].join(''))
}

function parse(sse: string): { type: string; [member: string]: unknown }[] {
  return sse
    .split('\n\n')
    .filter((block) => block !== '')
    .map((block) => {
      const [, name, data = ''] = block.match(/^event: (\w+)\ndata: (.*)$/) ?? []
      const event = JSON.parse(data)
      expect(event.type).toBe(name)
      return event
    })
}

const names = (events: { type: string }[]) => events.map(({ type }) => type)

describe('createMessageWriter', () => {
  test('writes each call as a block of its own', () => {
    const events = stream(CALLING)
    expect(events.filter(({ type }) => type !== 'ping').slice(3)).toEqual([
      { type: 'content_block_stop', index: 0 },
      {
        type: 'content_block_start',
        index: 1,
        content_block: { type: 'tool_use', id: 'call_1', name: 'get_weather', input: {} },
      },
      {
        type: 'content_block_delta',
        index: 1,
        delta: { type: 'input_json_delta', partial_json: '{"city":' },
      },
      { type: 'content_block_delta', index: 1, delta: { type: 'input_json_delta', partial_json: '"Rome"}' } },
      { type: 'content_block_stop', index: 1 },
      {
        type: 'content_block_start',
        index: 2,
        content_block: { type: 'tool_use', id: 'call_2', name: 'get_time', input: {} },
      },
      { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{}' } },
      { type: 'content_block_stop', index: 2 },
      {
        type: 'message_delta',
        delta: expect.objectContaining({ stop_reason: 'tool_use', stop_sequence: null }),
        usage: expect.objectContaining({ input_tokens: 10, output_tokens: 2 }),
      },
      { type: 'message_stop' },
    ])
  })

  test('writes the events of an answer in their order', () => {
    const events = stream([
      { type: 'init', model: 'other' },
      text('Hel'),
      text('lo'),
      { type: 'done', stopReason: 'end_turn', usage: { inputTokens: 9, cachedTokens: 4, outputTokens: 2 } },
    ])
    expect(events).toEqual([
      {
        type: 'message_start',
        message: expect.objectContaining({
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: 'm',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: expect.objectContaining({ input_tokens: 0, output_tokens: 0 }),
        }),
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'ping' },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hel' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'lo' } },
      { type: 'content_block_stop', index: 0 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, container: null },
        usage: {
          input_tokens: 5,
          cache_creation_input_tokens: null,
          cache_read_input_tokens: 4,
          output_tokens: 2,
          output_tokens_details: null,
          server_tool_use: null,
        },
      },
      { type: 'message_stop' },
    ])
  })

  test('numbers blocks, closes each before the next, and signs thinking', () => {
    const events = stream([thought('Hm'), thought('!'), text('A'), thought('so'), text('B'), done])
    const blocks = events.filter(({ type }) => type.startsWith('content_block'))
    expect(
      blocks.map(({ type, index, delta, content_block }) => [
        type.replace('content_block_', ''),
        index,
        ((delta ?? content_block) as { type: string } | undefined)?.type,
      ]),
    ).toEqual([
      ['start', 0, 'thinking'],
      ['delta', 0, 'thinking_delta'],
      ['delta', 0, 'thinking_delta'],
      ['delta', 0, 'signature_delta'],
      ['stop', 0, undefined],
      ['start', 1, 'text'],
      ['delta', 1, 'text_delta'],
      ['stop', 1, undefined],
      ['start', 2, 'thinking'],
      ['delta', 2, 'thinking_delta'],
      ['delta', 2, 'signature_delta'],
      ['stop', 2, undefined],
      ['start', 3, 'text'],
      ['delta', 3, 'text_delta'],
      ['stop', 3, undefined],
    ])
    expect(names(events).filter((type) => type === 'ping')).toHaveLength(1)
  })

  test('keeps the paragraphs of one answer in one block', () => {
    const events = stream([text('a', 'p1'), text('\n\nb', 'p2'), done])
    expect(names(events).filter((type) => type === 'content_block_start')).toHaveLength(1)
  })

  test('tells nothing of thinking that was not asked for', () => {
    expect(names(stream([thought('Hm'), text('A'), done], 'hidden'))).toEqual(
      names(stream([text('A'), done])),
    )
  })

  test('shows that there was thinking where its words are not wanted', () => {
    const events = stream([thought('Hm'), thought('!'), text('A'), done], 'omitted')
    expect(JSON.stringify(events)).not.toContain('Hm')
    expect(names(events).slice(0, 5)).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_stop',
    ])
    expect(events[3]).toMatchObject({ delta: { type: 'signature_delta' } })
  })

  test('tells nothing of the tools that an agent uses for itself', () => {
    const events = stream([
      { type: 'tool_use', id: 't', name: 'Bash', input: {} },
      { type: 'tool_result', id: 't', output: 'x', isError: false },
      { type: 'progress', message: 'again' },
      { type: 'approval', tool: 'Bash', decision: 'denied', reason: 'no' },
      text(''),
      done,
    ])
    expect(names(events)).toEqual(['message_start', 'message_delta', 'message_stop'])
  })

  test('names the sequence that ended the text', () => {
    const events = stream([text('A'), { type: 'done', stopReason: 'stop_sequence', stopSequence: 'END' }])
    expect(events.at(-2)).toMatchObject({ delta: { stop_reason: 'stop_sequence', stop_sequence: 'END' } })
  })

  test('keeps silence alive with ping, and ends with an error where the run failed', () => {
    const writer = createMessageWriter({ id: 'msg_1', model: 'm', thinking: 'hidden', requestId: 'r1' })
    expect(parse(writer.heartbeat())).toEqual([{ type: 'ping' }])
    expect(parse(writer.error(new ClinvkError('upstream_overloaded', 'Too much.')))).toEqual([
      {
        type: 'error',
        error: {
          type: 'overloaded_error',
          message: 'Too much.',
          details: { error_code: 'upstream_overloaded' },
        },
        request_id: 'r1',
      },
    ])
  })
})
