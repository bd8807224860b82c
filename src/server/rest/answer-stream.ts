import type { ClinvkError } from '../../errors.ts'
import { encodeSse, encodeSseComment } from '../sse.ts'
import { toByteStream } from '../stream.ts'
import type { AnswerForm } from './answer-form.ts'

/** What every event of our streams has, whatever else it tells. */
export interface NumberedEvent {
  readonly type: string
  readonly sequence: number
}

/** The forms of an answer that are streams. */
export type StreamForm = Extract<AnswerForm, 'sse' | 'ndjson'>

/** Whether an answer of this form is a stream. */
export function isStreamForm(form: AnswerForm): form is StreamForm {
  return form === 'sse' || form === 'ndjson'
}

/** A stream of events as an answer. */
export interface EventStream {
  /** The events, each encoded as soon as it is there. A failure is told as the last one. */
  readonly chunks: (encode: (event: NumberedEvent) => string) => AsyncGenerator<string, void>
  /** What bridges a silence in a stream that has no comments. It repeats the number of the last event. */
  readonly heartbeat: () => NumberedEvent
  /** Stops what makes the events. */
  readonly abort: (reason: ClinvkError) => void
  readonly headers: Readonly<Record<string, string>>
}

/** What streaming needs to know of the server. Times in ms; 0: never. */
export interface StreamServices {
  readonly heartbeatMs: number
  readonly writeTimeoutMs: number
  /** Called when a streamed answer is complete. */
  readonly onStreamEnd: (request: Request) => void
}

const FORMS = {
  sse: {
    contentType: 'text/event-stream',
    encode: (event: NumberedEvent) =>
      encodeSse({ id: String(event.sequence), event: event.type, data: JSON.stringify(event) }),
    opening: encodeSseComment('clinvk'),
    heartbeat: () => encodeSseComment('keep-alive'),
  },
  ndjson: {
    contentType: 'application/x-ndjson',
    encode: (event: NumberedEvent) => `${JSON.stringify(event)}\n`,
    // NDJSON knows no comments, and not every reader forgives an empty line. Space before an object is part of its
    // line.
    opening: ' ',
    heartbeat: (next: () => NumberedEvent) => `${JSON.stringify(next())}\n`,
  },
} as const

/** Answers with events, as they come and as fast as they are read. */
export function streamEvents(
  { chunks, heartbeat, abort, headers }: EventStream,
  form: StreamForm,
  request: Request,
  { heartbeatMs, writeTimeoutMs, onStreamEnd }: StreamServices,
): Response {
  const { contentType, encode, opening, heartbeat: bridge } = FORMS[form]
  const stream = toByteStream({
    opening,
    chunks: chunks(encode),
    heartbeatMs,
    heartbeat: () => bridge(heartbeat),
    writeTimeoutMs,
    client: request.signal,
    abort,
    onEnd: () => onStreamEnd(request),
  })
  return new Response(stream, {
    headers: {
      'content-type': contentType,
      'cache-control': 'no-store, no-transform',
      // Asks nginx not to hold the stream back.
      'x-accel-buffering': 'no',
      ...headers,
    },
  })
}
