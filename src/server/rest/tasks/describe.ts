import { describeOperation } from '../../operation.ts'
import { ChainEvent, ChainRequest, ChainResponse } from '../chain/schema.ts'
import { CompareEvent, CompareRequest, CompareResponse } from '../compare/schema.ts'
import { ParallelEvent, ParallelRequest, ParallelResponse } from '../parallel/schema.ts'

const FORMS =
  'Everything is checked before anything runs: one wrong field, unknown backend or refused folder refuses the whole, with its path. After that the status is 200 and the answer tells what became of each. Streams server-sent events with `Accept: text/event-stream` or `"stream": true`, JSON lines with `Accept: application/x-ndjson` or `"output_format": "stream-json"`; the last event is a `done` or `error` that belongs to none of them, and the content of that `done` is the JSON answer. White space may stand before a JSON answer that takes long. A client that leaves cancels all.'

const answer = (description: string, response: object, event: object) => ({
  description,
  content: { 'application/json': response, 'text/event-stream': event, 'application/x-ndjson': event },
})
const about = (summary: string, description: string) => ({
  tag: 'Prompts',
  summary,
  description: `${description} ${FORMS}`,
  problems: [400, 401, 403, 404, 408, 413, 415, 429, 500, 503] as const,
})

export const PARALLEL = describeOperation({
  id: 'parallel',
  ...about('Run several prompts side by side', 'Runs several prompts, some at a time.'),
  body: ParallelRequest,
  answer: answer('What became of all tasks.', ParallelResponse, ParallelEvent),
})

export const CHAIN = describeOperation({
  id: 'chain',
  ...about(
    'Run prompts that build on each other',
    'Runs prompts one after another; each may have the answers of those before in it.',
  ),
  body: ChainRequest,
  answer: answer('What became of all steps.', ChainResponse, ChainEvent),
})

export const COMPARE = describeOperation({
  id: 'compare',
  ...about('Ask several backends the same', 'Gives one prompt to several backends.'),
  body: CompareRequest,
  answer: answer('The answers of all backends.', CompareResponse, CompareEvent),
})
