import type { ContentBlock } from '@agentclientprotocol/sdk'
import { ClinvkError } from '../../errors.ts'
import type { HistoryMessage } from '../messages.ts'
import type { InputPart } from '../types.ts'
import { type Attachment, toHistory, toInstructions } from './history.ts'
import type { AcpProfile } from './profile.ts'

/** What a prompt is made from. */
export interface PromptOptions extends Pick<AcpProfile, 'commandMark' | 'documents'> {
  readonly backend: string
  /** Only for the first prompt of a session: the protocol has no place for it. */
  readonly systemPrompt?: string | undefined
  /** Likewise. */
  readonly history?: readonly HistoryMessage[] | undefined
  /** See `HistoryOptions.boundary`. */
  readonly boundary: string
  /**
   * What is said where there is nothing to say: Gemini CLI 0.61.0 fails at a prompt without content, and never answers
   * in that session again.
   */
  readonly nothing?: string
  /** Whether the agent advertises `promptCapabilities.image`. */
  readonly images: boolean
}

/**
 * Keeps a text from being a command: no white space to any language's `trim`, yet nothing to see. The model does
 * get it; of what agents leave in place it is the least.
 */
export const ZERO_WIDTH_SPACE = '\u200B'

/**
 * A turn's input as the content of `session/prompt`. Text stays text: `@path` is only a mention to agents where it
 * comes as a `resource_link`, which we never send, and a leading `/` is defused.
 *
 * @throws `unsupported_option` for images and documents where the agent takes none.
 */
export function toPrompt(parts: readonly InputPart[], options: PromptOptions): ContentBlock[] {
  const { systemPrompt, history = [], boundary, commandMark, nothing = 'Continue.' } = options
  const toBlock = (part: Attachment) => toAttachment(part, options)
  const blocks = parts.map(
    (part): ContentBlock => (part.type === 'text' ? { type: 'text', text: part.text } : toBlock(part)),
  )
  const before = [
    ...(systemPrompt === undefined ? [] : [toInstructions(systemPrompt, boundary)]),
    ...toHistory(history, { boundary, goesOn: parts.length === 0, toBlock }),
  ]
  if (before.length + blocks.length === 0) return [{ type: 'text', text: nothing }]
  if (before.length > 0) return [...before, ...blocks]
  // Agents look at all text together, so a command may be spread over parts.
  const whole = parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
  return commandMark.test(whole.trim()) ? defuse(blocks) : blocks
}

function toAttachment(part: Attachment, { backend, images, documents }: PromptOptions): ContentBlock {
  const way = part.type === 'image' ? (images ? 'image' : undefined) : documents
  switch (way) {
    case 'image':
      return { type: 'image', mimeType: part.mediaType, data: part.data }
    case 'resource': {
      const name = part.type === 'document' ? part.name : undefined
      const uri = `file:///${encodeURIComponent(name ?? 'document')}`
      return { type: 'resource', resource: { uri, mimeType: part.mediaType, blob: part.data } }
    }
    default: {
      const option = `${part.type}s`
      throw new ClinvkError('unsupported_option', `${option}: ${backend} takes no ${option}.`, {
        details: { backend, option },
      })
    }
  }
}

/** Marks the first part with text: some agents stop looking at an image, others do not. */
function defuse(blocks: readonly ContentBlock[]): ContentBlock[] {
  const first = blocks.findIndex((block) => block.type === 'text' && block.text.trim() !== '')
  return blocks.map((block, index) =>
    index === first && block.type === 'text' ? { ...block, text: `${ZERO_WIDTH_SPACE}${block.text}` } : block,
  )
}
