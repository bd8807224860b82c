import { describe, expect, test } from 'bun:test'
import type { TurnResult } from '../../../src/engine/types.ts'
import { toMessage, toStopReason, toUsage } from '../../../src/server/anthropic/to-response.ts'

const about = { id: 'msg_1', model: 'claude/opus', thinking: 'shown' } as const
const result: TurnResult = {
  id: 'run_1',
  sessionId: 'ses_1',
  backend: 'claude',
  text: 'Hello',
  thinking: '',
  toolCalls: [{ id: 't', name: 'Bash', input: {} }],
  calls: [],
  stopReason: 'end_turn',
  model: 'claude-opus-5',
  durationMs: 1,
}

describe('toMessage', () => {
  test('answers with what was said, under the name that was asked for', () => {
    expect(toMessage(result, about)).toEqual({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude/opus',
      content: [{ type: 'text', text: 'Hello' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
      usage: {
        input_tokens: 0,
        cache_creation_input_tokens: null,
        cache_read_input_tokens: null,
        cache_creation: null,
        output_tokens: 0,
        output_tokens_details: null,
        server_tool_use: null,
        service_tier: 'standard',
        inference_geo: null,
        speed: null,
      },
    })
  })

  test('puts thinking in front, signed, and only where it is asked for', () => {
    const thought = { ...result, thinking: 'Hm.' }
    const content = (thinking: 'shown' | 'omitted' | 'hidden') =>
      toMessage(thought, { ...about, thinking }).content
    expect(content('shown')).toEqual([
      { type: 'thinking', thinking: 'Hm.', signature: expect.stringMatching(/^.+$/) },
      { type: 'text', text: 'Hello' },
    ])
    expect(content('omitted')[0]).toMatchObject({ type: 'thinking', thinking: '' })
    expect(content('hidden')).toEqual([{ type: 'text', text: 'Hello' }])
  })

  test('has no block for an empty answer', () => {
    expect(toMessage({ ...result, text: '' }, about).content).toEqual([])
  })

  test('has a block for each call', () => {
    const calls = [{ id: 'toolu_1', name: 'f', input: { a: 1 }, json: '{"a":1}' }]
    const message = toMessage({ ...result, text: '', calls, stopReason: 'tool_calls' }, about)
    expect(message).toMatchObject({
      content: [{ type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 } }],
      stop_reason: 'tool_use',
    })
  })

  test('names the sequence that ended the text', () => {
    const stopped = { ...result, stopReason: 'stop_sequence', stopSequence: 'END' } as const
    expect(toMessage(stopped, about)).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'END' })
  })
})

describe('toUsage', () => {
  test('counts what came from the cache or went there apart from the input', () => {
    const usage = {
      inputTokens: 100,
      outputTokens: 20,
      cachedTokens: 60,
      cacheCreationTokens: 30,
      reasoningTokens: 5,
    }
    expect(toUsage(usage)).toMatchObject({
      input_tokens: 10,
      cache_read_input_tokens: 60,
      cache_creation_input_tokens: 30,
      output_tokens: 20,
      output_tokens_details: { thinking_tokens: 5 },
    })
  })

  test('leaves unknown what the agent does not tell', () => {
    expect(toUsage({ inputTokens: 7, outputTokens: 1 })).toMatchObject({
      input_tokens: 7,
      cache_read_input_tokens: null,
      cache_creation_input_tokens: null,
      output_tokens_details: null,
    })
  })

  test('is never below zero', () => {
    expect(toUsage({ inputTokens: 5, cachedTokens: 8 }).input_tokens).toBe(0)
  })
})

describe('toStopReason', () => {
  for (const [ours, theirs] of [
    ['end_turn', 'end_turn'],
    ['max_tokens', 'max_tokens'],
    ['max_turns', 'pause_turn'],
    ['stop_sequence', 'stop_sequence'],
    ['refusal', 'refusal'],
  ] as const)
    test(`calls ${ours} ${theirs}`, () => {
      expect(toStopReason(ours)).toBe(theirs)
    })
})
