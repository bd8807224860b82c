import type { StopReason, Usage } from '../../agents/types.ts'
import type { ClientCall, TurnResult } from '../../engine/types.ts'
import type { ChatCompletion, CompletionUsage, ToolCall } from './answer-schema.ts'
import { customInput } from './custom-tools.ts'

/** What the answer to one request repeats everywhere. */
export interface AnswerHead {
  readonly id: string
  /** Seconds since 1970. */
  readonly created: number
  /** As the request names it. */
  readonly model: string
}

/** Makes the head of an answer, with an id of its own. `now` is in ms since 1970. */
export function answerHead(model: string, now: number = Date.now()): AnswerHead {
  return {
    id: `chatcmpl-${crypto.randomUUID().replaceAll('-', '')}`,
    created: Math.floor(now / 1000),
    model,
  }
}

/** Translates a complete turn. `customTools` are the names of those that take a text. */
export function toChatCompletion(
  result: TurnResult,
  { id, created, model }: AnswerHead,
  customTools: ReadonlySet<string> = new Set(),
): ChatCompletion {
  const usage = toCompletionUsage(result.usage)
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: result.text === '' && result.calls.length > 0 ? null : result.text,
          ...(result.calls.length === 0
            ? {}
            : { tool_calls: result.calls.map((call) => toToolCall(call, customTools)) }),
          ...(result.thinking === '' ? {} : { reasoning_content: result.thinking }),
          refusal: null,
          annotations: [],
        },
        logprobs: null,
        finish_reason: toFinishReason(result.stopReason),
      },
    ],
    ...(usage === undefined ? {} : { usage }),
    service_tier: 'default',
    system_fingerprint: null,
  }
}

function toToolCall({ id, name, input, json }: ClientCall, customTools: ReadonlySet<string>): ToolCall {
  return customTools.has(name)
    ? { id, type: 'custom', custom: { name, input: customInput(input) } }
    : { id, type: 'function', function: { name, arguments: json } }
}

/** Why a turn ended, in OpenAI's words. */
export function toFinishReason(reason: StopReason): ChatCompletion['choices'][number]['finish_reason'] {
  switch (reason) {
    case 'end_turn':
    case 'stop_sequence':
      return 'stop'
    case 'max_tokens':
    case 'max_turns':
      return 'length'
    case 'refusal':
      return 'content_filter'
    case 'tool_calls':
      return 'tool_calls'
  }
}

/** Tokens; undefined where the agent does not tell how many went in and came out. */
export function toCompletionUsage(usage: Usage | undefined): CompletionUsage | undefined {
  const { inputTokens, outputTokens, cachedTokens, reasoningTokens } = usage ?? {}
  if (inputTokens === undefined || outputTokens === undefined) return undefined
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
    prompt_tokens_details: {
      ...(cachedTokens === undefined ? {} : { cached_tokens: cachedTokens }),
      audio_tokens: 0,
    },
    completion_tokens_details: {
      ...(reasoningTokens === undefined ? {} : { reasoning_tokens: reasoningTokens }),
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  }
}
