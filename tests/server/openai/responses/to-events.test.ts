import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import type { TurnEvent } from '../../../../src/agents/types.ts'
import { ClinvkError } from '../../../../src/errors.ts'
import { type ResponseEvent, ResponseObject } from '../../../../src/server/openai/responses/answer-schema.ts'
import type { CallForm } from '../../../../src/server/openai/responses/client-tools.ts'
import { createEventWriter } from '../../../../src/server/openai/responses/to-events.ts'
import { createResponseObject } from '../../../../src/server/openai/responses/to-response.ts'
import { CALLING } from '../../support.ts'
import { create } from './support.ts'

describe('a streamed call', () => {
  const call = { id: 'fc', type: 'function_call', call_id: 'call_1', name: 'get_weather' }
  const place = { item_id: 'fc', output_index: 1 }

  test('of a function is an item with its arguments in pieces', () => {
    const { events, writer } = play(CALLING)
    const told = named(events).map(({ sequence_number: _, ...event }) => event)
    expect(told.slice(6, 11)).toEqual([
      {
        type: 'response.output_item.added',
        output_index: 1,
        item: { ...call, status: 'in_progress', arguments: '' },
      },
      { type: 'response.function_call_arguments.delta', ...place, delta: '{"city":' },
      { type: 'response.function_call_arguments.delta', ...place, delta: '"Rome"}' },
      {
        type: 'response.function_call_arguments.done',
        ...place,
        name: 'get_weather',
        arguments: '{"city":"Rome"}',
      },
      {
        type: 'response.output_item.done',
        output_index: 1,
        item: { ...call, status: 'completed', arguments: '{"city":"Rome"}' },
      },
    ])
    expect(told.at(-1)).toMatchObject({ type: 'response.completed', response: { status: 'completed' } })
    expect(writer.response().output.map(({ type }) => type)).toEqual([
      'message',
      'function_call',
      'function_call',
    ])
    expect([...Value.Errors(ResponseObject, writer.response())]).toEqual([])
  })

  test('of a custom tool is an item with its text', () => {
    const { events, writer } = play(
      [
        { type: 'call_start', id: 'call_1', name: 'patch' },
        { type: 'call_delta', id: 'call_1', json: '{"input":"*** Begin"}' },
        { type: 'call_end', id: 'call_1', name: 'patch', input: { input: '*** Begin' } },
        { type: 'done', stopReason: 'tool_calls' },
      ],
      false,
      { patch: { kind: 'custom', name: 'patch' } },
    )
    expect(named(events).map(({ type }) => type)).toEqual([
      'response.output_item.added',
      'response.custom_tool_call_input.delta',
      'response.custom_tool_call_input.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(named(events)[2]).toMatchObject({ input: '*** Begin', item_id: 'ctc', output_index: 0 })
    expect(writer.response().output).toMatchObject([
      { type: 'custom_tool_call', call_id: 'call_1', name: 'patch', input: '*** Begin', status: 'completed' },
    ])
  })
})

describe('a streamed response', () => {
  test('has every event with every member that parsers look for', () => {
    const { events, opening } = play([
      { type: 'init' },
      { type: 'thinking', text: 'h' },
      { type: 'thinking', text: 'm' },
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
      {
        type: 'done',
        stopReason: 'end_turn',
        usage: { inputTokens: 10, outputTokens: 2, reasoningTokens: 1 },
      },
    ])
    const [begun] = opening
    expect(opening.map(({ type, sequence_number }) => [type, sequence_number])).toEqual([
      ['response.created', 0],
      ['response.in_progress', 1],
    ])
    expect(begun?.['response']).toMatchObject({ status: 'in_progress', output: [], usage: null })
    const reasoning = { id: 'rs', type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] }
    const message = {
      id: 'msg',
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'Hello', annotations: [], logprobs: [] }],
    }
    const ofThought = { item_id: 'rs', output_index: 0 }
    const ofThoughtPart = { ...ofThought, summary_index: 0 }
    const ofText = { item_id: 'msg', output_index: 1, content_index: 0 }
    const part = { type: 'output_text', text: '', annotations: [], logprobs: [] }
    expect(named(events).slice(0, -1)).toEqual([
      {
        type: 'response.output_item.added',
        sequence_number: 2,
        output_index: 0,
        item: { ...reasoning, summary: [] },
      },
      {
        type: 'response.reasoning_summary_part.added',
        sequence_number: 3,
        ...ofThoughtPart,
        part: { type: 'summary_text', text: '' },
      },
      { type: 'response.reasoning_summary_text.delta', sequence_number: 4, ...ofThoughtPart, delta: 'h' },
      { type: 'response.reasoning_summary_text.delta', sequence_number: 5, ...ofThoughtPart, delta: 'm' },
      { type: 'response.reasoning_summary_text.done', sequence_number: 6, ...ofThoughtPart, text: 'hm' },
      {
        type: 'response.reasoning_summary_part.done',
        sequence_number: 7,
        ...ofThoughtPart,
        part: { type: 'summary_text', text: 'hm' },
      },
      { type: 'response.output_item.done', sequence_number: 8, output_index: 0, item: reasoning },
      {
        type: 'response.output_item.added',
        sequence_number: 9,
        output_index: 1,
        item: { ...message, status: 'in_progress', content: [] },
      },
      { type: 'response.content_part.added', sequence_number: 10, ...ofText, part },
      { type: 'response.output_text.delta', sequence_number: 11, ...ofText, delta: 'Hel', logprobs: [] },
      { type: 'response.output_text.delta', sequence_number: 12, ...ofText, delta: 'lo', logprobs: [] },
      { type: 'response.output_text.done', sequence_number: 13, ...ofText, text: 'Hello', logprobs: [] },
      {
        type: 'response.content_part.done',
        sequence_number: 14,
        ...ofText,
        part: { ...part, text: 'Hello' },
      },
      { type: 'response.output_item.done', sequence_number: 15, output_index: 1, item: message },
    ])
    const last = named(events).at(-1)
    expect([last?.['type'], last?.['sequence_number']]).toEqual(['response.completed', 16])
    expect(last?.['response']).toMatchObject({
      status: 'completed',
      output: [reasoning, message],
      usage: {
        input_tokens: 10,
        output_tokens: 2,
        total_tokens: 12,
        output_tokens_details: { reasoning_tokens: 1 },
      },
    })
    expect([...Value.Errors(ResponseObject, events.at(-1)?.['response'])]).toEqual([])
  })

  test('goes on with a new item after each change between thinking and text', () => {
    const { events } = play([
      { type: 'thinking', text: '1' },
      { type: 'text', text: '2' },
      { type: 'tool_use', id: 't', name: 'run', input: {} },
      { type: 'tool_result', id: 't', output: 'o', isError: false },
      { type: 'text', text: '3' },
      { type: 'thinking', text: '4' },
      { type: 'text', text: '5' },
      { type: 'done', stopReason: 'end_turn' },
    ])
    const done = events.filter(({ type }) => type === 'response.output_item.done')
    expect(done.map(({ output_index, item }) => [output_index, textOf(item)])).toEqual([
      [0, '1'],
      [1, '23'],
      [2, '4'],
      [3, '5'],
    ])
    expect(new Set(done.map(({ item }) => (item as { id: string }).id)).size).toBe(4)
    expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, index) => index + 2))
  })

  test('does not tell of thinking that nobody asked for', () => {
    const { events } = play(
      [
        { type: 'thinking', text: 'hm' },
        { type: 'done', stopReason: 'max_tokens' },
      ],
      false,
    )
    expect(events.map(({ type }) => type)).toEqual(['response.incomplete'])
    expect(events[0]?.['response']).toMatchObject({ output: [] })
  })

  test('has a message though the model said nothing', () => {
    const { events } = play([
      { type: 'thinking', text: 'hm' },
      { type: 'done', stopReason: 'end_turn' },
    ])
    const response = events.at(-1)?.['response'] as ResponseObject | undefined
    expect(response?.output.map((item) => [item.type, textOf(item)])).toEqual([
      ['reasoning', 'hm'],
      ['message', ''],
    ])
    expect(events.filter(({ type }) => type === 'response.content_part.added')).toHaveLength(1)
  })

  const ends = [
    ['max_tokens', 'max_output_tokens'],
    ['max_turns', 'max_output_tokens'],
    ['refusal', 'content_filter'],
  ] as const
  for (const [stopReason, reason] of ends)
    test(`that ends with ${stopReason} is incomplete: ${reason}`, () => {
      const { events } = play([
        { type: 'text', text: 'cut' },
        { type: 'done', stopReason },
      ])
      const last = events.at(-1)
      expect(last?.type).toBe('response.incomplete')
      expect(last?.['response']).toMatchObject({
        status: 'incomplete',
        incomplete_details: { reason },
        completed_at: null,
        output: [{ status: 'incomplete' }],
      })
    })

  test('that calls tools of a namespace, and the search for tools, tells them in their own forms', () => {
    const call = (id: string, name: string, input: object): TurnEvent[] => [
      { type: 'call_start', id, name },
      { type: 'call_delta', id, json: JSON.stringify(input) },
      { type: 'call_end', id, name, input },
    ]
    const { events } = play(
      [
        ...call('a', 'ns__f', { x: 1 }),
        ...call('b', 'tool_search', { query: 'q' }),
        { type: 'done', stopReason: 'tool_calls' },
      ],
      true,
      {
        ns__f: { kind: 'call', name: 'f', namespace: 'ns' },
        tool_search: { kind: 'search', name: 'tool_search' },
      },
    )
    expect(events.map(({ type }) => type)).toEqual([
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.output_item.added',
      'response.output_item.done',
      'response.completed',
    ])
    const items = named(events).flatMap(({ type, item }) =>
      type === 'response.output_item.done' ? [item] : [],
    )
    expect(items).toEqual([
      {
        id: 'fc',
        type: 'function_call',
        call_id: 'a',
        name: 'f',
        namespace: 'ns',
        status: 'completed',
        arguments: '{"x":1}',
      },
      {
        id: 'tsc',
        type: 'tool_search_call',
        call_id: 'b',
        execution: 'client',
        status: 'completed',
        arguments: { query: 'q' },
      },
    ])
  })

  test('that fails says so twice, after closing what was open', () => {
    const { writer } = play([{ type: 'text', text: 'half' }])
    const events = writer.failed(new ClinvkError('upstream_billing', 'No credit.'))
    expect(events.map(({ type }) => type)).toEqual([
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'error',
      'response.failed',
    ])
    const told = {
      type: 'insufficient_quota',
      code: 'insufficient_quota',
      message: 'No credit.',
      param: null,
    }
    expect(events[3]).toEqual({
      type: 'error',
      sequence_number: 8,
      code: told.code,
      message: told.message,
      param: null,
      error: told,
    })
    expect(events[4]?.['response']).toMatchObject({
      status: 'failed',
      error: { code: 'insufficient_quota', message: 'No credit.' },
      output: [{ status: 'incomplete', content: [{ text: 'half' }] }],
    })
  })

  test('that is cancelled ends with what there is of it', () => {
    const { writer } = play([{ type: 'text', text: 'half' }])
    expect(writer.response()).toMatchObject({ status: 'in_progress', output: [{ status: 'in_progress' }] })
    const last = writer.cancelled().at(-1)
    expect(last?.type).toBe('response.incomplete')
    expect(last?.['response']).toMatchObject({ status: 'cancelled', output: [{ status: 'incomplete' }] })
    expect(writer.response()).toEqual(last?.['response'] as ResponseObject)
  })
})

function play(turn: readonly TurnEvent[], thinking = true, forms: Readonly<Record<string, CallForm>> = {}) {
  const options = { thinking, formOf: (name: string) => forms[name], now: () => 9000 }
  const writer = createEventWriter(createResponseObject(create(), 5000), options)
  const events = turn.flatMap((event) => writer.toEvents(event))
  return { writer, events, opening: writer.opening() }
}

/** With ids that say no more than what they are of. */
function named(events: readonly ResponseEvent[]): Record<string, unknown>[] {
  return JSON.parse(JSON.stringify(events).replace(/"(rs|msg|fc|ctc|tsc)_[0-9a-f]{32}"/g, '"$1"'))
}

function textOf(item: unknown): string | undefined {
  const { summary, content } = item as { summary?: { text: string }[]; content?: { text: string }[] }
  return (summary ?? content)?.[0]?.text
}
