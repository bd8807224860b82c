import type { ContentBlock } from '@agentclientprotocol/sdk'
import type { ToolResult } from '../messages.ts'
import type { InputPart } from '../types.ts'
import type { McpResult } from './mcp-session.ts'

/**
 * What the client's tool gave back, as MCP has it.
 *
 * @param failures How a failed call is told. `words`: in the text of a result like any other, for an agent that
 * would wrap what is marked as an error in the text of the call and of its own.
 */
export function toMcpResult({ parts, isError }: ToolResult, failures: 'flag' | 'words'): McpResult {
  if (!isError) return { content: parts.map(toContent) }
  if (failures === 'flag') return { content: parts.map(toContent), isError: true }
  const [first, ...rest] = parts
  if (first?.type === 'text')
    return { content: [{ type: 'text', text: `The tool failed: ${first.text}` }, ...rest.map(toContent)] }
  return { content: [{ type: 'text', text: 'The tool failed.' }, ...parts.map(toContent)] }
}

/** MCP's content has the forms of ACP's, which took them from there. */
function toContent(part: InputPart): ContentBlock {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text }
    case 'image':
      return { type: 'image', mimeType: part.mediaType, data: part.data }
    case 'document': {
      const uri = `file:///${encodeURIComponent(part.name ?? 'document')}`
      return { type: 'resource', resource: { uri, mimeType: part.mediaType, blob: part.data } }
    }
  }
}
