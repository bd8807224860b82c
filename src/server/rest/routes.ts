import { Elysia } from 'elysia'
import type { JsonBody } from '../json-body.ts'
import { describeOperation } from '../operation.ts'
import { told } from '../told.ts'
import { type PromptOptions, servePrompt } from './prompt.ts'
import { PromptAnswer, PromptRequest, StreamEvent } from './schema.ts'

/** Our own API. */
export function restRoutes(jsonBody: JsonBody, options: PromptOptions) {
  return new Elysia({ name: 'clinvk.rest' }).post(
    '/api/v1/prompt',
    ({ body, request }) => servePrompt(body, request, options),
    {
      // Ours reads it; the name after it only tells the description that bodies are JSON.
      parse: [jsonBody(PromptRequest), 'json'],
      ...told(
        {
          body: PromptRequest,
          detail: describeOperation({
            id: 'prompt',
            tag: 'Prompts',
            summary: 'Run a prompt on an agent',
            description:
              'Answers in JSON, or as the text alone with `Accept: text/plain`. Streams server-sent events with `Accept: text/event-stream` or `"stream": true`, JSON lines with `Accept: application/x-ndjson` or `"output_format": "stream-json"`. What fails before the first event has its own status; what fails later is an `error` event, and no `done` follows. A stream that ends without either was cut. Server-sent events may have comments between them, and a space may stand before the first JSON line. A client that leaves cancels its turn. The headers `x-clinvk-start` and `x-clinvk-wait` tell what the turn began on and how many ms it waited in the queue; a stream that begins before that is known has none.',
            answer: {
              description: 'The answer.',
              content: {
                'application/json': PromptAnswer,
                'text/event-stream': StreamEvent,
                'application/x-ndjson': StreamEvent,
                'text/plain': { type: 'string', description: 'The text of the answer.' },
              },
            },
            problems: [400, 401, 402, 403, 404, 408, 409, 413, 415, 429, 500, 502, 503, 504, 529],
          }),
        },
        { answer: PromptAnswer },
      ),
    },
  )
}
