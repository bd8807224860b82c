import type { ContentBlock } from '@agentclientprotocol/sdk'

/** A prompt as the demo agent sees it. */
export interface Prompt {
  /** All its text, unchanged; blocks are joined by a line end. */
  readonly text: string
  /** The part that is read for directives: what comes before may be instructions or an earlier conversation. */
  readonly lastText: string
  /** One description each of what is no text: `image/png, 68 bytes`. */
  readonly attachments: readonly string[]
}

export function fromContentBlocks(blocks: readonly ContentBlock[]): Prompt {
  const texts = blocks.flatMap((block) => (block.type === 'text' ? [block.text] : []))
  const attachments = blocks.flatMap((block) => (block.type === 'text' ? [] : [describe(block)]))
  return { text: texts.join('\n'), lastText: texts.at(-1) ?? '', attachments }
}

/** Words of a text: what the demo agent counts as its input tokens. */
export function countWords(text: string): number {
  return text.match(/\S+/g)?.length ?? 0
}

/** Cuts a text into words, each with the white space before it; joined again they are the text, byte by byte. */
export function toTokens(text: string): readonly string[] {
  return text.match(/\s*\S+(?:\s+$)?|\s+$/g) ?? []
}

function describe(block: Exclude<ContentBlock, { type: 'text' }>): string {
  switch (block.type) {
    case 'image':
    case 'audio':
      return `${block.mimeType}, ${Buffer.from(block.data, 'base64').length} bytes`
    case 'resource_link':
      return `link to ${block.uri}`
    case 'resource':
      return `resource ${block.resource.uri}`
  }
}
