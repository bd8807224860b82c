import { ClinvkError } from '../../errors.ts'
import type { InputPart } from '../types.ts'

/** A content block of the provider's own protocol, which Claude Code takes and sends on as it is. */
export type Block = Readonly<Record<string, unknown>>

/** A turn's input. `client_composed` makes its text plain text: no slash command, no file mention. */
export function userMessage(content: readonly Block[], uuid: string): Record<string, unknown> {
  return {
    type: 'user',
    message: { role: 'user', content },
    parent_tool_use_id: null,
    session_id: '',
    client_composed: true,
    uuid,
  }
}

/**
 * What a person says, as blocks. Text that is empty is left out: the provider refuses an empty block.
 *
 * @throws `unsupported_option` for a document that is no PDF.
 */
export function toBlocks(parts: readonly InputPart[]): Block[] {
  return parts.flatMap((part): Block[] => {
    if (part.type === 'text') return part.text === '' ? [] : [{ type: 'text', text: part.text }]
    if (part.type === 'document' && part.mediaType !== PDF)
      throw new ClinvkError(
        'unsupported_option',
        `Claude Code takes documents as PDF, and this one is ${part.mediaType}. Give its content as text.`,
      )
    return [
      {
        type: part.type,
        source: { type: 'base64', media_type: part.mediaType, data: part.data },
        ...(part.type === 'document' && part.name !== undefined ? { title: part.name } : {}),
      },
    ]
  })
}

const PDF = 'application/pdf'
