import { type Fields, fields, items, number, word } from '../fields.ts'
import type { TurnEvent } from '../types.ts'
import type { AcpProfile } from './profile.ts'
import { createToolCalls, type ToolCalls } from './tools.ts'

/** Translates the updates of one turn. */
export interface Translator {
  /** The events of the `update` of a `session/update`. Unknown ones have none. */
  update(update: Fields): TurnEvent[]
  /** The events that come before the answer to a request for permission. Some agents tell of a call only so. */
  asked(call: Fields): TurnEvent[]
  /** Something that has no events of the translator's came between: what the agent says next is another message. */
  part(): void
  readonly tools: ToolCalls
}

/** @param profile What differs from agent to agent. */
export function createTranslator(profile: Pick<AcpProfile, 'wholeThoughts' | 'toolName'>): Translator {
  const tools = createToolCalls(profile.toolName)
  // Where the agent names no messages, what comes after a tool call is another one.
  let block = 0
  let thoughts = 0

  return {
    tools,
    part() {
      block += 1
    },
    asked(call) {
      block += 1
      return tools.asked(call)
    },
    update(update) {
      switch (update['sessionUpdate']) {
        case 'agent_message_chunk': {
          const text = textOf(update['content'])
          if (text === '') return []
          return [{ type: 'text', text, part: word(update['messageId']) ?? `message-${block}` }]
        }
        case 'agent_thought_chunk': {
          const text = textOf(update['content'])
          if (text === '') return []
          if (profile.wholeThoughts) thoughts += 1
          const part = word(update['messageId']) ?? `thought-${block}-${thoughts}`
          return [{ type: 'thinking', text, part }]
        }
        case 'tool_call':
        case 'tool_call_update':
          block += 1
          return tools.update(update)
        case 'plan':
          return [toProgress(items(update['entries']))]
        default:
          return []
      }
    },
  }
}

/** How much memory an event takes, about: the characters of its longest part. */
export function weightOf(event: TurnEvent): number {
  switch (event.type) {
    case 'text':
    case 'thinking':
      return event.text.length
    case 'tool_result':
      return event.output.length
    case 'tool_use':
      return JSON.stringify(event.input ?? null).length
    case 'call_delta':
      return event.json.length
    default:
      return 1
  }
}

/** The US dollars that a `usage_update` tells: all of its session until now. */
export function totalCost(update: Fields): number | undefined {
  if (update['sessionUpdate'] !== 'usage_update') return undefined
  const { amount, currency } = fields(update['cost'])
  return currency === 'USD' ? number(amount) : undefined
}

/** Blocks that are no text (images, resources) have no event of their own and are named in brackets. */
function textOf(content: unknown): string {
  const block = fields(content)
  if (block['type'] === 'text') return word(block['text']) ?? ''
  const type = word(block['type'])
  return type === undefined ? '' : `[${type}]`
}

function toProgress(entries: readonly Fields[]): TurnEvent {
  const done = entries.filter(({ status }) => status === 'completed').length
  const current = word(entries.find(({ status }) => status === 'in_progress')?.['content'])
  return {
    type: 'progress',
    message: `Plan: ${done} of ${entries.length} done${current === undefined ? '' : `, now: ${current}`}`,
    data: { kind: 'plan', entries },
  }
}
