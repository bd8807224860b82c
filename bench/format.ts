import type { Ratio, Summary } from './stats.ts'
import { tally } from './stats.ts'

/** `12.3`: three digits that count, and no more than there are. */
export function number(value: number): string {
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)
}

/** `120 (110–140)`: the median and the quartiles. */
export function spread({ median, q1, q3 }: Summary): string {
  return `${number(median)} (${number(q1)}–${number(q3)})`
}

/** `0.12 (0.10–0.15)`. */
export function ratioText({ value, q1, q3 }: Ratio): string {
  return `${value.toFixed(2)} (${q1.toFixed(2)}–${q3.toFixed(2)})`
}

/** `110–140`, from the least to the most. */
export function range({ min, max }: Summary): string {
  return `${number(min)}–${number(max)}`
}

/** `spare 6, cold 1`, or a dash where nothing was told. */
export function counts(values: readonly (string | undefined)[]): string {
  const told = values.filter((value) => value !== undefined)
  if (told.length === 0) return NONE
  return tally(told)
    .map(([value, count]) => `${value} ${count}`)
    .join(', ')
}

export function mebibytes(bytes: number): string {
  return `${number(bytes / 1024 ** 2)} MiB`
}

export const NONE = '–'
