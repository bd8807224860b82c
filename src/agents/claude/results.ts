import type { Fields } from '../fields.ts'
import type { ToolResult } from '../messages.ts'
import { LONGEST_RESULT } from './client-tools.ts'

/**
 * Whether a result reaches the model whole as the answer to a call that waits. What does not can be told as history:
 * longer text, which Claude Code 2.1.330 puts into a file; a document, which MCP does not have; an image that comes
 * with an error, which is dropped unsaid.
 */
export function isTellable({ parts, isError }: ToolResult): boolean {
  const length = parts.reduce((sum, part) => sum + (part.type === 'text' ? part.text.length : 0), 0)
  return (
    length <= LONGEST_RESULT && parts.every(({ type }) => type === 'text' || (type === 'image' && !isError))
  )
}

/** A result as MCP has it. Text of nothing but white space is left out: the provider refuses it. */
export function toMcpResult({ parts, isError }: ToolResult): Fields {
  const content = parts.flatMap((part): Fields[] => {
    if (part.type === 'image') return [{ type: 'image', data: part.data, mimeType: part.mediaType }]
    return part.type === 'text' && part.text.trim() !== '' ? [{ type: 'text', text: part.text }] : []
  })
  return isError ? failed(content) : { content }
}

function failed(content: readonly Fields[]): Fields {
  return { content: content.length > 0 ? content : [{ type: 'text', text: '(no content)' }], isError: true }
}

/** What a call is answered with that the client was not told of: one of a sub-agent, or of a turn that is not ours. */
export const NOT_TOLD: Fields = failed([
  { type: 'text', text: 'This tool is for the main agent only. Go on without it.' },
])
