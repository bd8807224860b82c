import { createHash, randomBytes } from 'node:crypto'
import { type Loopback, serveLoopback } from '../../process/loopback.ts'
import { fields } from '../fields.ts'
import type { McpSession } from './mcp-session.ts'

/** Where agents find the tools of their sessions' clients. */
export interface McpEndpoint {
  /** Lets a session in, until the returned function is called. */
  admit(session: McpSession): McpAdmission
  stop(): Promise<void>
}

/** How an agent gets to a session's tools, as ACP's `mcpServers` have it. */
export interface McpAdmission {
  readonly url: string
  readonly headers: readonly { readonly name: string; readonly value: string }[]
  revoke(): void
}

/** Arguments of a call are what a model writes in one answer. */
const MAX_BODY_BYTES = 16 * 1024 * 1024

/**
 * An MCP server on loopback. Whoever runs programs on this machine reaches the port, so each session has a secret,
 * which opens its own tools alone; and a page in a browser is kept out by what browsers say of themselves.
 */
export function openMcpEndpoint(): McpEndpoint {
  // By the secret's hash: how long a search takes then tells nothing of the secret.
  const sessions = new Map<string, McpSession>()
  const server: Loopback = serveLoopback(
    (request, admit) => respond(request, server.host, sessions, admit),
    MAX_BODY_BYTES,
  )
  return {
    admit(session) {
      const authorization = `Bearer ${randomBytes(32).toString('base64url')}`
      sessions.set(digest(authorization), session)
      return {
        url: `http://${server.host}/mcp`,
        headers: [{ name: 'Authorization', value: authorization }],
        revoke: () => void sessions.delete(digest(authorization)),
      }
    },
    stop: () => server.stop(),
  }
}

async function respond(
  request: Request,
  host: string,
  sessions: ReadonlyMap<string, McpSession>,
  admit: () => void,
): Promise<Response> {
  const { headers } = request
  // A name that somebody has pointed here, and any page.
  if (headers.get('host') !== host || headers.has('origin')) return empty(403)
  const session = sessions.get(digest(headers.get('authorization') ?? ''))
  if (!session) return empty(401)
  admit()
  // GET would open a stream for what we have to tell by ourselves: nothing.
  if (request.method !== 'POST') return empty(405)
  let message: unknown
  try {
    message = await request.json()
  } catch {
    return empty(400)
  }
  return session.handle(fields(message))
}

function digest(authorization: string): string {
  return createHash('sha256').update(authorization).digest('base64')
}

function empty(status: number): Response {
  return new Response(null, { status })
}
