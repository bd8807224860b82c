import type { TurnObserver } from '../../engine/observed.ts'
import type { Instruments } from './registry.ts'

/** Writes down what turns do. What an agent does not tell is not counted, rather than counted as nothing. */
export function turnObserver(metrics: Instruments): TurnObserver {
  return {
    began({ backend, waitedMs }) {
      if (waitedMs !== undefined) metrics.queue_wait_seconds.observe({ backend }, waitedMs / 1000)
    },
    firstText({ backend, start = 'unknown', afterMs }) {
      metrics.first_text_seconds.observe({ backend, start }, afterMs / 1000)
    },
    ended({ backend, outcome, durationMs, usage, costUsd }) {
      metrics.turns_total.inc({ backend, outcome })
      metrics.turn_seconds.observe({ backend }, durationMs / 1000)
      const { inputTokens, outputTokens, cachedTokens, reasoningTokens } = usage ?? {}
      const tokens = {
        input: inputTokens,
        output: outputTokens,
        cached: cachedTokens,
        reasoning: reasoningTokens,
      }
      for (const [kind, count] of Object.entries(tokens))
        if (isAmount(count)) metrics.tokens_total.inc({ backend, kind }, count)
      if (isAmount(costUsd)) metrics.cost_usd_total.inc({ backend }, costUsd)
    },
  }
}

/** A counter takes nothing else, and agents tell what they like. */
function isAmount(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value >= 0
}
