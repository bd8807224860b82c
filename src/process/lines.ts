import { ClinvkError } from '../errors.ts'

/** The longest line an agent may write: tool results with images run to some MiB. */
export const MAX_LINE_BYTES = 64 * 1024 * 1024

const NEWLINE = 10

/**
 * Splits bytes into lines of text, without their line ends, a last line without one included. Characters that
 * are split between two chunks stay whole. A line of any length costs one copy.
 *
 * @throws `agent_protocol` for a line of more than `maxBytes`.
 */
export async function* readLines(
  input: AsyncIterable<Uint8Array>,
  maxBytes = MAX_LINE_BYTES,
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let pending: Uint8Array[] = []
  let size = 0

  const take = (tail: Uint8Array): string => {
    const bytes = pending.length === 0 ? tail : concat([...pending, tail], size + tail.length)
    pending = []
    size = 0
    return toLine(decoder.decode(bytes))
  }

  for await (const chunk of input) {
    let start = 0
    const first = chunk.indexOf(NEWLINE)
    if (first !== -1) {
      guard(size + first, maxBytes)
      yield take(chunk.subarray(0, first))
      start = chunk.lastIndexOf(NEWLINE) + 1
      // All others of the chunk at once: there may be hundreds.
      if (start > first + 1) {
        const whole = chunk.subarray(first + 1, start - 1)
        const lines = decoder.decode(whole).split('\n')
        const mayBeLong = whole.length > maxBytes
        let from = first + 1
        for (const line of lines) {
          if (mayBeLong) {
            const end = chunk.indexOf(NEWLINE, from)
            guard(end - from, maxBytes)
            from = end + 1
          }
          yield toLine(line)
        }
      }
    }
    if (start < chunk.length) {
      // A copy: the runtime may reuse the chunk's buffer, and a view would keep all of it alive.
      pending.push(chunk.slice(start))
      size += chunk.length - start
      guard(size, maxBytes)
    }
  }
  if (size > 0) yield take(new Uint8Array())
}

function toLine(text: string): string {
  const line = text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

const BYTE_ORDER_MARK = 0xfeff

/**
 * One JSON object a line; lines that are no JSON object are given to `onGarbage` and skipped.
 *
 * @throws `agent_protocol` for a program that says nothing else for long, unless somebody looks at what it says.
 */
export async function* readJsonLines(
  input: AsyncIterable<Uint8Array>,
  onGarbage?: (line: string) => void,
): AsyncGenerator<Record<string, unknown>, void> {
  let garbage = 0
  for await (const line of readLines(input)) {
    const value = parseObject(line)
    if (value) {
      garbage = 0
      yield value
    } else if (onGarbage) {
      if (line.trim() !== '') onGarbage(line)
    } else {
      garbage += line.length + 1
      if (garbage > MOST_GARBAGE)
        throw new ClinvkError(
          'agent_protocol',
          'The agent wrote much that is not its protocol, and no end of it.',
        )
    }
  }
}

/** What may come between two messages, in characters: some agents write their log there. */
const MOST_GARBAGE = 1024 * 1024

function parseObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{') && !line.trimStart().startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined
  }
}

function guard(size: number, maxBytes: number): void {
  if (size > maxBytes)
    throw new ClinvkError('agent_protocol', `The agent wrote a line of more than ${maxBytes} bytes.`)
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}
