import { connect } from 'node:net'

/** What is at an address. */
export type Listener =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'clinvk'; readonly version: string; readonly uptimeS?: number }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'other' }

/** How long to wait for an answer, in ms, and the most of it that is looked at. */
const PATIENCE_MS = 3000
const MOST_BYTES = 64 * 1024

/**
 * Asks whoever listens who they are. A plain connection and not `fetch`, which would go through a proxy of the
 * environment; nothing listens here for that, so a server that starts at this moment gets its port.
 */
export async function askPort(host: string, port: number, patienceMs = PATIENCE_MS): Promise<Listener> {
  const answer = Promise.withResolvers<Listener>()
  const socket = connect({ host, port })
  let connected = false
  let text = ''
  const finish = () => answer.resolve(text === '' ? { kind: 'silent' } : whoSays(text))
  const timer = setTimeout(finish, patienceMs)
  socket.on('connect', () => {
    connected = true
    const name = host.includes(':') ? `[${host}]` : host
    socket.write(`GET /health HTTP/1.1\r\nHost: ${name}:${port}\r\nConnection: close\r\n\r\n`)
  })
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
    if (text.length > MOST_BYTES) finish()
  })
  socket.on('error', () => (connected ? finish() : answer.resolve({ kind: 'nobody' })))
  socket.on('close', finish)
  try {
    return await answer.promise
  } finally {
    clearTimeout(timer)
    socket.destroy()
  }
}

/** Reads the answer to `GET /health`. */
function whoSays(text: string): Listener {
  const body = Buffer.from(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1), 'latin1').toString()
  try {
    const told = JSON.parse(body) as Record<string, unknown> | null
    if (told?.['code'] === 'shutting_down') return { kind: 'stopping' }
    const { status, version, backends, uptime_s: uptime } = told ?? {}
    if (typeof status !== 'string' || typeof version !== 'string' || typeof backends !== 'object')
      return { kind: 'other' }
    return { kind: 'clinvk', version, ...(typeof uptime === 'number' ? { uptimeS: uptime } : {}) }
  } catch {
    return { kind: 'other' }
  }
}
