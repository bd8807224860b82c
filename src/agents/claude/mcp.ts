import { type Fields, fields, word } from '../fields.ts'
import { type Offer, SERVER } from './client-tools.ts'

/** A message that Claude Code sends to our MCP server, and how to answer it. */
export interface McpMessage {
  /** The call that it is, which is answered when there is a result. */
  readonly callId?: string
  /** The call whose result nobody waits for any more: the id of the request that made it. */
  readonly cancelled?: unknown
  /** The JSON-RPC id. */
  readonly id: unknown
  /** What to answer at once. */
  readonly answer?: Fields
}

/** Whether a control request is a message for our MCP server. */
export function isMcp({ request }: Fields): boolean {
  return fields(request)['subtype'] === 'mcp_message'
}

/** What is asked of our MCP server, as of Claude Code 2.1.330: the protocol of 2025-11-25, tools only. */
export function readMcp({ request }: Fields, offer: Offer): McpMessage {
  const { method, params, id } = fields(fields(request)['message'])
  const given = fields(params)
  switch (method) {
    case 'initialize':
      return {
        id,
        answer: {
          protocolVersion: word(given['protocolVersion']) ?? '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: SERVER, version: '1' },
        },
      }
    case 'tools/list':
      return { id, answer: { tools: offer.list } }
    case 'tools/call':
      // The id that the provider gave to the call, by which the client answers it.
      return { id, callId: word(fields(given['_meta'])['claudecode/toolUseId']) ?? '' }
    case 'notifications/cancelled':
      return { id: 0, answer: {}, cancelled: given['requestId'] }
    default:
      // Notifications are answered as well: the control channel wants it.
      return { id: id ?? 0, answer: {} }
  }
}

/** The answer to a message for our MCP server. */
export function mcpResponse({ request_id }: Fields, id: unknown, result: Fields): Fields {
  return {
    type: 'control_response',
    response: {
      subtype: 'success',
      request_id,
      response: { mcp_response: { jsonrpc: '2.0', id, result } },
    },
  }
}
