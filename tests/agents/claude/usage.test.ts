import { describe, expect, test } from 'bun:test'
import { createMeter, createTally } from '../../../src/agents/claude/usage.ts'

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

describe('what the answers of a turn took', () => {
  const start = (id: string, usage: Record<string, unknown>) => ({
    type: 'message_start',
    message: { id, usage },
  })
  const end = (usage: Record<string, unknown>) => ({ type: 'message_delta', usage })

  test('is told as far as it went, and the rest at its end', () => {
    const tally = createTally()
    tally.take(start('a', { input_tokens: 5, cache_read_input_tokens: 20, output_tokens: 1 }))
    // What a provider does not tell again is 0 or null there.
    tally.take(end({ input_tokens: 0, cache_read_input_tokens: null, output_tokens: 7 }))
    tally.take(start('b', { input_tokens: 30, output_tokens: 1 }))
    tally.take(end({ output_tokens: 3, output_tokens_details: { thinking_tokens: 2 } }))
    expect(tally.next()).toEqual({ inputTokens: 55, outputTokens: 10, cachedTokens: 20, reasoningTokens: 2 })
    tally.takeWhole({ id: 'c', usage: { input_tokens: 40, output_tokens: 2 } })
    tally.takeWhole({ id: 'c', usage: { input_tokens: 40, output_tokens: 4 } })
    expect(tally.next()).toEqual({ inputTokens: 40, outputTokens: 4 })
    const whole = { inputTokens: 200, outputTokens: 20, cachedTokens: 20, cacheCreationTokens: 6 }
    expect(tally.rest({ usage: whole, costUsd: 0.5 })).toEqual({
      usage: { inputTokens: 105, outputTokens: 6, cachedTokens: 0, cacheCreationTokens: 6 },
      costUsd: 0.5,
    })
  })

  test('is nothing for an answer that broke off, and never below nothing', () => {
    const tally = createTally()
    tally.take(start('a', { input_tokens: 5, output_tokens: 1 }))
    tally.take(start('b', { input_tokens: 7, output_tokens: 1 }))
    tally.take(end({ output_tokens: 2 }))
    expect(tally.next()).toEqual({ inputTokens: 7, outputTokens: 2 })
    expect(tally.rest({ usage: { inputTokens: 1 } })).toEqual({ usage: { inputTokens: 0 } })
    expect(tally.rest({ costUsd: 1 })).toEqual({ costUsd: 1 })
  })
})
