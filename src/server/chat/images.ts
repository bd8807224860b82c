import type { InputPart } from '../../agents/types.ts'
import type { ClinvkError } from '../../errors.ts'
import { invalidFields } from '../validate.ts'
import { type Fetched, fetchPublic } from './fetch-public.ts'
import { typeOfName } from './file-types.ts'

/**
 * Makes a part of what a client sent as the address of an image or file: a data: URL, or an http(s) one where the
 * operator lets us fetch it, up to 20 in all and 32 MiB together. `path` is the field's, for the error; `name` a file's.
 *
 * @throws `invalid_request` at `path`.
 */
export type ImageReader = (url: string, path: string, name?: string) => Promise<InputPart>

/** `fetch` is there for tests; it throws in words that go behind "cannot be fetched:". */
export function createImageReader({
  fetchImages,
  fetch = fetchImage,
}: {
  readonly fetchImages: boolean
  readonly fetch?: (url: string) => Promise<Fetched>
}): ImageReader {
  // By their address: a client that names one image in every message means one image.
  const fetched = new Map<string, Fetched>()
  let bytesLeft = MOST_BYTES
  const fetchOnce = async (url: string): Promise<Fetched> => {
    const known = fetched.get(url)
    if (known) return known
    if (fetched.size >= MOST_FETCHES) throw new Error(`a request may name ${MOST_FETCHES} addresses at most`)
    const file = await fetch(url)
    bytesLeft -= file.bytes.byteLength
    if (bytesLeft < 0)
      throw new Error(`what a request names may have ${MOST_BYTES / MIB} MiB together at most`)
    fetched.set(url, file)
    return file
  }
  return async (url, path, name) => {
    if (/^data:/i.test(url)) return fromDataUrl(url, path, name)
    if (!/^https?:/i.test(url)) throw wrong(path, 'must be a data: URL or an http(s) one.')
    if (!fetchImages)
      throw wrong(
        path,
        'is an http(s) URL, and this server fetches none (chat.fetch_images). Send the data itself: base64, or a data: URL.',
      )
    const { mediaType, bytes } = await fetchOnce(url).catch((error: unknown) => {
      throw wrong(path, `cannot be fetched: ${error instanceof Error ? error.message : 'it failed'}.`)
    })
    return toInputPart(sniff(bytes) ?? mediaType, Buffer.from(bytes).toString('base64'), path, name)
  }
}

/**
 * Makes a part of base64 data: an image, a PDF, or a text, which becomes text.
 *
 * @throws `invalid_request` at `path` for any other type, and for what is not base64.
 */
export function toInputPart(mediaType: string, data: string, path: string, name?: string): InputPart {
  // Where the sender does not know what it is, the name may tell.
  const known = mediaType === 'application/octet-stream' ? (typeOfName(name) ?? mediaType) : mediaType
  const type = known === 'image/jpg' ? 'image/jpeg' : known
  // Some clients break lines, and URLs have an alphabet of their own.
  const base64 = withoutPadding(data.replace(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/'))
  if (base64 === '' || !/^[A-Za-z0-9+/]+$/.test(base64) || base64.length % 4 === 1)
    throw wrong(path, base64 === '' ? 'holds no data.' : 'is not base64.')
  const padded = base64.padEnd(Math.ceil(base64.length / 4) * 4, '=')
  if (IMAGES.includes(type)) return { type: 'image', mediaType: type, data: padded }
  if (type === 'application/pdf')
    return { type: 'document', mediaType: type, data: padded, ...(name === undefined ? {} : { name }) }
  if (type.startsWith('text/') || type === 'application/json')
    return toTextPart(decodeText(Buffer.from(padded, 'base64'), path), name)
  throw wrong(
    path,
    `is ${JSON.stringify(type.slice(0, 60))}, expected one of ${[...IMAGES, 'application/pdf'].join(', ')}, or a text.`,
  )
}

/**
 * The same for a file that comes without its type: its name tells it, else it is a PDF, the one kind that OpenAI's API
 * began with.
 *
 * @throws the same.
 */
export function toFilePart(data: string, path: string, name?: string): InputPart {
  return toInputPart(typeOfName(name) ?? 'application/pdf', data, path, name)
}

/** A text document as a part of the prompt, its name in front. */
export function toTextPart(text: string, name?: string): InputPart {
  return { type: 'text', text: name === undefined ? text : `${name}:\n\n${text}` }
}

const MOST_FETCHES = 20
const MIB = 1024 * 1024
const MOST_BYTES = 32 * MIB

const IMAGES: readonly string[] = ['image/png', 'image/jpeg', 'image/gif', 'image/webp']

function fromDataUrl(url: string, path: string, name: string | undefined): InputPart {
  const comma = url.indexOf(',')
  const [type = '', ...parameters] = url.slice('data:'.length, Math.max(comma, 0)).toLowerCase().split(';')
  if (comma < 0) throw wrong(path, 'is a data: URL without data.')
  const data = url.slice(comma + 1)
  const mediaType = type.trim() === '' ? 'text/plain' : type.trim()
  if (parameters.some((parameter) => parameter.trim() === 'base64'))
    return toInputPart(mediaType, data, path, name)
  const text = decodePercent(data, path)
  return toInputPart(mediaType, Buffer.from(text, 'utf8').toString('base64'), path, name)
}

/** By index: a regular expression would start anew at every sign. */
function withoutPadding(base64: string): string {
  let end = base64.length
  while (base64[end - 1] === '=') end -= 1
  return base64.slice(0, end)
}

function decodePercent(data: string, path: string): string {
  try {
    return decodeURIComponent(data)
  } catch {
    throw wrong(path, 'is a data: URL that is not well formed.')
  }
}

function decodeText(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw wrong(path, 'is not UTF-8 text.')
  }
}

/** Servers that keep pictures often say no more than "some bytes". */
function sniff(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1')
  if (head.startsWith('\x89PNG')) return 'image/png'
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg'
  if (head.startsWith('GIF8')) return 'image/gif'
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'image/webp'
  return head.startsWith('%PDF-') ? 'application/pdf' : undefined
}

function fetchImage(url: string): Promise<Fetched> {
  return fetchPublic(url, { maxBytes: 20 * MIB, timeoutMs: 15_000, maxRedirects: 3 })
}

function wrong(path: string, message: string): ClinvkError {
  return invalidFields([{ path, message }])
}
