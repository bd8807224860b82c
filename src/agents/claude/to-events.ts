import type { ClinvkError } from '../../errors.ts'
import { createDraft, type Delta, toldOf } from '../draft.ts'
import { type Fields, fields, items, number, word } from '../fields.ts'
import type { StopReason, TurnEvent } from '../types.ts'
import type { AnswerForm } from './answer-form.ts'
import { type CallsEnd, createCalls } from './calls.ts'
import { ANSWER_TOOL, type Offer, offerTools } from './client-tools.ts'
import { resultError, toldDelay } from './errors.ts'
import { toNotices } from './notices.ts'
import { toToolEvents } from './tool-events.ts'
import { createTally, type Spent } from './usage.ts'

/** What is known of a session before a turn tells it again. */
export interface Known {
  readonly sessionId?: string | undefined
  readonly version?: string | undefined
}

/** What a message of Claude Code means for the turn. */
export interface Step {
  readonly events: readonly TurnEvent[]
  /** The answer is cut, at the length that was asked for first of all: the agent is to be interrupted. */
  readonly stop?: boolean
  /** The turn has failed, and the agent does not know: it is to be interrupted. */
  readonly failure?: ClinvkError
  /** The turn waits for the results of the client's tools. What it goes on with begins with these events. */
  readonly waits?: { readonly next: readonly TurnEvent[] }
  /** The turn is over, with an error where it failed. */
  readonly end?: { readonly error?: ClinvkError }
}

/** Translates the messages of one turn. Messages that it does not know mean nothing. */
export interface Translator {
  take(message: Fields): Step
  /** A call that the client was told of is made. */
  called(id: string): Step
  /** Takes the turn's `result`. */
  finish(result: Fields, spent: Spent): Step
  /** Ends the turn where its answer is cut, without a `result`: it took what its answers did. */
  cutOff(): Step
}

/** What a translator has to know. */
export interface TranslatorOptions {
  readonly backend: string
  readonly known: Known
  /** Whether the length of the answer is limited, so that Claude Code must not go on by itself at the limit. */
  readonly limited: boolean
  /** The client's tools. */
  readonly offer?: Offer
  /** The form of the answer, where one was asked for. */
  readonly form?: AnswerForm | undefined
  /** ms since the epoch. */
  readonly now?: () => number
}

export function createTranslator(options: TranslatorOptions): Translator {
  const { backend, known, limited, offer = offerTools({}), form, now = Date.now } = options
  const calls = createCalls(backend, offer)
  const tally = createTally()
  // Of the tool that gives an answer its form.
  const formed = new Set<unknown>()
  let given: unknown
  let begun: { index: number | undefined; json: string } | undefined
  const drafts = { text: createDraft(), thinking: createDraft() }
  const streamed = new Set<string>()
  let introduced = false
  let model: string | undefined
  let messageId = ''
  let whole = ''
  let blocks = 0
  let cut: StopReason | undefined
  let reason: string | undefined
  let kind: string | undefined
  let retryAfterMs: number | undefined

  const introduce = (init: Fields = {}): TurnEvent[] => {
    if (introduced) return []
    introduced = true
    const sessionId = word(init['session_id']) ?? known.sessionId
    const version = word(init['claude_code_version']) ?? known.version
    model = word(init['model']) ?? model
    return [
      {
        type: 'init',
        ...(sessionId === undefined ? {} : { agentSessionId: sessionId }),
        ...(model === undefined ? {} : { model }),
        ...(version === undefined ? {} : { agentVersion: version }),
      },
    ]
  }

  const written = (type: 'text' | 'thinking', delta: Delta | undefined): TurnEvent[] =>
    cut ? [] : toldOf(type, delta)

  const begin = () => {
    drafts.text.begin()
    drafts.thinking.begin()
  }

  /** What the end of an answer with calls of the client's tools means. */
  const ended = (end: CallsEnd | undefined): Step => {
    if (end === undefined || cut) return NOTHING
    if (end === 'waits') {
      const { events } = done('tool_calls', { usage: tally.next() })
      introduced = false
      return { events, waits: { next: introduce() } }
    }
    if (typeof end === 'object') return { events: [], failure: end.error }
    cut = end
    return { events: [], stop: true }
  }

  const takeStream = (event: Fields): Step => {
    tally.take(event)
    switch (event['type']) {
      case 'message_start': {
        begun = undefined
        const broken = ended(calls.end(undefined))
        calls.take(event)
        const message = fields(event['message'])
        messageId = word(message['id']) ?? ''
        model = word(message['model']) ?? model
        reason = undefined
        streamed.add(messageId)
        begin()
        return broken
      }
      case 'content_block_delta': {
        const delta = fields(event['delta'])
        const part = `${messageId}:${number(event['index']) ?? 0}`
        const text = word(delta['text'])
        const thinking = word(delta['thinking'])
        if (delta['type'] === 'text_delta' && text)
          return { events: written('text', drafts.text.add(text, part)) }
        if (delta['type'] === 'thinking_delta' && thinking)
          return { events: written('thinking', drafts.thinking.add(thinking, part)) }
        if (begun && begun.index === number(event['index'])) begun.json += word(delta['partial_json']) ?? ''
        return { events: calls.take(event) }
      }
      case 'message_delta': {
        reason = word(fields(event['delta'])['stop_reason'])
        // A stream that broke ends without a reason.
        if (reason === undefined) return NOTHING
        const events = [
          ...written('thinking', drafts.thinking.settle()),
          ...written('text', drafts.text.settle()),
        ]
        if (reason !== 'max_tokens' || !limited) return { events }
        const half = form && begun ? form.begun(begun.json) : ''
        cut = 'max_tokens'
        return { events: half === '' ? events : [...events, formedText(half)], stop: true }
      }
      case 'message_stop':
        return ended(calls.end(reason))
      case 'content_block_start': {
        const block = fields(event['content_block'])
        if (form && block['type'] === 'tool_use' && block['name'] === ANSWER_TOOL)
          begun = { index: number(event['index']), json: '' }
        return { events: cut ? [] : calls.take(event) }
      }
      default:
        return { events: cut ? [] : calls.take(event) }
    }
  }

  const takeAssistant = (message: Fields, failed: unknown): TurnEvent[] => {
    if (message['model'] === SYNTHETIC) {
      kind = word(failed) ?? kind
      return []
    }
    const id = word(message['id']) ?? ''
    if (!streamed.has(id) && id !== whole) {
      whole = id
      begin()
    }
    if (!streamed.has(id)) tally.takeWhole(message)
    return items(message['content']).flatMap((block) => {
      const type = block['type']
      if (type === 'tool_use') return calls.takeWhole(block)
      if (type !== 'text' && type !== 'thinking') return []
      // What did not come in pieces comes whole.
      blocks += 1
      const first = streamed.has(id)
        ? []
        : written(type, drafts[type].add(word(block[type]) ?? '', `${id}:whole-${blocks}`))
      return [...first, ...written(type, drafts[type].settle())]
    })
  }

  /** Calls and results of the agent's own tools. */
  const toOwnToolEvents = (message: Fields): TurnEvent[] => {
    const content = items(message['content']).filter((block) => {
      if (form && block['name'] === ANSWER_TOOL) {
        formed.add(block['id'])
        given = block['input']
      }
      const id = block['type'] === 'tool_result' ? block['tool_use_id'] : block['id']
      return !calls.knows(id) && !formed.has(id)
    })
    return toToolEvents({ content })
  }

  const takeAny = (message: Fields): Step => {
    // What a sub-agent says is no part of the answer; what it does is shown like everything that is done.
    const own = !word(message['parent_tool_use_id'])
    switch (message['type']) {
      case 'system':
        if (message['subtype'] === 'init') {
          const failure = lost(message['tools'])
          return { events: introduce(message), ...(failure ? { failure } : {}) }
        }
        if (message['subtype'] === 'api_retry') retryAfterMs = toldDelay(message) ?? retryAfterMs
        return { events: toNotices(message) }
      case 'stream_event':
        return own ? takeStream(fields(message['event'])) : NOTHING
      case 'assistant': {
        const content = fields(message['message'])
        const said = own ? takeAssistant(content, message['error']) : []
        return { events: [...said, ...toOwnToolEvents(content)] }
      }
      case 'user':
        return { events: toOwnToolEvents(fields(message['message'])) }
      case 'rate_limit_event': {
        const info = fields(message['rate_limit_info'])
        const resetsAt = number(info['resetsAt'])
        if (info['status'] === 'rejected' && resetsAt !== undefined)
          retryAfterMs = Math.max(0, resetsAt * 1000 - now())
        return NOTHING
      }
      default:
        return NOTHING
    }
  }

  const done = (
    stopReason: StopReason,
    spent: Spent & { readonly corrected?: true },
    before: readonly TurnEvent[] = [],
  ): Step => ({
    events: [
      ...introduce(),
      ...before,
      { type: 'done', stopReason, ...spent, ...(model === undefined ? {} : { model }) },
    ],
    end: {},
  })

  /** Claude Code drops what it does not understand, and says so only by what it then has. */
  const lost = (tools: unknown): ClinvkError | undefined => {
    if (!Array.isArray(tools)) return undefined
    const tool = offer.dropped(tools)
    if (tool) return tool
    return form && !tools.includes(ANSWER_TOOL) ? form.refused() : undefined
  }

  return {
    take(message) {
      const step = takeAny(message)
      const needsIntroduction = step.events.some(({ type }) => type !== 'init')
      return needsIntroduction ? { ...step, events: [...introduce(), ...step.events] } : step
    },
    called: (id) => ended(calls.made(id)),
    finish(result, spent) {
      // The model has given answers that do not fit, as often as it may.
      const unfit = form !== undefined && result['subtype'] === UNFIT
      const stopReason = cut ?? (unfit ? 'end_turn' : endOf(result, kind))
      if (!stopReason)
        return { events: [], end: { error: resultError(backend, result, { kind, retryAfterMs, model }) } }
      if (!form || stopReason !== 'end_turn') return done(stopReason, tally.rest(spent))
      const text = form.answer(result['structured_output'])
      if (text !== undefined) return done(stopReason, tally.rest(spent), [formedText(text)])
      // Without the tool's call the model's text is its answer. Claude Code has asked for the call once by then.
      const last = unfit ? form.answer(given) : undefined
      const before = last === undefined ? [] : [formedText(last)]
      return done(stopReason, { ...tally.rest(spent), corrected: true }, before)
    },
    cutOff: () => done(cut ?? 'max_tokens', { usage: tally.next() }),
  }
}

const NOTHING: Step = { events: [] }

/** How a turn's `result` tells that no answer fitted the schema. */
const UNFIT = 'error_max_structured_output_retries'

/** An answer that was given its form. */
function formedText(text: string): TurnEvent {
  return { type: 'text', text, part: 'answer' }
}

/** The model's name in messages that Claude Code writes itself, to show an error. */
const SYNTHETIC = '<synthetic>'

/** Why a turn ended, or `undefined` for one that failed. */
function endOf(result: Fields, kind: string | undefined): StopReason | undefined {
  const reason = result['stop_reason']
  if (result['subtype'] === 'error_max_turns') return 'max_turns'
  if (reason === 'refusal') return 'refusal'
  if (result['api_error'] === 'max_output_tokens' || kind === 'max_output_tokens') return 'max_tokens'
  if (result['is_error'] === true || (word(result['subtype']) ?? 'success') !== 'success') return undefined
  return reason === 'max_tokens' || reason === 'model_context_window_exceeded' ? 'max_tokens' : 'end_turn'
}
