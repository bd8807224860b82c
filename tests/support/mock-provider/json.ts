import type { JsonObject, Reply } from './types.ts'

/** The value if it is a JSON object, else an empty one. */
export function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}

/** The value's members that are JSON objects, if it is an array, else none. */
export function asObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : []
}

export function asString(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The text of a message's content: a string, or the `text` members of its parts, a line each. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  return asObjects(content)
    .map((part) => asString(part['text']))
    .filter((text) => text !== '')
    .join('\n')
}

/** The last text of a message's content. */
export function lastTextOf(content: unknown): string {
  if (typeof content === 'string') return content
  return asString(asObjects(content).findLast((part) => asString(part['text']) !== '')?.['text'])
}

/** A reply's text as the deltas to send. */
export function textDeltas({ text }: Reply): readonly string[] {
  if (text === undefined) return []
  return typeof text === 'string' ? (text.match(/\S*\s+|\S+$/g) ?? []) : text
}

/** The id of a call of an answer that has none of its own. Agents take `x_1` for a part of `x`, so it is no such name. */
export function callId(kind: string, serial: number, at: number): string {
  return at === 0 ? `${kind}_${serial}` : `${kind}_${serial}-${at + 1}`
}

/** One server-sent event, with its name where the dialect has names. */
export function sse(data: JsonObject, event?: string): string {
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
