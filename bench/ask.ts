import { type Message, sseData } from './lines.ts'

/** How an answer came. Times in ms from the moment before the request was sent. */
export interface Answer {
  readonly firstMs: number
  readonly endMs: number
  readonly text: string
  /** What the server says of how it came by an agent, where it says it. */
  readonly start: string | undefined
  readonly sessionId: string | undefined
}

/** A message of a chat. */
export interface ChatMessage {
  readonly role: 'user' | 'assistant'
  readonly content: string
}

const TIMEOUT_MS = 600_000

/** Prompts an agent by clinvk's own API, streamed. */
export function askPrompt(url: string, body: Record<string, unknown>): Promise<Answer> {
  return ask(`${url}/api/v1/prompt`, { ...body, stream: true }, ({ type, content }) =>
    type === 'message' ? content : undefined,
  )
}

/** Asks an agent as an OpenAI client does, streamed. */
export function askChat(url: string, model: string, messages: readonly ChatMessage[]): Promise<Answer> {
  return ask(
    `${url}/openai/v1/chat/completions`,
    { model, messages, stream: true },
    ({ choices }) => choices?.[0]?.delta?.content,
  )
}

async function ask(
  url: string,
  body: Record<string, unknown>,
  textOf: (event: Message) => string | undefined,
): Promise<Answer> {
  const request = JSON.stringify(body)
  const began = performance.now()
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: request,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  })
  if (!response.ok || !response.body)
    throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
  let firstMs: number | undefined
  let text = ''
  let sessionId: string | undefined
  for await (const data of sseData(response.body)) {
    if (data === '[DONE]') continue
    const event = JSON.parse(data)
    if (event.error || event.type === 'error') throw new Error(`${url} answered with an error: ${data}`)
    sessionId ??= event.session_id
    const piece = textOf(event) ?? ''
    if (piece !== '') firstMs ??= performance.now() - began
    text += piece
  }
  if (firstMs === undefined) throw new Error(`${url} answered without any text.`)
  const start = response.headers.get('x-clinvk-start') ?? undefined
  return { firstMs, endMs: performance.now() - began, text, start, sessionId }
}
