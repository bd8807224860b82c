import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import type { TurnEvent } from '../../../src/agents/types.ts'
import { ClinvkError } from '../../../src/errors.ts'
import { ChatCompletionChunk } from '../../../src/server/openai/answer-schema.ts'
import { createChunkWriter } from '../../../src/server/openai/to-chunks.ts'
import { answer, CALLING } from '../support.ts'

const head = { id: 'chatcmpl-1', created: 7, model: 'm' }
const write = (events: TurnEvent[], includeUsage = false) => {
  const writer = createChunkWriter(head, { includeUsage })
  return [writer.opening(), ...events.map((event) => writer.toChunk(event))].join('')
}
const dataOf = (text: string) =>
  text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => {
      expect(event).toStartWith('data: ')
      return event.slice('data: '.length)
    })

describe('a chunk writer', () => {
  test('writes role, text, reason and [DONE], in that order and nothing else', () => {
    const data = dataOf(write(answer('a', '', 'b')))
    expect(data.pop()).toBe('[DONE]')
    const chunks = data.map((text) => JSON.parse(text))
    expect(chunks.map(({ choices }) => choices)).toEqual([
      [
        {
          index: 0,
          delta: { role: 'assistant', content: '', refusal: null },
          logprobs: null,
          finish_reason: null,
        },
      ],
      [{ index: 0, delta: { content: 'a' }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: { content: 'b' }, logprobs: null, finish_reason: null }],
      [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }],
    ])
    for (const chunk of chunks) {
      expect(chunk).toMatchObject({ ...head, object: 'chat.completion.chunk' })
      expect(chunk).not.toHaveProperty('usage')
      expect(Value.Check(ChatCompletionChunk, chunk)).toBe(true)
    }
  })

  test('writes calls one after the other, each with its id and name first', () => {
    const data = dataOf(write([...CALLING]))
    expect(data.pop()).toBe('[DONE]')
    const chunks = data.map((text) => JSON.parse(text))
    const last = chunks.pop()
    expect(chunks.slice(2).flatMap(({ choices }) => choices[0].delta.tool_calls)).toEqual([
      { index: 0, id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '' } },
      { index: 0, function: { arguments: '{"city":' } },
      { index: 0, function: { arguments: '"Rome"}' } },
      { index: 1, id: 'call_2', type: 'function', function: { name: 'get_time', arguments: '' } },
      { index: 1, function: { arguments: '{}' } },
    ])
    expect(last.choices[0]).toMatchObject({ delta: {}, finish_reason: 'tool_calls' })
    for (const chunk of [...chunks, last]) expect(Value.Check(ChatCompletionChunk, chunk)).toBe(true)
  })

  test('writes usage, where it is asked for, in a chunk of its own, and null in all before', () => {
    const data = dataOf(write(answer('a'), true))
    expect(data.pop()).toBe('[DONE]')
    const chunks = data.map((text) => JSON.parse(text))
    const last = chunks.pop()
    expect(last.choices).toEqual([])
    expect(last.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 })
    expect(chunks.map(({ usage }) => usage)).toEqual([null, null, null])
    for (const chunk of [...chunks, last]) expect(Value.Check(ChatCompletionChunk, chunk)).toBe(true)
  })

  test('writes no usage that it does not know', () => {
    const data = dataOf(write([{ type: 'done', stopReason: 'end_turn' }], true))
    expect(data).toHaveLength(3)
    expect(JSON.parse(data[1] ?? '')).toMatchObject({ usage: null, choices: [{ finish_reason: 'stop' }] })
  })

  test('writes thinking as reasoning_content', () => {
    const [, thought = ''] = dataOf(write([{ type: 'thinking', text: 'hm' }]))
    expect(JSON.parse(thought).choices[0].delta).toEqual({ reasoning_content: 'hm' })
  })

  test("keeps the agent's own tools, approvals and notices to itself: a client would try to run them", () => {
    const writer = createChunkWriter(head, { includeUsage: false })
    const events: TurnEvent[] = [
      { type: 'tool_use', id: '1', name: 'Bash', input: {} },
      { type: 'tool_result', id: '1', output: 'x', isError: false },
      { type: 'approval', tool: 'Bash', decision: 'denied', reason: 'no' },
      { type: 'progress', message: 'x' },
    ]
    expect(events.map((event) => writer.toChunk(event))).toEqual(['', '', '', ''])
  })

  test('bridges silence with a chunk that says nothing', () => {
    const [beat = ''] = dataOf(createChunkWriter(head, { includeUsage: true }).heartbeat())
    expect(JSON.parse(beat)).toMatchObject({ usage: null, choices: [{ delta: {}, finish_reason: null }] })
    expect(Value.Check(ChatCompletionChunk, JSON.parse(beat))).toBe(true)
  })

  test('tells a failure in place of a chunk', () => {
    const writer = createChunkWriter(head, { includeUsage: false })
    expect(writer.error(new ClinvkError('agent_crashed', 'It\nended.'))).toBe(
      'data: {"error":{"message":"It\\nended.","type":"server_error","param":null,"code":"agent_crashed"}}\n\n',
    )
  })
})
