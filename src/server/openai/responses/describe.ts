import { describeOperation } from '../../operation.ts'
import { OpenAiError } from '../errors.ts'
import { DeletedResponse, InputTokens, ItemPage, ResponseEvent, ResponseObject } from './answer-schema.ts'
import { CreateResponse } from './schema.ts'

const json = (schema: object) => ({ 'application/json': schema })
const id = { id: 'Id of the response.' }
const of = { tag: 'OpenAI', error: OpenAiError }

export const CREATE = describeOperation({
  ...of,
  id: 'createResponse',
  summary: 'Make a response',
  description:
    'Streams server-sent events with `"stream": true`; each is named after its type, and there is no `[DONE]` at the end. A run that fails after the stream began ends it with `error` and `response.failed`. Responses are kept in memory, for a day after their last use and as long as there is room, for the key that made them. With `"background": true` the answer comes at once, and the response is made whether the client stays or leaves; it is kept with its events as a run, also after the server. The headers are those of chat completions.',
  body: CreateResponse,
  answer: {
    description: 'The response.',
    content: { ...json(ResponseObject), 'text/event-stream': ResponseEvent },
  },
  problems: [400, 401, 402, 403, 404, 408, 409, 413, 415, 429, 500, 502, 503, 504, 529],
})

export const COUNT = describeOperation({
  ...of,
  id: 'countInputTokens',
  summary: 'Count the tokens of a request',
  description:
    'Tells how many tokens the input has, without asking the model, where the agent lets its provider count (Claude Code). Others answer 404.',
  body: CreateResponse,
  answer: { description: 'The count.', content: json(InputTokens) },
  problems: [400, 401, 402, 403, 404, 408, 413, 415, 429, 500, 502, 503, 504],
})

export const FIND = describeOperation({
  ...of,
  id: 'getResponse',
  params: id,
  query: {
    stream:
      'true: streams the events of one that was made in the background, from the first on, live to its end.',
    starting_after: 'sequence_number of the last event that the client has: the stream begins after it.',
  },
  summary: 'Read a response',
  description: 'Gives a response that is kept, or that is being made, as it is.',
  answer: {
    description: 'The response.',
    content: { ...json(ResponseObject), 'text/event-stream': ResponseEvent },
  },
  problems: [400, 401, 403, 404, 429, 500, 503],
})

export const DELETE = describeOperation({
  ...of,
  id: 'deleteResponse',
  params: id,
  summary: 'Delete a response',
  description:
    'Forgets a response. Those that go on from it are kept, but nothing can go on from them any more.',
  answer: { description: 'It is gone.', content: json(DeletedResponse) },
  problems: [400, 401, 403, 404, 429, 500, 503],
})

export const LIST_INPUT = describeOperation({
  ...of,
  id: 'listInputItems',
  params: id,
  query: {
    limit: 'How many, from 1 to 100. Default: 20.',
    after: 'Id of the item that the page begins after.',
    order: 'desc, the last one first, or asc. Default: desc.',
  },
  summary: 'List what a response was made from',
  description: 'Lists the items of the request, and all items of the responses that it goes on from.',
  answer: { description: 'A page of items.', content: json(ItemPage) },
  problems: [400, 401, 403, 404, 429, 500],
})

export const CANCEL = describeOperation({
  ...of,
  id: 'cancelResponse',
  params: id,
  summary: 'Cancel a response',
  description:
    'Stops the agent of a response that is being made. Whoever waits for it gets it with the status `cancelled` and what there is of it.',
  answer: { description: 'The response.', content: json(ResponseObject) },
  problems: [400, 401, 403, 404, 429, 500, 503],
})
