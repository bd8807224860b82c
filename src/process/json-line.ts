import { ClinvkError } from '../errors.ts'

/**
 * A message as a line of JSON that every reader can read. Half a surrogate pair, which cut-off text and binary output
 * hold, is told as U+FFFD: strict readers such as Codex's drop the whole line for it, and never answer.
 *
 * @param deepest how many levels the reader takes.
 * @throws `invalid_request` for what is nested deeper.
 */
export function toJsonLine(message: unknown, deepest = Number.POSITIVE_INFINITY): string {
  if (deepest !== Number.POSITIVE_INFINITY && isDeeper(message, deepest))
    throw new ClinvkError(
      'invalid_request',
      `Something in the request is nested more deeply than the agent can read (${deepest} levels in all).`,
    )
  const line = JSON.stringify(message)
  return `${line.includes('\\ud') ? JSON.stringify(wellFormed(message)) : line}\n`
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  return Object.values(value).some((inner) => isDeeper(inner, levels - 1))
}

function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed()
  if (Array.isArray(value)) return value.map(wellFormed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.toWellFormed(), wellFormed(inner)]),
  )
}
