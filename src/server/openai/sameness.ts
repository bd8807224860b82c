/**
 * What makes two requests the same one for the replay guard: all but what clients change when they send a request
 * again by themselves. Codex shuffles `client_metadata`; others give up on the stream.
 */
export function samenessOf(body: object): unknown {
  return Object.entries(body).filter(([name]) => !CHANGES_IN_RETRIES.has(name))
}

const CHANGES_IN_RETRIES: ReadonlySet<string> = new Set(['stream', 'stream_options', 'client_metadata'])
