import type { Idempotency } from '../engine/runs.ts'
import { ClinvkError } from '../errors.ts'

/**
 * What makes a request the same as an earlier one: its `Idempotency-Key`, with a hash of where it goes and all of it.
 *
 * @throws `invalid_request` for a key that is none.
 */
export async function idempotencyOf(request: Request, body: unknown): Promise<Idempotency | undefined> {
  const key = request.headers.get('idempotency-key')
  if (key === null) return undefined
  if (!/^[\x21-\x7e]{1,255}$/.test(key))
    throw new ClinvkError(
      'invalid_request',
      'The header Idempotency-Key must be 1 to 255 printable characters without spaces.',
    )
  const { pathname } = new URL(request.url)
  const bytes = new TextEncoder().encode(JSON.stringify([request.method, pathname, body]))
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return { key, hash: Buffer.from(digest).toString('base64url') }
}
