import type { ContentBlock } from '@agentclientprotocol/sdk'
import type { HistoryMessage } from '../messages.ts'
import type { InputPart } from '../types.ts'

/** What the text of a conversation is put together with. */
export interface HistoryOptions {
  /**
   * In every delimiter, and nowhere in what it delimits: random, so that no message can end itself and begin one in
   * another's name.
   */
  readonly boundary: string
  /** Whether the user says nothing more: the conversation ends with results of tools. */
  readonly goesOn: boolean
  /** The block for what is no text. */
  toBlock(part: Attachment): ContentBlock
}

/** A part that is no text. */
export type Attachment = Exclude<InputPart, { type: 'text' }>

/**
 * Earlier messages as content of the first prompt, since the protocol has no other place for them. Everything is in
 * order and there once: text between delimiters, images and documents as blocks of their own where they were, each
 * announced by a line. The last block is text, and what the user says now has to follow in blocks of its own.
 */
export function toHistory(
  messages: readonly HistoryMessage[],
  { boundary, goesOn, toBlock }: HistoryOptions,
): ContentBlock[] {
  if (messages.length === 0) return []
  const blocks: ContentBlock[] = []
  let text = `<conversation-${boundary}>\n${PREFACE}\n`
  let attachments = 0
  for (const message of messages) {
    const { opening, closing, parts } = toQuote(message, boundary)
    text += `\n${opening}\n`
    for (const part of parts) {
      if (part.type === 'text') {
        text += `${part.text}\n`
        continue
      }
      attachments += 1
      blocks.push({ type: 'text', text: `${text}${announce(part, attachments)}\n` }, toBlock(part))
      text = ''
    }
    text += `${closing}\n`
  }
  return [
    ...blocks,
    { type: 'text', text: `${text}\n</conversation-${boundary}>\n\n${goesOn ? GOING_ON : CONCLUSION}\n\n` },
  ]
}

/** A system prompt as a block of its own. */
export function toInstructions(
  systemPrompt: string,
  boundary: string,
): { readonly type: 'text'; readonly text: string } {
  const name = `system_instructions-${boundary}`
  return { type: 'text', text: `<${name}>\n${systemPrompt}\n</${name}>\n\n` }
}

const PREFACE =
  'The conversation so far, oldest message first. Messages of the role "assistant" are your own earlier answers, ' +
  'with the tools that you called then.'
const CONCLUSION = 'What follows is the next message of the user. Answer it, and only it.'
const GOING_ON = 'The conversation ends with results of tools that you called. Continue with these results.'

interface Quote {
  readonly opening: string
  readonly closing: string
  readonly parts: readonly InputPart[]
}

function toQuote(message: HistoryMessage, boundary: string): Quote {
  const quote = (attributes: string, parts: readonly InputPart[]): Quote => ({
    opening: `<message-${boundary} ${attributes}>`,
    closing: `</message-${boundary}>`,
    parts,
  })
  switch (message.role) {
    case 'user':
      return quote('role="user"', message.parts)
    case 'tool':
      return quote(
        `role="tool" call=${attribute(message.callId)}${message.isError ? ' failed="true"' : ''}`,
        message.parts,
      )
    case 'assistant': {
      const calls = message.toolCalls.map(
        ({ id, name, input }) =>
          `<call-${boundary} id=${attribute(id)} tool=${attribute(name)}>\n${JSON.stringify(input ?? null)}\n</call-${boundary}>`,
      )
      const texts = [...(message.text === '' ? [] : [message.text]), ...calls]
      return quote(
        'role="assistant"',
        texts.map((text) => ({ type: 'text', text })),
      )
    }
  }
}

/** Names and ids are a client's own words too: as a JSON string none of them leaves its quotes or its line. */
function attribute(value: string): string {
  return JSON.stringify(value)
}

function announce(part: Attachment, number: number): string {
  const name = part.type === 'document' && part.name !== undefined ? `, ${attribute(part.name)}` : ''
  return `[${part.type} ${number}, ${part.mediaType}${name}: it follows]`
}
