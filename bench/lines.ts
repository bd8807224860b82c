/** A message of a protocol, as a script without types has it. */
// biome-ignore lint/suspicious/noExplicitAny: whatever the other side sends
export type Message = any

/** The JSON objects of a stream that has one a line. Other lines, such as log messages, are left out. */
export async function* jsonLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<Message, void> {
  for await (const line of pieces(stream, '\n')) if (line.startsWith('{')) yield JSON.parse(line)
}

/** The data of server-sent events, which is one line each. */
export async function* sseData(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  for await (const line of pieces(stream, '\n')) if (line.startsWith('data: ')) yield line.slice(6)
}

async function* pieces(stream: ReadableStream<Uint8Array>, end: string): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of stream) {
    const parts = (text + decoder.decode(chunk, { stream: true })).split(end)
    text = parts.pop() ?? ''
    yield* parts
  }
  if (text !== '') yield text
}
