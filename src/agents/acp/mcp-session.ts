import { VERSION } from '../../version.ts'
import { type Fields, fields, word } from '../fields.ts'

/** A tool as `tools/list` tells it. */
export interface McpTool {
  readonly name: string
  readonly description?: string
  readonly inputSchema: Fields
}

/** What a tool gave back. */
export interface McpResult {
  readonly content: readonly Fields[]
  readonly isError?: true
}

/** A `tools/call` that waits for its result. */
export interface McpCall {
  readonly name: string
  readonly input: Fields
  /** The first result counts. */
  answer(result: McpResult): void
}

/** What an MCP server for one session of an agent is made from. */
export interface McpSetup {
  readonly tools: readonly McpTool[]
  onCall(call: McpCall): void
  /** Whether a call that waits tells of progress, for an agent that would give it up without. */
  readonly progress: boolean
  /** How often a call that waits gives a sign of life, in ms. */
  readonly beatMs?: number
}

/** The server side of MCP for one session, without the transport. */
export interface McpSession {
  /** Resolves once the agent has asked for the tools. */
  readonly listed: Promise<void>
  /** The answer to one message of the agent. */
  handle(message: Fields): Response
}

/** Gemini CLI's fetch gives up when it hears nothing for 300 s, OpenCode's MCP client after 30 s without progress. */
const BEAT_MS = 20_000

const METHOD_NOT_FOUND = -32601
const INVALID_PARAMS = -32602
const INVALID_REQUEST = -32600

/**
 * Speaks as much of the protocol as agents need to find and call tools (Gemini CLI 0.61.0, OpenCode 1.18.33). Its
 * version is the one that is asked for, since each accepts only what it knows: 2025-06-18 is the newest to one, and
 * what is said here is the same in all.
 */
export function createMcpSession({ tools, onCall, progress, beatMs = BEAT_MS }: McpSetup): McpSession {
  const listed = Promise.withResolvers<void>()

  const answer = (id: unknown, result: Fields) => Response.json({ jsonrpc: '2.0', id, result })
  const refuse = (id: unknown, code: number, message: string) =>
    Response.json({ jsonrpc: '2.0', id, error: { code, message } })
  const call = (id: unknown, params: Fields): Response => {
    const name = word(params['name'])
    if (name === undefined || !tools.some((tool) => tool.name === name))
      return refuse(id, INVALID_PARAMS, 'Unknown tool.')
    const token = progress ? fields(params['_meta'])['progressToken'] : undefined
    const { response, finish } = openStream(beatMs, token)
    onCall({
      name,
      input: fields(params['arguments']),
      answer: (result) => finish({ jsonrpc: '2.0', id, result }),
    })
    return response
  }

  return {
    listed: listed.promise,
    handle(message) {
      const { id, method } = message
      // Notifications, and answers to what we never asked. OpenCode tells of every call that it is cancelled, those
      // that were answered too; the end of a turn is told by ACP.
      if (typeof method !== 'string' || id === undefined)
        return method === undefined && id === undefined
          ? refuse(null, INVALID_REQUEST, 'No message.')
          : new Response(null, { status: 202 })
      const params = fields(message['params'])
      switch (method) {
        case 'initialize':
          return answer(id, {
            protocolVersion: word(params['protocolVersion']) ?? '2025-06-18',
            capabilities: { tools: {} },
            serverInfo: { name: 'clinvk', version: VERSION },
          })
        case 'ping':
          return answer(id, {})
        case 'tools/list':
          listed.resolve()
          return answer(id, { tools })
        case 'tools/call':
          return call(id, params)
        default:
          return refuse(id, METHOD_NOT_FOUND, 'Method not found.')
      }
    },
  }
}

/** An answer that has begun: comments, and progress where there is a token for it, until it is finished. */
function openStream(beatMs: number, token: unknown): { response: Response; finish(message: Fields): void } {
  const encoder = new TextEncoder()
  let beats = 0
  let timer: Timer | undefined
  let finish = (_message: Fields) => {}
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      const send = (text: string) => controller.enqueue(encoder.encode(text))
      const sendMessage = (message: Fields) => send(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
      const beat = () => {
        send(': waiting\n\n')
        if (token !== undefined && beats > 0)
          sendMessage({
            jsonrpc: '2.0',
            method: 'notifications/progress',
            params: { progressToken: token, progress: beats },
          })
        beats += 1
      }
      beat()
      timer = setInterval(beat, beatMs)
      timer.unref()
      finish = (message) => {
        if (timer === undefined) return
        clearInterval(timer)
        timer = undefined
        sendMessage(message)
        controller.close()
      }
    },
    cancel() {
      clearInterval(timer)
      timer = undefined
    },
  })
  const response = new Response(body, {
    headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
  })
  return { response, finish: (message) => finish(message) }
}
