/** Says which key a request carries: its place in the list, or undefined for none of them. */
export type KeyCheck = (request: Request) => Promise<number | undefined>

/**
 * Makes the check for a list of API keys. They are accepted as `X-Api-Key` (our clients and Anthropic's),
 * `Authorization: Bearer` (OpenAI's) and `Api-Key` (Azure's). What is compared are hashes, so that the time it
 * takes tells nothing about a key.
 */
export function createKeyCheck(keys: readonly string[]): KeyCheck {
  const hashes = Promise.all(keys.map(hash))
  return async (request) => {
    let found: number | undefined
    for (const given of keysOf(request)) {
      const givenHash = await hash(given)
      for (const [index, known] of (await hashes).entries()) if (isEqual(known, givenHash)) found = index
    }
    return found
  }
}

/** Whether a request carries any key. */
export function sendsKey(request: Request): boolean {
  return keysOf(request).length > 0
}

function keysOf({ headers }: Request): string[] {
  const bearer = headers.get('authorization')?.match(/^bearer +(.+)$/i)?.[1]
  return [headers.get('x-api-key'), headers.get('api-key'), bearer].flatMap((key) =>
    key ? [key.trim()] : [],
  )
}

async function hash(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0)
  return difference === 0
}
