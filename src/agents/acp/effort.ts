import type { Effort } from '../messages.ts'

/** From least to most. */
const SCALE: readonly Effort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/**
 * The nearest of the levels that an agent offers for a model, the lower one of two as near. Of other names only
 * `default` has a meaning here: it is nearer to hardly any thinking than `medium` and above are.
 */
export function nearestEffort(effort: Effort, offered: readonly string[]): string | undefined {
  const wanted = SCALE.indexOf(effort)
  const steps = SCALE.filter((step) => offered.includes(step))
  const distance = (step: Effort) => Math.abs(SCALE.indexOf(step) - wanted)
  const [first, ...rest] = steps
  if (first === undefined) return undefined
  const nearest = rest.reduce((best, step) => (distance(step) < distance(best) ? step : best), first)
  const little = SCALE.indexOf('low')
  const jumps = wanted <= little && SCALE.indexOf(nearest) > little
  return jumps && offered.includes('default') ? 'default' : nearest
}
