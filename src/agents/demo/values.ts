import type { ToolInput } from './steps.ts'

/** Why a value could not be read, as the end of a sentence that names the directive. */
export interface Problem {
  readonly problem: string
}

export function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'problem' in value
}

/** Goes on with a value that could be read; a problem stays what it is. */
export function parsed<T, R>(value: T | Problem, next: (value: T) => R): R | Problem {
  return isProblem(value) ? value : next(value)
}

/** Text as it stands, or a JSON string where it starts with a double quote. */
export function text(value: string | undefined): string | Problem {
  if (value === undefined || value === '') return { problem: 'it needs a text' }
  if (!value.startsWith('"')) return value
  const found = parseJson(value)
  return typeof found === 'string'
    ? found
    : { problem: 'a text that starts with a double quote must be a JSON string' }
}

/** A whole number within limits, both included. */
export function whole(
  value: string | undefined,
  { min = 0, max }: { min?: number; max: number },
): number | Problem {
  const number = /^\d+$/.test(value ?? '') ? Number(value) : Number.NaN
  return number >= min && number <= max
    ? number
    : { problem: `it needs a whole number from ${min} to ${max}` }
}

/** `20ms`, `1.5s` or plain ms, at most an hour, in ms. */
export function durationMs(value: string | undefined): number | Problem {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s)?$/.exec(value ?? '') ?? []
  const ms = Number(number) * (unit === 's' ? 1000 : 1)
  return ms <= 3_600_000 ? ms : { problem: 'it needs a time such as 20ms or 1.5s, at most 3600s' }
}

/** Words of the form `key=value` with known keys, each at most once. */
export function options(
  words: readonly string[],
  keys: readonly string[],
): Readonly<Record<string, string>> | Problem {
  const found: Record<string, string> = {}
  for (const word of words) {
    const [key = '', value] = word.split('=', 2)
    if (!keys.includes(key) || value === undefined)
      return { problem: `"${word}" is none of ${keys.map((known) => `${known}=`).join(' ')}` }
    if (found[key] !== undefined) return { problem: `${key} is given twice` }
    found[key] = value
  }
  return found
}

/** The name of a tool and its arguments, a JSON object, `{}` where there is none. */
export function toolCall(value: string | undefined): { name: string; input: ToolInput } | Problem {
  const [, name, json = '{}'] = /^([\w.:/-]+)(?:\s+(.+))?$/.exec(value ?? '') ?? []
  if (name === undefined) return { problem: 'it needs the name of a tool' }
  const input = parseJson(json)
  return typeof input === 'object' && input !== null && !Array.isArray(input)
    ? { name, input: input as ToolInput }
    : { problem: `the arguments of ${name} must be a JSON object such as {"path":"demo.txt"}` }
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source)
  } catch {
    return undefined
  }
}
