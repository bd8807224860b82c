import { describe, expect, test } from 'bun:test'
import { createMeter } from '../../../src/agents/claude/usage.ts'

const model = { inputTokens: 100, outputTokens: 40, cacheReadInputTokens: 30, cacheCreationInputTokens: 20 }

describe('what a turn took', () => {
  test('is what was used since the last result, of all models', () => {
    const spent = createMeter(true)({
      total_cost_usd: 9,
      usage: { input_tokens: 1 },
      model_usage_since_last_result: {
        large: { ...model, thinkingTokens: 7, costUSD: 0.25 },
        small: { ...model, thinkingTokens: 1, costUSD: 0.5 },
      },
    })
    expect(spent).toEqual({
      usage: {
        inputTokens: 300,
        outputTokens: 80,
        cachedTokens: 60,
        cacheCreationTokens: 40,
        reasoningTokens: 8,
      },
      costUsd: 0.75,
    })
  })

  test('leaves out what an agent does not tell', () => {
    expect(createMeter(false)({ model_usage_since_last_result: { a: model } })).toEqual({
      usage: { inputTokens: 150, outputTokens: 40, cachedTokens: 30, cacheCreationTokens: 20 },
    })
    expect(createMeter(true)({})).toEqual({ usage: {} })
  })

  test('is the difference of totals where older versions tell no more', () => {
    const meter = createMeter(false)
    const usage = {
      input_tokens: 100,
      cache_creation_input_tokens: 20,
      cache_read_input_tokens: 30,
      output_tokens: 40,
      output_tokens_details: { thinking_tokens: 7 },
    }
    expect(meter({ total_cost_usd: 0.25, usage })).toEqual({
      usage: {
        inputTokens: 150,
        outputTokens: 40,
        cachedTokens: 30,
        cacheCreationTokens: 20,
        reasoningTokens: 7,
      },
      costUsd: 0.25,
    })
    expect(meter({ total_cost_usd: 1 }).costUsd).toBe(0.75)
  })

  test('is not known for the first turn of a resumed conversation, whose total goes on from before', () => {
    const meter = createMeter(true)
    expect(meter({ total_cost_usd: 5 }).costUsd).toBeUndefined()
    expect(meter({ total_cost_usd: 5.5 }).costUsd).toBe(0.5)
  })
})
