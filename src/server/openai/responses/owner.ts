/**
 * Names whose responses a request may see: a hash of the key that it carries, so that nobody can read another's.
 * Without any key all are of one owner.
 */
export async function ownerOf({ headers }: Request): Promise<string> {
  const bearer = headers.get('authorization')?.match(/^bearer +(.+)$/i)?.[1]
  const key = headers.get('x-api-key') ?? headers.get('api-key') ?? bearer ?? ''
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key.trim()))
  return Buffer.from(digest).toString('base64url')
}
