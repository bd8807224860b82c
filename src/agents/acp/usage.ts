import { type Fields, fields, items, number, word } from '../fields.ts'
import type { StopReason, Usage } from '../types.ts'
import type { AcpProfile } from './profile.ts'

/** What the answer to `session/prompt` tells. */
export interface Outcome {
  /** `cancelled`: the agent stopped because it was told to. */
  readonly stopReason: StopReason | 'cancelled'
  readonly usage?: Usage
  /** The model that wrote the answer, where the agent tells it. */
  readonly model?: string
}

/**
 * @param calls How many tool calls there were since the turn began, or went on with results of its client: with any, the
 * model was called more than once.
 */
export function toOutcome(answer: Fields, style: AcpProfile['usage'], calls: number): Outcome {
  const stopReason = STOP_REASONS[word(answer['stopReason']) ?? ''] ?? 'end_turn'
  const quota = fields(fields(answer['_meta'])['quota'])
  switch (style) {
    case 'gemini': {
      const model = word(items(quota['model_usage']).at(-1)?.['model'])
      return {
        stopReason,
        ...withUsage(geminiUsage(fields(quota['token_count']))),
        ...(model === undefined ? {} : { model }),
      }
    }
    case 'last-call':
      return { stopReason, ...(calls > 0 ? {} : withUsage(toUsage(fields(answer['usage'])))) }
    case 'turn':
      return { stopReason, ...withUsage(toUsage(fields(answer['usage']))) }
    case 'none':
      return { stopReason }
  }
}

const STOP_REASONS: Readonly<Record<string, Outcome['stopReason']>> = {
  end_turn: 'end_turn',
  max_tokens: 'max_tokens',
  max_turn_requests: 'max_turns',
  refusal: 'refusal',
  cancelled: 'cancelled',
}

/** Gemini counts all calls of the turn. Its output is without thinking, which it does not tell. */
function geminiUsage(count: Fields): Usage {
  const input = number(count['input_tokens']) ?? 0
  const output = number(count['output_tokens']) ?? 0
  return input === 0 && output === 0 ? {} : { inputTokens: input, outputTokens: output }
}

/** The protocol's own counts, which do not overlap: `totalTokens` is the sum of all. */
function toUsage(usage: Fields): Usage {
  const input = number(usage['inputTokens'])
  const output = number(usage['outputTokens'])
  const cached = number(usage['cachedReadTokens'])
  const created = number(usage['cachedWriteTokens'])
  const thought = number(usage['thoughtTokens'])
  return {
    ...(input === undefined ? {} : { inputTokens: input + (cached ?? 0) + (created ?? 0) }),
    ...(output === undefined ? {} : { outputTokens: output + (thought ?? 0) }),
    ...(cached === undefined ? {} : { cachedTokens: cached }),
    ...(created === undefined ? {} : { cacheCreationTokens: created }),
    ...(thought === undefined ? {} : { reasoningTokens: thought }),
  }
}

function withUsage(usage: Usage): { usage?: Usage } {
  return Object.keys(usage).length === 0 ? {} : { usage }
}
