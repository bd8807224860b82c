/** An event of our REST stream, as a client sees it. */
export interface WireEvent {
  readonly type: string
  readonly backend: string
  readonly session_id: string
  readonly timestamp: string
  readonly sequence: number
  // Its shape goes with the type; tests look at what they expect.
  // biome-ignore lint/suspicious/noExplicitAny: a client's view of JSON
  readonly content: any
}

/** Reads server-sent events one by one, without any library of ours. */
export async function* readSse(response: Response): AsyncGenerator<WireEvent, void> {
  for await (const block of split(response, '\n\n')) {
    const data = block
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice('data:'.length).replace(/^ /, ''))
    if (data.length > 0) yield JSON.parse(data.join('\n')) as WireEvent
  }
}

/** Reads lines of JSON one by one. */
export async function* readNdjson(response: Response): AsyncGenerator<WireEvent, void> {
  for await (const line of split(response, '\n')) if (line.trim() !== '') yield JSON.parse(line) as WireEvent
}

async function* split(response: Response, end: string): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let text = ''
  if (!response.body) return
  for await (const chunk of response.body) {
    text += decoder.decode(chunk, { stream: true })
    for (let at = text.indexOf(end); at !== -1; at = text.indexOf(end)) {
      yield text.slice(0, at)
      text = text.slice(at + end.length)
    }
  }
  if (text !== '') yield text
}

/** The answer in a list of events. */
export function answerOf(events: readonly WireEvent[]): string {
  return events
    .filter(({ type }) => type === 'message')
    .map(({ content }) => String(content))
    .join('')
}

/** The body of a JSON answer, as a client without types has it. */
// biome-ignore lint/suspicious/noExplicitAny: a client's view of JSON
export async function json(response: Response): Promise<any> {
  return await response.json()
}
