import { describe, expect, test } from 'bun:test'
import { Value } from '@sinclair/typebox/value'
import type { StopReason, Usage } from '../../../src/agents/types.ts'
import type { TurnResult } from '../../../src/engine/types.ts'
import { ChatCompletion } from '../../../src/server/openai/answer-schema.ts'
import {
  answerHead,
  toChatCompletion,
  toCompletionUsage,
  toFinishReason,
} from '../../../src/server/openai/to-response.ts'

const result: TurnResult = {
  id: 'run_1',
  sessionId: 'ses_1',
  backend: 'fake',
  text: 'hello',
  thinking: '',
  toolCalls: [],
  calls: [],
  stopReason: 'end_turn',
  durationMs: 5,
}
const head = { id: 'chatcmpl-1', created: 7, model: 'm' }

describe('toChatCompletion', () => {
  test('says everything that clients read, and nothing that is not known', () => {
    const completion = toChatCompletion(result, head)
    expect(completion).toEqual({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      created: 7,
      model: 'm',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'hello', refusal: null, annotations: [] },
          logprobs: null,
          finish_reason: 'stop',
        },
      ],
      service_tier: 'default',
      system_fingerprint: null,
    })
    expect(Value.Check(ChatCompletion, completion)).toBe(true)
  })

  test('has calls, and null for an answer that is nothing else', () => {
    const calls = [{ id: 'call_1', name: 'f', input: { a: 1 }, json: '{"a": 1}' }]
    const completion = toChatCompletion({ ...result, text: '', calls, stopReason: 'tool_calls' }, head)
    expect(completion.choices[0]).toMatchObject({
      message: {
        content: null,
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a": 1}' } }],
      },
      finish_reason: 'tool_calls',
    })
    expect(Value.Check(ChatCompletion, completion)).toBe(true)
  })

  test('has thinking and tokens where there are some', () => {
    const usage = { inputTokens: 5, outputTokens: 2 }
    const completion = toChatCompletion({ ...result, thinking: 'hm', usage }, head)
    expect(completion.choices[0]?.message.reasoning_content).toBe('hm')
    expect(completion.usage?.total_tokens).toBe(7)
    expect(Value.Check(ChatCompletion, completion)).toBe(true)
  })
})

describe('toFinishReason', () => {
  const reasons: [StopReason, string][] = [
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['max_turns', 'length'],
    ['refusal', 'content_filter'],
  ]
  test.each(reasons)('says %s as %s', (reason, finish) => {
    expect(toFinishReason(reason)).toBe(finish as 'stop')
  })
})

describe('toCompletionUsage', () => {
  test('tells cached and reasoning tokens as parts of the others', () => {
    const usage = {
      inputTokens: 10,
      outputTokens: 4,
      cachedTokens: 6,
      reasoningTokens: 3,
      cacheCreationTokens: 2,
    }
    expect(toCompletionUsage(usage)).toEqual({
      prompt_tokens: 10,
      completion_tokens: 4,
      total_tokens: 14,
      prompt_tokens_details: { cached_tokens: 6, audio_tokens: 0 },
      completion_tokens_details: {
        reasoning_tokens: 3,
        audio_tokens: 0,
        accepted_prediction_tokens: 0,
        rejected_prediction_tokens: 0,
      },
    })
  })

  test.each([undefined, {}, { inputTokens: 1 }, { outputTokens: 1 }] as (Usage | undefined)[])(
    'makes nothing up for %p',
    (usage) => {
      expect(toCompletionUsage(usage)).toBeUndefined()
    },
  )
})

describe('answerHead', () => {
  test('has another id for every answer, and the time in seconds', () => {
    const heads = Array.from({ length: 100 }, () => answerHead('m', 1999))
    expect(new Set(heads.map(({ id }) => id)).size).toBe(100)
    expect(heads[0]).toMatchObject({ created: 1, model: 'm', id: expect.stringMatching(/^chatcmpl-\w{32}$/) })
  })
})
