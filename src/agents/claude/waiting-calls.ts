import { ClinvkError } from '../../errors.ts'
import type { Fields } from '../fields.ts'
import type { ToolResult } from '../messages.ts'
import type { Offer } from './client-tools.ts'
import { mcpResponse, readMcp } from './mcp.ts'
import { NOT_TOLD, toMcpResult } from './results.ts'

/**
 * The calls of the client's tools that a turn waits for. A call is told to the client from the model's stream, and Claude
 * Code asks us to make it at about the same time: mostly while the stream goes on, sometimes some ms after its end, and
 * behind a tool of its own much later.
 */
export interface WaitingCalls {
  /** The client was told of a call. */
  told(id: string): void
  /** Takes a control request for our MCP server. `callId`: it makes this call, which the client was told of. */
  take(request: Fields): { readonly answers: readonly Fields[]; readonly callId?: string }
  /** @throws `invalid_request` where results and calls that were told do not match. */
  check(results: readonly ToolResult[]): void
  /** What to send, now that there are results. A call that is yet to be made is answered when it is. */
  answer(results: readonly ToolResult[]): readonly Fields[]
  /** No call waits any more. */
  clear(): void
}

export function createWaitingCalls(offer: Offer): WaitingCalls {
  const told = new Set<string>()
  const made = new Map<string, { readonly request: Fields; readonly id: unknown }>()
  const given = new Map<string, Fields>()

  return {
    told: (id) => void told.add(id),
    take(request) {
      const { answer, callId, cancelled, id } = readMcp(request, offer)
      for (const [call, { id: made_ }] of made)
        if (cancelled !== undefined && made_ === cancelled) made.delete(call)
      if (callId === undefined) return { answers: [mcpResponse(request, id, answer ?? {})] }
      const result = given.get(callId)
      given.delete(callId)
      if (result) return { answers: [mcpResponse(request, id, result)] }
      if (!told.has(callId)) return { answers: [mcpResponse(request, id, NOT_TOLD)] }
      made.set(callId, { request, id })
      return { answers: [], callId }
    },
    check(results) {
      const ids = new Set(results.map(({ callId }) => callId))
      const missing = [...told].find((id) => !ids.has(id))
      if (missing !== undefined)
        throw new ClinvkError('invalid_request', `The tool call "${missing}" has no result.`)
      const unknown = [...ids].find((id) => !told.has(id))
      if (unknown !== undefined || ids.size < results.length)
        throw new ClinvkError(
          'invalid_request',
          unknown === undefined
            ? 'A tool call has two results.'
            : `There is no tool call "${unknown}" that waits for a result.`,
        )
    },
    answer(results) {
      told.clear()
      return results.flatMap((result) => {
        const call = made.get(result.callId)
        made.delete(result.callId)
        if (call) return [mcpResponse(call.request, call.id, toMcpResult(result))]
        given.set(result.callId, toMcpResult(result))
        return []
      })
    },
    clear() {
      told.clear()
      made.clear()
      given.clear()
    },
  }
}
