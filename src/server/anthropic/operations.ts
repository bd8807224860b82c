import { describeOperation } from '../operation.ts'
import { AnthropicError } from './errors.ts'
import { CountTokensRequest, MessagesRequest } from './schema.ts'
import { MessageAnswer, MessageStreamEvent, ModelInfo, ModelPage, TokenCount } from './schema-answers.ts'

// What the API's description says of the routes.

export const MESSAGES = describeOperation({
  id: 'createMessage',
  tag: 'Anthropic',
  summary: 'Answer a conversation',
  description:
    'Streams server-sent events with `"stream": true`; one with an `error` event and without `message_stop` failed. Every `anthropic-version` and `anthropic-beta` is accepted. The header `x-clinvk-profile` asks for another profile and `x-clinvk-workdir` for a folder, within what the operator allows. `x-clinvk-replay: off` runs a request that equals one that failed within the last two minutes; without it the same failure is the answer. The answer names the backend in `x-clinvk-backend`, what it began on in `x-clinvk-start`, its wait in the queue in `x-clinvk-wait` (ms; both absent where headers go out before), and what had no effect in `x-clinvk-without-effect`.',
  body: MessagesRequest,
  answer: {
    description: 'The answer.',
    content: { 'application/json': MessageAnswer, 'text/event-stream': MessageStreamEvent },
  },
  error: AnthropicError,
  problems: [400, 401, 402, 403, 404, 408, 409, 413, 415, 429, 500, 502, 503, 504, 529],
})

export const COUNT = describeOperation({
  id: 'countMessageTokens',
  tag: 'Anthropic',
  summary: 'Count the tokens of a conversation',
  description:
    'Tells how many tokens a conversation has, without asking the model. Claude Code lets its provider count; other agents cannot, and nothing is estimated here: they are answered with 404 and `not_found_error`, and clients go on without.',
  body: CountTokensRequest,
  answer: { description: 'The count.', content: { 'application/json': TokenCount } },
  error: AnthropicError,
  problems: [400, 401, 402, 403, 404, 408, 413, 415, 429, 500, 502, 503, 504],
})

export const LIST = describeOperation({
  id: 'listAnthropicModels',
  tag: 'Anthropic',
  summary: 'List the models',
  description:
    'Lists each backend that is ready, the models that it knows as `backend/model`, and the aliases.',
  query: {
    limit: 'Models of a page, 1 to 1000. Default: 20.',
    after_id: 'Begins after this model.',
    before_id: 'Ends before this model.',
  },
  answer: { description: 'A page of models.', content: { 'application/json': ModelPage } },
  error: AnthropicError,
  problems: [400, 401, 403, 429, 500],
})

export const FIND = describeOperation({
  id: 'getAnthropicModel',
  tag: 'Anthropic',
  summary: 'Find a model',
  params: { id: 'Its name.' },
  description: 'Tells of one model. A slash in its name may be written as it is or as %2F.',
  answer: { description: 'The model.', content: { 'application/json': ModelInfo } },
  error: AnthropicError,
  problems: [401, 403, 404, 429, 500],
})
