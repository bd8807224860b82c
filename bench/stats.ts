/** The middle of some numbers. */
export interface Summary {
  readonly count: number
  readonly median: number
  /** The quartiles. */
  readonly q1: number
  readonly q3: number
  readonly min: number
  readonly max: number
}

/** @throws Error where there is no number. */
export function summarize(values: readonly number[]): Summary {
  return {
    count: values.length,
    median: percentile(values, 50),
    q1: percentile(values, 25),
    q3: percentile(values, 75),
    min: percentile(values, 0),
    max: percentile(values, 100),
  }
}

export function median(values: readonly number[]): number {
  return percentile(values, 50)
}

/**
 * The value that `percent` of the values are not above, between two neighbours in proportion.
 *
 * @throws Error where there is no number.
 */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const place = ((sorted.length - 1) * percent) / 100
  const low = sorted[Math.floor(place)]
  const high = sorted[Math.ceil(place)]
  if (low === undefined || high === undefined) throw new Error('There is nothing to summarize.')
  return low + (high - low) * (place - Math.floor(place))
}

/**
 * Values against what was measured in the same round: the median of the rounds' own ratios and their quartiles, so that
 * what slows some rounds down as a whole changes nothing.
 */
export interface Ratio {
  readonly value: number
  readonly q1: number
  readonly q3: number
}

/** @throws Error where the two lists are not of the same rounds. */
export function ratio(values: readonly number[], against: readonly number[]): Ratio {
  if (values.length !== against.length) throw new Error('Only values of the same rounds can be compared.')
  const each = values.map((value, round) => value / (against[round] ?? Number.NaN))
  return {
    value: median(each),
    q1: percentile(each, 25),
    q3: percentile(each, 75),
  }
}

/** How often each value is there, most often first. */
export function tally(values: readonly string[]): [value: string, count: number][] {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a)
}
