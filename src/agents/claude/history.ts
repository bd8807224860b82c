import { ClinvkError } from '../../errors.ts'
import { fields } from '../fields.ts'
import type { HistoryMessage } from '../messages.ts'
import { type Block, toBlocks, userMessage } from './input.ts'

/** Earlier messages, as Claude Code takes them in. */
export interface History {
  /** Messages to send before the first turn, in order. */
  readonly frames: readonly HistoryFrame[]
  /** What was said last, before any answer: it begins the first turn's message. */
  readonly rest: readonly Block[]
}

/** `answered`: it is answered by an empty `result`, and the next one has to wait for that, or the order is lost. */
interface HistoryFrame {
  readonly message: Readonly<Record<string, unknown>>
  readonly answered: boolean
}

/**
 * Turns earlier messages into user and assistant messages that take turns, as the provider wants them. What is
 * said last goes with the prompt, since Claude Code would append its reminders to a tool result that stands alone.
 *
 * `nameOf`: what the model calls a tool that the client knows by this name.
 *
 * @throws `invalid_request` for a tool result without its call, which Claude Code would drop unsaid;
 * `unsupported_option` for a document that is no PDF.
 */
export function toHistory(
  messages: readonly HistoryMessage[],
  nameOf: (tool: string) => string = (tool) => tool,
): History {
  const turns = takeTurns(messages, nameOf)
  // The provider wants a user to begin.
  if (turns[0]?.role === 'assistant') turns.unshift({ role: 'user', content: [namesOf([])] })
  const last = turns.at(-1)?.role === 'user' ? turns.pop() : undefined
  return { frames: turns.map(toFrame), rest: last?.content ?? [] }
}

interface Said {
  readonly role: 'user' | 'assistant'
  readonly content: Block[]
}

function toFrame({ role, content }: Said): HistoryFrame {
  const uuid = crypto.randomUUID()
  if (role === 'user')
    return { message: { ...userMessage(content, uuid), shouldQuery: false }, answered: true }
  const message = {
    type: 'assistant',
    message: { role, content },
    parent_tool_use_id: null,
    session_id: '',
    uuid,
  }
  return { message, answered: false }
}

/** Messages of one side that follow each other are one; those that say nothing are none. */
function takeTurns(messages: readonly HistoryMessage[], nameOf: (tool: string) => string): Said[] {
  const ids = createIds()
  const turns: Said[] = []
  for (const message of messages) {
    const role = message.role === 'assistant' ? 'assistant' : 'user'
    const content = toContent(message, ids, nameOf)
    const last = turns.at(-1)
    if (last?.role === role) last.content.push(...content)
    else if (content.length > 0) turns.push({ role, content })
  }
  return turns.map(({ role, content }) => ({ role, content: resultsFirst(content) }))
}

/** The provider wants the results of a message before everything else of it. */
function resultsFirst(content: readonly Block[]): Block[] {
  return [...content.filter(isResult), ...content.filter((block) => !isResult(block))]
}

function toContent(message: HistoryMessage, ids: Ids, nameOf: (tool: string) => string): Block[] {
  switch (message.role) {
    case 'user':
      return toBlocks(message.parts).filter(isSomething)
    case 'assistant':
      return [
        ...[{ type: 'text', text: message.text }].filter(isSomething),
        ...message.toolCalls.map(({ id, name, input }) => ({
          type: 'tool_use',
          id: ids.called(id),
          name: plain(nameOf(name)),
          input: isObject(input) ? input : { input },
        })),
      ]
    case 'tool': {
      const id = ids.answered(message.callId)
      const said = toBlocks(message.parts).filter(isSomething)
      const result = { type: 'tool_result', tool_use_id: id, is_error: message.isError }
      if (!message.isError) return [{ ...result, content: said }]
      // A result that failed has text, and nothing else: the provider refuses it without, and Claude Code 2.1.330
      // drops the rest unsaid. So that stands beside it.
      const beside = said.filter((block) => !isText(block))
      const words = said.length > beside.length ? said.filter(isText) : [namesOf(beside)]
      return [{ ...result, content: words }, ...beside]
    }
  }
}

/** Blocks named in brackets, or for none the words that Claude Code fills its own gaps with. */
function namesOf(blocks: readonly Block[]): Block {
  return { type: 'text', text: blocks.map(({ type }) => `[${type}]`).join('\n') || '(no content)' }
}

interface Ids {
  called(id: string): string
  answered(id: string): string
}

/**
 * Ids of calls are other agents' as well: the provider wants each once, of letters, digits, `_` and `-`. And Claude Code
 * 2.1.330 takes `x_1` for an entry within the call `x` of the same conversation, and loses its result.
 */
function createIds(): Ids {
  const ours = new Map<string, string>()
  const taken = new Set<string>()
  const outer = new Set<string>()
  return {
    called(id) {
      const name = plain(id)
      let unique = name
      const clashes = (id: string) => outer.has(id) || [id, ...outerIds(id)].some((other) => taken.has(other))
      for (let count = 2; clashes(unique); count += 1) unique = `${name}-${count}`
      taken.add(unique)
      for (const id of outerIds(unique)) outer.add(id)
      ours.set(id, unique)
      return unique
    },
    answered(id) {
      const found = ours.get(id)
      if (found === undefined)
        throw new ClinvkError(
          'invalid_request',
          `The result of the tool call "${id}" comes without the call. Put the answer that made it before it.`,
        )
      return found
    },
  }
}

/** The calls that one of this id could be taken for an entry of. */
function outerIds(id: string): string[] {
  const [, outer] = /^(.+)_\d+$/.exec(id) ?? []
  return outer === undefined ? [] : [outer, ...outerIds(outer)]
}

/** The provider refuses text of nothing but white space. */
function isSomething(block: Block): boolean {
  return !isText(block) || String(block['text']).trim() !== ''
}

function isText(block: Block): boolean {
  return block['type'] === 'text'
}

function isResult(block: Block): boolean {
  return block['type'] === 'tool_result'
}

function isObject(value: unknown): boolean {
  return fields(value) === value
}

function plain(name: string): string {
  return name.replace(/[^\w-]/g, '_') || 'unnamed'
}
