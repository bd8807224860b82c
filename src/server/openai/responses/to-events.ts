import type { TurnEvent } from '../../../agents/types.ts'
import type { ClinvkError } from '../../../errors.ts'
import { customInput } from '../custom-tools.ts'
import { toOpenAiErrorBody } from '../errors.ts'
import type { OutputItem, ResponseEvent, ResponseObject } from './answer-schema.ts'
import type { CallForm } from './client-tools.ts'
import { itemOf, type OpenItem, openItem, toldBegin, toldDelta, toldEnd } from './open-item.ts'
import { endOf, endResponse } from './to-response.ts'

/** Translates the events of one turn, in the order and with the numbers that OpenAI's stream parsers demand. */
export interface EventWriter {
  /** The first two. They can be asked for after later ones. */
  opening(): ResponseEvent[]
  toEvents(event: TurnEvent): ResponseEvent[]
  /** Says that the response is still being made. */
  heartbeat(): ResponseEvent
  /** The end of a stream whose turn failed. */
  failed(error: ClinvkError): ResponseEvent[]
  /** The end of a stream that was asked to stop. */
  cancelled(): ResponseEvent[]
  /** The response as far as it was told. */
  response(): ResponseObject
}

/** How a response is told. */
export interface EventOptions {
  /** Whether to tell what the model thinks. */
  readonly thinking: boolean
  /** How calls of a tool are told, by the model's name for it, where not as calls of a function of that name. */
  readonly formOf?: (name: string) => CallForm | undefined
  /** Epoch ms. */
  readonly now?: () => number
}

export function createEventWriter(
  begun: ResponseObject,
  { thinking, formOf = () => undefined, now = Date.now }: EventOptions,
): EventWriter {
  let response = begun
  let open: OpenItem | undefined
  const output: OutputItem[] = []
  let sequence = 2
  const event = (type: string, members: Record<string, unknown>): ResponseEvent => ({
    type,
    sequence_number: sequence++,
    ...members,
  })

  const begin = (kind: OpenItem['kind'], call?: OpenItem['call']): ResponseEvent[] => {
    const before = end('completed')
    open = openItem(kind, output.length, call)
    return [...before, ...toldBegin(open).map((told) => event(...told))]
  }
  const add = (text: string): ResponseEvent[] => {
    if (open === undefined || text === '') return []
    open.text += text
    return toldDelta(open, text).map((told) => event(...told))
  }
  const write = (kind: 'message' | 'reasoning', text: string): ResponseEvent[] => {
    if (text === '') return []
    return [...(open?.kind === kind ? [] : begin(kind)), ...add(text)]
  }
  const end = (status: 'completed' | 'incomplete'): ResponseEvent[] => {
    if (open === undefined) return []
    const ended = open
    open = undefined
    output.push(itemOf(ended, status))
    return toldEnd(ended, status).map((told) => event(...told))
  }
  const complete = ({ stopReason, usage }: Extract<TurnEvent, { type: 'done' }>): ResponseEvent[] => {
    const { status } = endOf(stopReason)
    // An answer without a word is still an answer: clients look for the message.
    const silent =
      status === 'completed' &&
      !tellsSomething(open?.kind) &&
      !output.some(({ type }) => tellsSomething(type))
    const before = silent ? begin('message') : []
    const closing = [...before, ...end(status)]
    response = endResponse(response, [...output], stopReason, usage, now())
    return [...closing, event(`response.${status}`, { response })]
  }

  return {
    opening: () => [
      { type: 'response.created', sequence_number: 0, response: begun },
      { type: 'response.in_progress', sequence_number: 1, response: begun },
    ],
    toEvents(turnEvent) {
      switch (turnEvent.type) {
        case 'text':
          return write('message', turnEvent.text)
        case 'thinking':
          return thinking ? write('reasoning', turnEvent.text) : []
        case 'call_start': {
          const { id, name } = turnEvent
          const form = formOf(name) ?? { kind: 'call', name }
          return begin(form.kind, { id, form })
        }
        case 'call_delta':
          // The text of a custom tool is inside the JSON, and told when that is whole.
          return open?.kind === 'call' || open?.kind === 'search' ? add(turnEvent.json) : []
        case 'call_end':
          return [...(open?.kind === 'custom' ? add(customInput(turnEvent.input)) : []), ...end('completed')]
        case 'done':
          return complete(turnEvent)
        default:
          return []
      }
    },
    // Codex 0.169 takes nothing less than an event for a sign of life, and every client skips one that it does not know.
    heartbeat: () => event('keepalive', {}),
    failed(error) {
      const closing = end('incomplete')
      const failure = toldFailure({ ...response, output: [...output] }, error)
      response = failure.response
      return [...closing, ...failure.told.map((told) => event(...told))]
    },
    cancelled() {
      const closing = end('incomplete')
      response = { ...response, status: 'cancelled', output: [...output] }
      return [...closing, event('response.incomplete', { response })]
    },
    response: () =>
      open === undefined
        ? { ...response, output: [...output] }
        : { ...response, output: [...output, itemOf(open, 'in_progress')] },
  }
}

/** A response that failed, and what tells of it: events without their numbers. */
export function toldFailure(
  begun: ResponseObject,
  error: ClinvkError,
): { response: ResponseObject; told: [type: string, members: Record<string, unknown>][] } {
  const { error: told } = toOpenAiErrorBody(error)
  const { message, param } = told
  const code = told.code ?? 'server_error'
  const response: ResponseObject = { ...begun, status: 'failed', error: { code, message } }
  return {
    response,
    told: [
      // Flat for OpenAI's own definition, nested for the clients that only know that.
      ['error', { code, message, param, error: told }],
      ['response.failed', { response }],
    ],
  }
}

/** Whether something of this kind is an answer. */
function tellsSomething(type: string | undefined): boolean {
  return type !== undefined && type !== 'reasoning'
}
