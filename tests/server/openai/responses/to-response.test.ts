import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import { ResponseObject } from '../../../../src/server/openai/responses/answer-schema.ts'
import type { CallForm } from '../../../../src/server/openai/responses/client-tools.ts'
import {
  createResponseObject,
  tellsThinking,
  toResponse,
  toResponseUsage,
} from '../../../../src/server/openai/responses/to-response.ts'
import { create } from './support.ts'

describe('a complete response', () => {
  const result = { text: 'Hello', thinking: 'hm', calls: [], stopReason: 'end_turn' } as const
  const body = create({
    instructions: 'be brief',
    metadata: { a: '1' },
    max_output_tokens: 9,
    temperature: 0.5,
    reasoning: { effort: 'low', summary: 'auto' },
    previous_response_id: 'resp_0',
    store: false,
    user: 'me',
  })

  test('has every member that clients demand, and repeats the request', () => {
    const response = toResponse(createResponseObject(body, 5999), result, { thinking: true, now: () => 9000 })
    expect([...Value.Errors(ResponseObject, response)]).toEqual([])
    expect(response).toMatchObject({
      object: 'response',
      created_at: 5,
      completed_at: 9,
      status: 'completed',
      error: null,
      incomplete_details: null,
      instructions: 'be brief',
      metadata: { a: '1' },
      model: 'fake',
      max_output_tokens: 9,
      temperature: 0.5,
      top_p: null,
      reasoning: { effort: 'low', summary: 'auto' },
      previous_response_id: 'resp_0',
      store: false,
      tools: [],
      tool_choice: 'auto',
      parallel_tool_calls: true,
      text: { format: { type: 'text' } },
      truncation: 'disabled',
      background: false,
      user: 'me',
      usage: null,
    })
    expect(response.output.map(({ type }) => type)).toEqual(['reasoning', 'message'])
    expect(response.output[1]).toEqual({
      id: response.output[1]?.id as string,
      type: 'message',
      role: 'assistant',
      status: 'completed',
      content: [{ type: 'output_text', text: 'Hello', annotations: [], logprobs: [] }],
    })
  })

  test('has ids of its own', () => {
    const make = () => toResponse(createResponseObject(body, 0), result, { thinking: true })
    const ids = [make(), make()].flatMap(({ id, output }) => [id, ...output.map((item) => item.id)])
    expect(new Set(ids).size).toBe(6)
    expect(ids.slice(0, 3).map((id) => id.replace(/[0-9a-f]{32}$/, ''))).toEqual(['resp_', 'rs_', 'msg_'])
  })

  test('tells calls of functions and of custom tools, and no message where nothing is said', () => {
    const calls = [
      { id: 'call_1', name: 'f', input: { a: 1 }, json: '{"a":1}' },
      { id: 'call_2', name: 'patch', input: { input: 'text' }, json: '{"input":"text"}' },
    ]
    const called = { text: '', thinking: '', calls, stopReason: 'tool_calls' } as const
    const formOf = (name: string): CallForm | undefined =>
      name === 'patch' ? { kind: 'custom', name } : undefined
    const response = toResponse(createResponseObject(create(), 0), called, { thinking: false, formOf })
    expect([...Value.Errors(ResponseObject, response)]).toEqual([])
    expect(response).toMatchObject({
      status: 'completed',
      output: [
        { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{"a":1}', status: 'completed' },
        { type: 'custom_tool_call', call_id: 'call_2', name: 'patch', input: 'text', status: 'completed' },
      ],
    })
  })

  test('has no thinking that was not asked for, and no message where a limit left none', () => {
    const cut = { text: '', thinking: 'hm', calls: [], stopReason: 'max_tokens' } as const
    expect(toResponse(createResponseObject(create(), 0), cut, { thinking: false })).toMatchObject({
      status: 'incomplete',
      output: [],
    })
    expect(
      toResponse(createResponseObject(create(), 0), { ...result, text: '' }, { thinking: false }).output,
    ).toHaveLength(1)
  })
})

test('thinking is told where a summary is asked for, by its new or its former name', () => {
  expect(tellsThinking(create({ reasoning: { summary: 'concise' } }))).toBe(true)
  expect(tellsThinking(create({ reasoning: { generate_summary: 'auto' } }))).toBe(true)
  expect(tellsThinking(create({ reasoning: { effort: 'high', summary: null } }))).toBe(false)
  expect(tellsThinking(create())).toBe(false)
})

test('tokens are those of the agent, or null', () => {
  expect(toResponseUsage(undefined)).toBeNull()
  expect(toResponseUsage({ cachedTokens: 3 })).toBeNull()
  expect(
    toResponseUsage({
      inputTokens: 10,
      outputTokens: 5,
      cachedTokens: 4,
      cacheCreationTokens: 3,
      reasoningTokens: 2,
    }),
  ).toEqual({
    input_tokens: 10,
    input_tokens_details: { cached_tokens: 4, cache_write_tokens: 3 },
    output_tokens: 5,
    output_tokens_details: { reasoning_tokens: 2 },
    total_tokens: 15,
  })
})
