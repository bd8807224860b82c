import type { ContentBlock } from '@agentclientprotocol/sdk'
import { ClinvkError } from '../../errors.ts'
import type { InputPart } from '../types.ts'

/** What a prompt is made from. */
export interface PromptOptions {
  readonly backend: string
  /** Only for the first prompt of a session: the protocol has no place for it. */
  readonly systemPrompt?: string | undefined
  /** See `AcpProfile.commandMark`. */
  readonly commandMark: RegExp
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
 * @throws `unsupported_option` for images where the agent takes none.
 */
export function toPrompt(parts: readonly InputPart[], options: PromptOptions): ContentBlock[] {
  const { backend, systemPrompt, commandMark, images } = options
  if (!images && parts.some(({ type }) => type === 'image'))
    throw new ClinvkError('unsupported_option', `images: ${backend} takes no images.`, {
      details: { backend, option: 'images' },
    })
  const blocks = parts.map(toBlock)
  if (systemPrompt !== undefined) return [{ type: 'text', text: delimited(systemPrompt) }, ...blocks]
  // Agents look at all text together, so a command may be spread over parts.
  const whole = parts.map((part) => (part.type === 'text' ? part.text : '')).join('')
  return commandMark.test(whole.trim()) ? defuse(blocks) : blocks
}

function toBlock(part: InputPart): ContentBlock {
  return part.type === 'text'
    ? { type: 'text', text: part.text }
    : { type: 'image', mimeType: part.mediaType, data: part.data }
}

function delimited(systemPrompt: string): string {
  return `<system_instructions>\n${systemPrompt}\n</system_instructions>\n\n`
}

/** Marks the first part with text: some agents stop looking at an image, others do not. */
function defuse(blocks: readonly ContentBlock[]): ContentBlock[] {
  const first = blocks.findIndex((block) => block.type === 'text' && block.text.trim() !== '')
  return blocks.map((block, index) =>
    index === first && block.type === 'text' ? { ...block, text: `${ZERO_WIDTH_SPACE}${block.text}` } : block,
  )
}
