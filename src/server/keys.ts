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

function keysOf(request: Request): string[] {
  const { headers } = request
  const authorization = headers.get('authorization') ?? ''
  const bearer = authorization.match(/^bearer +(.+)$/i)?.[1]
  const basic = isForReading(request) ? authorization.match(/^basic +(.+)$/i)?.[1] : undefined
  const typed = basic === undefined ? undefined : passwordOf(basic)
  return [headers.get('x-api-key'), headers.get('api-key'), bearer, typed].flatMap((key) =>
    key ? [key.trim()] : [],
  )
}

/**
 * Whether a person reads what is asked for, in a browser that can send a key only as a password. It keeps sending that by
 * itself, so it counts for nothing that does anything.
 */
export function isForReading({ method, url }: Request): boolean {
  const { pathname } = new URL(url)
  return (method === 'GET' || method === 'HEAD') && /^\/(docs(\/|$)|openapi\.json$)/.test(pathname)
}

/** The password of `Authorization: Basic`; whatever user it is for. */
function passwordOf(basic: string): string | undefined {
  const text = Buffer.from(basic.trim(), 'base64').toString('utf8')
  return text.includes(':') ? text.slice(text.indexOf(':') + 1) : undefined
}

async function hash(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0
  for (const [index, byte] of a.entries()) difference |= byte ^ (b[index] ?? 0)
  return difference === 0
}
