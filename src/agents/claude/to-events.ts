import type { ClinvkError } from '../../errors.ts'
import { createDraft, type Delta, toldOf } from '../draft.ts'
import { type Fields, fields, items, number, word } from '../fields.ts'
import type { StopReason, TurnEvent } from '../types.ts'
import { resultError, toldDelay } from './errors.ts'
import { toNotices } from './notices.ts'
import { toToolEvents } from './tool-events.ts'
import { type Spent, toUsage } from './usage.ts'

/** What is known of a session before a turn tells it again. */
export interface Known {
  readonly sessionId?: string | undefined
  readonly version?: string | undefined
}

/** What a message of Claude Code means for the turn. */
export interface Step {
  readonly events: readonly TurnEvent[]
  /** The answer has reached the length that was asked for: the agent is to be interrupted. */
  readonly stop?: boolean
  /** The turn is over, with an error where it failed. */
  readonly end?: { readonly error?: ClinvkError }
}

/** Translates the messages of one turn. Messages that it does not know mean nothing. */
export interface Translator {
  take(message: Fields): Step
  /** Takes the turn's `result`. */
  finish(result: Fields, spent: Spent): Step
  /** Ends the turn at the length that was asked for, without a `result`: it took what its last call did. */
  cutOff(): Step
}

/** What a translator has to know. */
export interface TranslatorOptions {
  readonly backend: string
  readonly known: Known
  /** Whether the length of the answer is limited, so that Claude Code must not go on by itself at the limit. */
  readonly limited: boolean
  /** ms since the epoch. */
  readonly now?: () => number
}

export function createTranslator(options: TranslatorOptions): Translator {
  const { backend, known, limited, now = Date.now } = options
  const drafts = { text: createDraft(), thinking: createDraft() }
  const streamed = new Set<string>()
  let introduced = false
  let model: string | undefined
  let messageId = ''
  let whole = ''
  let blocks = 0
  let cut = false
  let kind: string | undefined
  let retryAfterMs: number | undefined
  let used: Fields = {}

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

  const takeStream = (event: Fields): { events: TurnEvent[]; stop?: boolean } => {
    switch (event['type']) {
      case 'message_start': {
        const message = fields(event['message'])
        messageId = word(message['id']) ?? ''
        model = word(message['model']) ?? model
        streamed.add(messageId)
        used = fields(message['usage'])
        begin()
        return { events: [] }
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
        return { events: [] }
      }
      case 'message_delta': {
        const reason = fields(event['delta'])['stop_reason']
        // A stream that broke ends without a reason.
        if (typeof reason !== 'string') return { events: [] }
        const events = [
          ...written('thinking', drafts.thinking.settle()),
          ...written('text', drafts.text.settle()),
        ]
        if (reason !== 'max_tokens' || !limited) return { events }
        cut = true
        used = { ...used, ...fields(event['usage']) }
        return { events, stop: true }
      }
      default:
        return { events: [] }
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
    return items(message['content']).flatMap((block) => {
      const type = block['type']
      if (type !== 'text' && type !== 'thinking') return []
      // What did not come in pieces comes whole.
      blocks += 1
      const first = streamed.has(id)
        ? []
        : written(type, drafts[type].add(word(block[type]) ?? '', `${id}:whole-${blocks}`))
      return [...first, ...written(type, drafts[type].settle())]
    })
  }

  const takeAny = (message: Fields): { events: TurnEvent[]; stop?: boolean } => {
    // What a sub-agent says is no part of the answer; what it does is shown like everything that is done.
    const own = !word(message['parent_tool_use_id'])
    switch (message['type']) {
      case 'system':
        if (message['subtype'] === 'init') return { events: introduce(message) }
        if (message['subtype'] === 'api_retry') retryAfterMs = toldDelay(message) ?? retryAfterMs
        return { events: toNotices(message) }
      case 'stream_event':
        return own ? takeStream(fields(message['event'])) : { events: [] }
      case 'assistant': {
        const content = fields(message['message'])
        const said = own ? takeAssistant(content, message['error']) : []
        return { events: [...said, ...toToolEvents(content)] }
      }
      case 'user':
        return { events: toToolEvents(fields(message['message'])) }
      case 'rate_limit_event': {
        const info = fields(message['rate_limit_info'])
        const resetsAt = number(info['resetsAt'])
        if (info['status'] === 'rejected' && resetsAt !== undefined)
          retryAfterMs = Math.max(0, resetsAt * 1000 - now())
        return { events: [] }
      }
      default:
        return { events: [] }
    }
  }

  const done = (stopReason: StopReason, spent: Spent): Step => ({
    events: [
      ...introduce(),
      { type: 'done', stopReason, ...spent, ...(model === undefined ? {} : { model }) },
    ],
    end: {},
  })

  return {
    take(message) {
      const { events, stop } = takeAny(message)
      const needsIntroduction = events.some(({ type }) => type !== 'init')
      return {
        events: needsIntroduction ? [...introduce(), ...events] : events,
        ...(stop ? { stop } : {}),
      }
    },
    finish(result, spent) {
      const stopReason = cut ? 'max_tokens' : endOf(result, kind)
      if (!stopReason)
        return { events: [], end: { error: resultError(backend, result, { kind, retryAfterMs, model }) } }
      return done(stopReason, spent)
    },
    cutOff: () => done('max_tokens', { usage: toUsage(used) }),
  }
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
