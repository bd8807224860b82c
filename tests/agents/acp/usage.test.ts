import { expect, test } from 'bun:test'
import { toOutcome } from '../../../src/agents/acp/usage.ts'

const usage = {
  inputTokens: 50,
  outputTokens: 4,
  totalTokens: 107,
  thoughtTokens: 3,
  cachedReadTokens: 40,
  cachedWriteTokens: 10,
}
const counted = {
  inputTokens: 100,
  outputTokens: 7,
  cachedTokens: 40,
  cacheCreationTokens: 10,
  reasoningTokens: 3,
}

test('tokens that do not overlap are added up', () => {
  expect(toOutcome({ stopReason: 'end_turn', usage }, 'turn', 2)).toEqual({
    stopReason: 'end_turn',
    usage: counted,
  })
})

test('the tokens of the last model call are those of the turn only where it was the only one', () => {
  expect(toOutcome({ stopReason: 'end_turn', usage }, 'last-call', 0).usage).toEqual(counted)
  expect(toOutcome({ stopReason: 'end_turn', usage }, 'last-call', 1).usage).toBeUndefined()
})

test('tokens of which nobody knows what they count are left out', () => {
  expect(toOutcome({ stopReason: 'end_turn', usage }, 'none', 0)).toEqual({ stopReason: 'end_turn' })
})

test('Gemini tells its tokens and its model in the quota', () => {
  const quota = {
    token_count: { input_tokens: 20, output_tokens: 10 },
    model_usage: [{ model: 'gemini-2.5-flash', token_count: { input_tokens: 20, output_tokens: 10 } }],
  }
  expect(toOutcome({ stopReason: 'end_turn', _meta: { quota } }, 'gemini', 3)).toEqual({
    stopReason: 'end_turn',
    usage: { inputTokens: 20, outputTokens: 10 },
    model: 'gemini-2.5-flash',
  })
  expect(
    toOutcome({ _meta: { quota: { token_count: { input_tokens: 0, output_tokens: 0 } } } }, 'gemini', 0),
  ).toEqual({
    stopReason: 'end_turn',
  })
})

test.each([
  ['end_turn', 'end_turn'],
  ['max_tokens', 'max_tokens'],
  ['max_turn_requests', 'max_turns'],
  ['refusal', 'refusal'],
  ['cancelled', 'cancelled'],
  ['from_the_future', 'end_turn'],
] as const)('the stop reason %s is %s', (told, ours) => {
  expect(toOutcome({ stopReason: told }, 'none', 0).stopReason).toBe(ours)
})
