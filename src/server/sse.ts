/** One server-sent event (WHATWG HTML, 9.2). */
export interface ServerSentEvent {
  readonly id?: string
  readonly event?: string
  readonly data: string
}

/** Encodes an event. Every line of the data gets its own `data:`, so that no text can start a field of its own. */
export function encodeSse({ id, event, data }: ServerSentEvent): string {
  const head = `${id === undefined ? '' : `id: ${oneLine(id)}\n`}${event === undefined ? '' : `event: ${oneLine(event)}\n`}`
  return `${head}data: ${LINE_END.test(data) ? data.split(LINE_ENDS).join('\ndata: ') : data}\n\n`
}

const LINE_END = /[\r\n]/
const LINE_ENDS = /\r\n|\r|\n/

/** A comment: clients skip it, but proxies see that the connection lives. */
export function encodeSseComment(text: string): string {
  return `: ${oneLine(text)}\n\n`
}

function oneLine(text: string): string {
  return NOT_IN_LINE.test(text) ? text.replace(/[\r\n\0]/g, '') : text
}

const NOT_IN_LINE = /[\r\n\0]/
