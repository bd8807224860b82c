import { lookup } from 'node:dns/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { isPublicAddress } from './public-address.ts'

/** What may be fetched, and by which means. */
export interface FetchLimits {
  /** Largest body, in bytes. */
  readonly maxBytes: number
  /** How long everything together may take, in ms. */
  readonly timeoutMs: number
  readonly maxRedirects: number
  /** The addresses of a name. */
  readonly resolve?: (hostname: string) => Promise<readonly { address: string; family: number }[]>
  readonly isAllowed?: (address: string) => boolean
}

/** A body with what its server says it is: a media type in lower case, without parameters. */
export interface Fetched {
  readonly mediaType: string
  readonly bytes: Uint8Array
}

/**
 * Fetches an http(s) address of the public internet. Every address that a name has is looked at, and the connection
 * goes to one that was looked at: a name that means something else a moment later leads nowhere else. Redirects are
 * followed under the same rules.
 *
 * @throws Error, in words for the client that named the address.
 */
export async function fetchPublic(address: string, limits: FetchLimits): Promise<Fetched> {
  const signal = AbortSignal.timeout(limits.timeoutMs)
  let url = parse(address)
  for (let redirects = 0; redirects <= limits.maxRedirects; redirects += 1) {
    const addresses = await orTimeout(publicAddresses(url, limits), signal, limits)
    const response = await orTimeout(connect(url, addresses, signal), signal, limits)
    const { statusCode = 0, headers } = response
    if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
      response.destroy()
      url = parse(headers.location, url)
      continue
    }
    if (statusCode < 200 || statusCode >= 300) {
      response.destroy()
      throw new Error(`its server answered with status ${statusCode}`)
    }
    const bytes = await orTimeout(readAll(response, limits.maxBytes), signal, limits)
    return { mediaType: (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '', bytes }
  }
  throw new Error('it is redirected too often')
}

function parse(address: string, base?: URL): URL {
  if (!URL.canParse(address, base?.href)) throw new Error('it is no URL')
  const url = new URL(address, base)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new Error('it leads to another protocol than http')
  if (url.username !== '' || url.password !== '') throw new Error('it holds a password')
  return url
}

async function publicAddresses(
  { hostname }: URL,
  { isAllowed = isPublicAddress, resolve = resolveAll }: FetchLimits,
) {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const family = isIP(host)
  const addresses =
    family === 0
      ? await resolve(host).catch(() => {
          throw new Error('its host is unknown')
        })
      : [{ address: host, family }]
  // One bad address among good ones is how a rebinding name looks.
  if (addresses.length === 0 || addresses.some(({ address }) => !isAllowed(address)))
    throw new Error('its host is not on the public internet')
  return addresses
}

async function resolveAll(hostname: string) {
  return await lookup(hostname, { all: true })
}

function connect(
  url: URL,
  addresses: readonly { address: string; family: number }[],
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const pinned: LookupFunction = (_hostname, options, callback) => {
    const [first] = addresses
    if (options.all) callback(null, [...addresses])
    else callback(null, first?.address ?? '', first?.family)
  }
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest
  const headers = { accept: 'image/*', 'accept-encoding': 'identity', 'user-agent': 'clinvk' }
  send(url, { lookup: pinned, headers, signal, agent: false }, resolve)
    .on('error', () => reject(new Error('its server cannot be reached')))
    .end()
  return promise
}

async function readAll(response: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) {
      response.destroy()
      throw new Error(`it is larger than ${maxBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function orTimeout<T>(work: Promise<T>, signal: AbortSignal, { timeoutMs }: FetchLimits): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(new Error(`it was not there within ${timeoutMs / 1000} s`))
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([work, late])
  } finally {
    signal.removeEventListener('abort', onAbort)
    work.catch(() => {})
    late.catch(() => {})
  }
}
