import { ClinvkError } from '../errors.ts'

/** What a request's body may be. 0: no limit. */
export interface BodyLimits {
  /** Largest body, before and after decoding, in bytes. */
  readonly maxBytes: number
  /** How long the client may take to send it, in ms. */
  readonly timeoutMs: number
}

/**
 * Reads a request's body, decoded. It stops at the limit whatever Content-Length says and however small the
 * encoded body was.
 *
 * @throws `payload_too_large`, `request_timeout`, `unsupported_media_type` for an encoding that we don't know,
 * `invalid_request` for one that is broken, `cancelled` when the client leaves.
 */
export async function readBody(request: Request, { maxBytes, timeoutMs }: BodyLimits): Promise<Uint8Array> {
  if (maxBytes > 0 && Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const formats = encodingsOf(request).map(toFormat)
  if (request.body === null) return new Uint8Array()

  const count = limitBytes(maxBytes)
  let stream: ReadableStream<Uint8Array> = request.body
  for (const format of formats) stream = stream.pipeThrough(decoder(format))
  const reader = stream.getReader()
  const chunks: Uint8Array[] = []
  const deadline = startDeadline(timeoutMs)
  try {
    while (true) {
      const { done, value } = await Promise.race([reader.read(), deadline.passed])
      if (done) return join(chunks)
      count(value.byteLength)
      chunks.push(value)
    }
  } catch (error) {
    // The rest is of no use; whoever sends it must be able to read our answer, so nothing waits for it.
    reader.cancel().catch(() => {})
    if (error instanceof ClinvkError) throw error
    if (request.signal.aborted)
      throw new ClinvkError('cancelled', 'The client left before its request was read.')
    if (formats.length === 0)
      throw new ClinvkError('invalid_request', 'The body ended before it was complete.', { cause: error })
    throw new ClinvkError(
      'invalid_request',
      `The body is not what its Content-Encoding says: it cannot be decoded as ${encodingsOf(request).join(', ')}.`,
      { cause: error },
    )
  } finally {
    deadline.stop()
  }
}

type Format = ConstructorParameters<typeof DecompressionStream>[0]

const FORMATS: Readonly<Record<string, Format>> = {
  gzip: 'gzip',
  'x-gzip': 'gzip',
  deflate: 'deflate',
  br: 'brotli',
  zstd: 'zstd',
}
const MAX_ENCODINGS = 3
const ACCEPTED = 'gzip, deflate, br, zstd'

/** The encodings to undo, in that order. */
function encodingsOf(request: Request): string[] {
  const header = request.headers.get('content-encoding') ?? ''
  const names = header.split(',').map((name) => name.trim().toLowerCase())
  const encodings = names.filter((name) => name !== '' && name !== 'identity').reverse()
  if (encodings.length > MAX_ENCODINGS)
    throw new ClinvkError(
      'unsupported_media_type',
      `The body is encoded ${encodings.length} times. At most ${MAX_ENCODINGS} are undone.`,
    )
  return encodings
}

function toFormat(name: string): Format {
  const format = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined
  if (format !== undefined) return format
  throw new ClinvkError(
    'unsupported_media_type',
    `The Content-Encoding ${JSON.stringify(name)} is not understood. Use one of ${ACCEPTED}, or none.`,
    { details: { accept_encoding: ACCEPTED } },
  )
}

function decoder(format: Format): ReadableWritablePair<Uint8Array, Uint8Array> {
  return new DecompressionStream(format) as unknown as ReadableWritablePair<Uint8Array, Uint8Array>
}

function limitBytes(maxBytes: number): (bytes: number) => void {
  let total = 0
  return (bytes) => {
    total += bytes
    if (maxBytes > 0 && total > maxBytes) throw tooLarge(maxBytes)
  }
}

function tooLarge(maxBytes: number): ClinvkError {
  return new ClinvkError(
    'payload_too_large',
    `The body is larger than ${maxBytes} bytes (server.max_request_body_bytes).`,
    { details: { max_bytes: maxBytes } },
  )
}

function startDeadline(ms: number): { readonly passed: Promise<never>; stop(): void } {
  const { promise, reject } = Promise.withResolvers<never>()
  if (ms <= 0) return { passed: promise, stop() {} }
  const timer = setTimeout(
    () =>
      reject(
        new ClinvkError(
          'request_timeout',
          `The body did not arrive within ${ms / 1000} s (server.read_timeout_secs).`,
        ),
      ),
    ms,
  )
  return { passed: promise, stop: () => clearTimeout(timer) }
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks
  if (chunks.length === 1 && first) return first
  const whole = new Uint8Array(chunks.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}
