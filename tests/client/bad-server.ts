/** What stands in the place of clinvk and answers wrongly, in every way of {@link ANSWERS}. */
export interface BadServer {
  /** Where it answers so. */
  at(way: keyof typeof ANSWERS): string
  /** The requests that came to where it redirects. */
  readonly redirected: readonly Request[]
  stop(): Promise<void>
}

export const INIT = { type: 'init', sequence: 1, content: { id: 'run' } }
export const HALF = { type: 'message', sequence: 2, content: 'half ö' }
export const DONE = { type: 'done', sequence: 3, content: { exit_code: 0 } }

const sse = (text: string | Uint8Array) => typed('text/event-stream', text)
const typed = (type: string, body: string | Uint8Array, status = 200) =>
  new Response(body, { status, headers: { 'content-type': type } })
const framed = (events: readonly unknown[], end = '\n') =>
  `: clinvk${end}${end}${events.map((event) => `event: x${end}data: ${JSON.stringify(event)}${end}${end}`).join('')}`
const problem = (members: object) => typed('application/problem+json', JSON.stringify(members), 429)

/** A body that comes byte by byte. */
function drop(text: string): Response {
  const bytes = new TextEncoder().encode(text).values()
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = bytes.next()
      if (done) controller.close()
      else controller.enqueue(Uint8Array.of(value))
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } })
}

/** Events, and then silence. */
function hang(text: string): Response {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

export const REFUSAL = {
  type: 'urn:clinvk:error:queue_full',
  title: 'Too many prompts',
  status: 429,
  detail: 'Wait.',
  code: 'queue_full',
  retryable: true,
}

const ANSWERS = {
  whole: () => sse(framed([INIT, HALF, DONE])),
  crlf: () => drop(framed([INIT, HALF, DONE], '\r\n')),
  hanging: () => hang(framed([INIT, HALF])),
  cut: () => sse(framed([INIT, HALF])),
  empty: () => sse(''),
  'half-event': () => sse(framed([INIT, HALF, DONE]).slice(0, -20)),
  'half-crlf': () => sse(framed([INIT, HALF], '\r\n')),
  lines: () => sse(`${framed([INIT])}data: busy, try later\n\n`),
  number: () => sse(`${framed([INIT])}data: 1\n\n`),
  typeless: () => sse(`${framed([INIT])}data: {"content":1}\n\n`),
  'failed-well': () => sse(framed([INIT, { type: 'error', sequence: 2, content: REFUSAL }])),
  'failed-badly': () => sse(framed([INIT, { type: 'error', sequence: 2, content: null }])),
  html: () => typed('text/html', '<html>Log in</html>'),
  text: () => typed('text/plain', 'Back soon'),
  json: () => typed('application/json', '{"response":"whole"}'),
  'json-text': () => typed('application/json', '"down"'),
  'broken-json': () => typed('application/json', '{"response":', 500),
  'broken-json-200': () => typed('application/json', '{"response":'),
  'foreign-json': () => typed('application/json', '{"code":"down"}', 502),
  'no-body': () => new Response(null, { status: 504 }),
  refused: () => problem(REFUSAL),
  'refused-half': () => problem({ ...REFUSAL, detail: undefined }),
} satisfies Record<string, () => Response>

/** Starts one on a free port. */
export function startBadServer(): BadServer & { readonly elsewhere: string; readonly keys: string[] } {
  const redirected: Request[] = []
  const keys: string[] = []
  const other = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      redirected.push(request)
      return ANSWERS.whole()
    },
  })
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch(request) {
      const way = new URL(request.url).pathname.split('/')[1] ?? ''
      keys.push(`${request.headers.get('authorization')} ${request.headers.get('x-api-key')}`)
      if (way === 'elsewhere') return Response.redirect(other.url.href, 307)
      return ANSWERS[way as keyof typeof ANSWERS]()
    },
  })
  const origin = server.url.origin
  return {
    at: (way) => `${origin}/${way}`,
    elsewhere: `${origin}/elsewhere`,
    redirected,
    keys,
    stop: async () => {
      await Promise.all([server.stop(true), other.stop(true)])
    },
  }
}
