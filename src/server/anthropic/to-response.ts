import type * as agent from '../../agents/types.ts'
import type { TurnResult } from '../../engine/types.ts'
import type { ThinkingView } from './from-request.ts'
import type { ContentBlock, MessageAnswer, StopReason, Usage } from './schema-answers.ts'

/** What an answer says of itself besides what was answered. */
export interface AboutAnswer {
  readonly id: string
  /** As the request names it: clients look its price up under that name. */
  readonly model: string
  readonly thinking: ThinkingView
}

/** Translates a complete turn. */
export function toMessage(result: TurnResult, { id, model, thinking }: AboutAnswer): MessageAnswer {
  const content: ContentBlock[] = []
  if (result.thinking !== '' && thinking !== 'hidden')
    content.push({
      type: 'thinking',
      thinking: thinking === 'shown' ? result.thinking : '',
      signature: SIGNATURE,
    })
  if (result.text !== '') content.push({ type: 'text', text: result.text })
  for (const { id, name, input } of result.calls) content.push({ type: 'tool_use', id, name, input })
  return {
    ...emptyMessage({ id, model }),
    content,
    stop_reason: toStopReason(result.stopReason),
    stop_sequence: result.stopSequence ?? null,
    usage: toUsage(result.usage),
  }
}

/** An answer of which nothing is known yet, as a stream begins with it. */
export function emptyMessage({ id, model }: Pick<AboutAnswer, 'id' | 'model'>): MessageAnswer {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    usage: toUsage(undefined),
  }
}

/** Clients keep a thinking block only if it is signed. We have no signature of the provider's to give. */
export const SIGNATURE = 'Y2xpbnZr'

/** Other than our own counts, Anthropic's leave the cache out of the tokens that were read. */
export function toUsage(usage: agent.Usage | undefined): Usage {
  const {
    inputTokens = 0,
    outputTokens = 0,
    cachedTokens,
    cacheCreationTokens,
    reasoningTokens,
  } = usage ?? {}
  return {
    input_tokens: Math.max(0, inputTokens - (cachedTokens ?? 0) - (cacheCreationTokens ?? 0)),
    cache_creation_input_tokens: cacheCreationTokens ?? null,
    cache_read_input_tokens: cachedTokens ?? null,
    cache_creation: null,
    output_tokens: outputTokens,
    output_tokens_details: reasoningTokens === undefined ? null : { thinking_tokens: reasoningTokens },
    server_tool_use: null,
    service_tier: 'standard',
    inference_geo: null,
    speed: null,
  }
}

/** What the agent's limit on model calls cut is what Anthropic calls paused: it can be gone on with. */
export function toStopReason(reason: agent.StopReason): StopReason {
  if (reason === 'tool_calls') return 'tool_use'
  return reason === 'max_turns' ? 'pause_turn' : reason
}
