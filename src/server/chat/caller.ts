/**
 * Names who sends a request, so that nobody can read or go on with another's: a hash of every key that it carries.
 * Which of them the server knows does not matter here: a key that is added to a known one makes another owner.
 * Without any key all are of one owner.
 */
export async function callerOf(headers: Headers): Promise<string> {
  const keys = ['authorization', 'x-api-key', 'api-key'].map((name) => headers.get(name)?.trim() ?? '')
  // A key is the same key by whichever header it came, once.
  const distinct = [...new Set(keys.map((key) => key.replace(/^bearer +/i, '')))]
    .filter((key) => key !== '')
    .sort()
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(distinct)))
  return Buffer.from(digest).toString('base64url')
}
