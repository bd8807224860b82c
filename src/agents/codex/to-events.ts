import { createDraft, toldOf } from '../draft.ts'
import { type Fields, fields, items, number, word, words } from '../fields.ts'
import type { StopReason, TurnEvent } from '../types.ts'
import { errorInfo, providerWords } from './errors.ts'
import { isToldLate, toolOf, toolResult } from './tool-items.ts'
import { createMeter, createTotals, type Totals } from './usage.ts'
import { createWholeAnswers } from './whole-answers.ts'

/** Turns the notifications of one turn into its events. */
export interface Translator {
  /** The events that a notification stands for; none for what is unknown. */
  read(method: string, params: Fields): TurnEvent[]
  /** Of the agents that the turn started only their tokens are its own. */
  readSubAgent(method: string, params: Fields): void
  /** The file changes of an item that was announced. */
  changesOf(itemId: string): readonly Fields[]
  /** The last events of a leg: the turn waits for the client's tools. */
  pause(): TurnEvent[]
  /** The last events of a turn that ended well. */
  finish(stopReason: StopReason): TurnEvent[]
}

/**
 * @param model the model that the thread was started with.
 * @param totals what the session's threads had spent before.
 * @param restore changes whole answers before they are told; then nothing is told of them while they are written.
 */
export function createTranslator(
  model?: string,
  totals: Totals = createTotals(),
  restore?: (text: string) => string,
): Translator {
  let meter = createMeter(totals)
  const drafts = { text: createDraft(), thinking: createDraft() }
  /** What was streamed of a message or a thought, by its item. */
  const streamed = new Map<string, string>()
  const answers = restore && createWholeAnswers(restore)
  const openTools = new Set<string>()
  const changes = new Map<string, readonly Fields[]>()
  let answering = model
  /** The message that was begun and is not whole. */
  let open: string | undefined

  const delta = (type: 'text' | 'thinking', params: Fields, section?: number): TurnEvent[] => {
    const text = word(params['delta'])
    const id = word(params['itemId'])
    if (text === undefined || id === undefined) return []
    if (type === 'text' && answers) {
      answers.add(id, text)
      return []
    }
    streamed.set(id, (streamed.get(id) ?? '') + text)
    return toldOf(type, drafts[type].add(text, section === undefined ? id : `${id}.${section}`))
  }

  const started = (item: Fields): TurnEvent[] => {
    const id = word(item['id'])
    const tool = toolOf(item)
    if (item['type'] === 'agentMessage') open = id
    if (id === undefined || !tool || isToldLate(item)) return []
    if (item['type'] === 'fileChange') changes.set(id, items(item['changes']))
    openTools.add(id)
    return [{ type: 'tool_use', id, ...tool }]
  }

  const completed = (item: Fields): TurnEvent[] => {
    const id = word(item['id'])
    if (id === undefined) return []
    if (id === open) open = undefined
    switch (item['type']) {
      case 'agentMessage':
        return (answers?.complete ?? restOfText)(id, word(item['text']) ?? '')
      case 'reasoning':
        return streamed.has(id) ? settle('thinking') : rest('thinking', id, thoughtOf(item))
      case 'plan':
        return [{ type: 'progress', message: 'A plan was made.', data: { plan: item['text'] } }]
      case 'contextCompaction':
        return [{ type: 'progress', message: 'The context was compacted.' }]
      default: {
        const tool = toolOf(item)
        if (!tool) return []
        const begun = openTools.delete(id)
        return [...(begun ? [] : [{ type: 'tool_use' as const, id, ...tool }]), toolResult(id, item)]
      }
    }
  }

  /** What of a whole text did not come as deltas; a provider may send no deltas at all. */
  const rest = (type: 'text' | 'thinking', id: string, whole: string): TurnEvent[] => {
    const seen = streamed.get(id) ?? ''
    streamed.set(id, whole)
    const text = whole.startsWith(seen) ? whole.slice(seen.length) : ''
    return [...toldOf(type, drafts[type].add(text, id)), ...settle(type)]
  }

  const restOfText = (id: string, whole: string) => rest('text', id, whole)

  const settle = (type: 'text' | 'thinking') => toldOf(type, drafts[type].settle())

  /**
   * Codex asks the provider again. What of its answer was whole is in the history by then and not asked for again; an
   * item under way begins anew, with another id (0.169.0).
   */
  const begin = () => {
    streamed.clear()
    open = undefined
    answers?.begin()
    drafts.text.begin()
    drafts.thinking.begin()
  }

  /** What a leg or the turn ends with; the next leg is counted anew. */
  const end = (stopReason: StopReason, before: readonly TurnEvent[] = []): TurnEvent[] => {
    const { usage } = meter
    meter = createMeter(totals)
    return [
      ...settle('thinking'),
      ...settle('text'),
      ...(answers?.cut() ?? []),
      ...before,
      {
        type: 'done',
        stopReason,
        ...(usage === undefined ? {} : { usage }),
        ...(answering === undefined ? {} : { model: answering }),
      },
    ]
  }

  return {
    changesOf: (itemId) => changes.get(itemId) ?? [],
    read(method, params) {
      switch (method) {
        case 'item/agentMessage/delta':
          return delta('text', params)
        case 'item/reasoning/textDelta':
          return delta('thinking', params, number(params['contentIndex']))
        case 'item/reasoning/summaryTextDelta':
          return delta('thinking', params, number(params['summaryIndex']))
        case 'item/started':
          return started(fields(params['item']))
        case 'item/completed':
          return completed(fields(params['item']))
        case 'item/fileChange/patchUpdated':
          changes.set(word(params['itemId']) ?? '', items(params['changes']))
          return []
        case 'thread/tokenUsage/updated':
          meter.add(params)
          return []
        case 'rawResponse/completed':
          meter.addResponse(params)
          return []
        case 'turn/plan/updated':
          return [planUpdate(params)]
        case 'warning':
        case 'guardianWarning':
          return [{ type: 'progress', message: word(params['message']) ?? 'Codex warns.' }]
        case 'model/rerouted':
          answering = word(params['toModel']) ?? answering
          return [{ type: 'progress', message: `The model ${answering} answers instead.` }]
        case 'error':
          if (params['willRetry'] !== true) return []
          begin()
          return [retry(fields(params['error']))]
        default:
          return []
      }
    },
    readSubAgent(method, params) {
      if (method === 'thread/tokenUsage/updated') meter.add(params)
    },
    pause: () => end('tool_calls'),
    finish(stopReason) {
      const background = [...openTools].map(
        (id): TurnEvent => ({
          type: 'tool_result',
          id,
          output: 'It runs on in the background.',
          isError: false,
        }),
      )
      // Codex drops a message that holds a refusal, whose text nobody sees, and ends its turn well (0.169.0).
      const refused = stopReason === 'end_turn' && open !== undefined
      return end(refused ? 'refusal' : stopReason, background)
    },
  }
}

/**
 * Why an answer that the provider cut short ended. Codex calls such a turn failed, but its text is there.
 * `undefined` for a turn that failed indeed.
 */
export function cutShort(error: Fields): StopReason | undefined {
  const reason = INCOMPLETE.exec(word(error['message']) ?? '')?.[1]
  if (reason === 'max_output_tokens') return 'max_tokens'
  return reason === 'content_filter' ? 'refusal' : undefined
}

const INCOMPLETE = /^Incomplete response returned, reason: (\w+)/

function thoughtOf(item: Fields): string {
  const summary = words(item['summary'])
  return (summary.length > 0 ? summary : words(item['content'])).join('\n\n')
}

/** Codex tries again by itself: "Reconnecting... 2/5", with the reason beside it. */
function retry(error: Fields): TurnEvent {
  const { status } = errorInfo(error)
  const [, attempt, attempts] = /(\d+)\/(\d+)/.exec(word(error['message']) ?? '') ?? []
  const { message: detail } = providerWords(word(error['additionalDetails']) ?? word(error['message']) ?? '')
  const count = attempt === undefined ? '' : ` (${attempt} of ${attempts})`
  return {
    type: 'progress',
    message: `Codex tries again${count}: ${detail}`,
    data: {
      ...(attempt === undefined ? {} : { attempt: Number(attempt), attempts: Number(attempts) }),
      ...(status === undefined ? {} : { status }),
    },
  }
}

function planUpdate(params: Fields): TurnEvent {
  const plan = items(params['plan']).map(({ step, status }) => ({ step, status }))
  const current = plan.find(({ status }) => status === 'inProgress') ?? plan.at(-1)
  return { type: 'progress', message: `Plan: ${word(current?.step) ?? 'updated'}`, data: { plan } }
}
