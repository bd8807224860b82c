/** One server-sent event (WHATWG HTML, 9.2). */
export interface ServerSentEvent {
  readonly id?: string
  readonly event?: string
  readonly data: string
}

/** Encodes an event. Every line of the data gets its own `data:`, so that no text can start a field of its own. */
export function encodeSse({ id, event, data }: ServerSentEvent): string {
  const head = [
    ...(id === undefined ? [] : [`id: ${oneLine(id)}`]),
    ...(event === undefined ? [] : [`event: ${oneLine(event)}`]),
  ]
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}`)
  return `${[...head, ...lines].join('\n')}\n\n`
}

/** A comment: clients skip it, but proxies see that the connection lives. */
export function encodeSseComment(text: string): string {
  return `: ${oneLine(text)}\n\n`
}

function oneLine(text: string): string {
  return text.replace(/[\r\n\0]/g, '')
}
