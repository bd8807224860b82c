import { ClinvkError } from '../../errors.ts'
import { type Fields, fields, number, word } from '../fields.ts'
import type { StopReason, TurnEvent } from '../types.ts'
import type { Offer } from './client-tools.ts'

/** How an answer of the model that called tools of the client's ended. */
export type CallsEnd =
  /** All calls are told: the turn waits for their results. */
  | 'waits'
  /** It was cut, and its calls are not to be made. */
  | StopReason
  | { readonly error: ClinvkError }

/** Reads the calls of the client's tools out of the model's answers, one answer after another. */
export interface Calls {
  /** Whether the client was told of a call of this id. */
  knows(id: unknown): boolean
  /** An event of the stream of an answer. */
  take(event: Fields): readonly TurnEvent[]
  /** A call in an answer that was not streamed; nothing where it is none of the client's, or was told. */
  takeWhole(block: Fields): readonly TurnEvent[]
  /** The streamed answer has ended, with this reason where its stream did not break. */
  end(reason: string | undefined): CallsEnd | undefined
  /** The first call of an answer is made. That is the end of it where it was not streamed. */
  made(id: string): CallsEnd | undefined
}

export function createCalls(backend: string, offer: Offer): Calls {
  const known = new Set<unknown>()
  // Ids of the calls of the answer that was not streamed.
  const whole = new Set<string>()
  let open: { id: string; name: string; index: number | undefined; json: string } | undefined
  let begun = 0
  let garbled: string | undefined

  const begin = (block: Fields, index?: number): TurnEvent[] => {
    const name = offer.outside(word(block['name']) ?? '')
    const id = word(block['id'])
    if (block['type'] !== 'tool_use' || name === undefined || id === undefined || known.has(id)) return []
    known.add(id)
    begun += 1
    open = { id, name, index, json: '' }
    return [{ type: 'call_start', id, name }]
  }
  const write = (json: string | undefined): TurnEvent[] => {
    if (!open || json === undefined) return []
    open.json += json
    return [{ type: 'call_delta', id: open.id, json }]
  }
  const close = (): TurnEvent[] => {
    if (!open) return []
    const { id, name, json } = open
    open = undefined
    const input = parse(json)
    if (input !== undefined) return [{ type: 'call_end', id, name, input }]
    garbled ??= name
    return []
  }

  return {
    knows: (id) => known.has(id),
    take(event) {
      const index = number(event['index'])
      switch (event['type']) {
        case 'message_start':
          open = undefined
          garbled = undefined
          begun = 0
          whole.clear()
          return []
        case 'content_block_start':
          return begin(fields(event['content_block']), index)
        case 'content_block_delta':
          return open?.index === index ? write(word(fields(event['delta'])['partial_json'])) : []
        case 'content_block_stop':
          return open?.index === index ? close() : []
        default:
          return []
      }
    },
    takeWhole(block) {
      const started = begin(block)
      if (open && started.length > 0) whole.add(open.id)
      return started.length === 0
        ? []
        : [...started, ...write(JSON.stringify(block['input'] ?? {})), ...close()]
    },
    end(reason) {
      if (begun === 0) return undefined
      begun = 0
      if (reason === undefined)
        return {
          error: new ClinvkError(
            'upstream_error',
            `${backend}: the connection to the provider broke after the model had called a tool.`,
            { details: { backend } },
          ),
        }
      const cut = CUTS[reason]
      if (cut) return cut
      if (garbled === undefined) return 'waits'
      return {
        error: new ClinvkError(
          'upstream_error',
          `${backend}: the model called the tool "${garbled}" with arguments that are no JSON.`,
          { details: { backend } },
        ),
      }
    },
    made(id) {
      if (!whole.has(id)) return undefined
      whole.clear()
      begun = 0
      return 'waits'
    },
  }
}

/** Reasons that end an answer before its calls may be made. Claude Code 2.1.330 would make them all the same. */
const CUTS: Readonly<Partial<Record<string, StopReason>>> = {
  max_tokens: 'max_tokens',
  model_context_window_exceeded: 'max_tokens',
  refusal: 'refusal',
}

/** The model's arguments; none at all are an empty object. */
function parse(json: string): unknown {
  if (json.trim() === '') return {}
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
