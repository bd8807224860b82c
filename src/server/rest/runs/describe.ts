import { describeOperation } from '../../operation.ts'
import { StreamEvent } from '../schema.ts'
import { Run, RunList } from './schema.ts'

const json = (schema: object) => ({ 'application/json': schema })
const id = { id: 'Its id.' }
const tag = 'Runs'

export const LIST = describeOperation({
  id: 'listRuns',
  tag,
  summary: 'List the runs',
  description: 'Lists what is and was executed for the key of the request, the last begun first.',
  query: {
    status: 'Only those with this status.',
    kind: 'Only those of this kind.',
    session_id: 'Only those of this session.',
    limit: 'How many, from 1 to 1000. Default: 20.',
    offset: 'How many to skip.',
  },
  answer: { description: 'A page of runs.', content: json(RunList) },
  problems: [400, 401, 403, 429, 500, 503],
})

export const FIND = describeOperation({
  id: 'getRun',
  tag,
  params: id,
  summary: 'Read a run',
  description: 'Tells how a run is, and its result once it is complete.',
  answer: { description: 'The run.', content: json(Run) },
  problems: [401, 403, 404, 429, 500, 503],
})

export const CANCEL = describeOperation({
  id: 'cancelRun',
  tag,
  params: id,
  summary: 'Cancel a run',
  description: 'Ends a run that is under way. One that is over stays as it is.',
  answer: { description: 'The run.', content: json(Run) },
  problems: [401, 403, 404, 429, 500, 503],
})

export const EVENTS = describeOperation({
  id: 'getRunEvents',
  tag,
  params: id,
  summary: 'Follow a run',
  description:
    'Streams the events of a run from its start, live to its end, as server-sent events, or as JSON lines with `Accept: application/x-ndjson`. Whoever comes back with the `sequence` of the last event that it has, in the header `Last-Event-ID` or in `after`, gets what follows: none missing, none twice. The stream ends with `done`, or with `error`.',
  query: { after: 'Number of the last event that the client has.' },
  answer: {
    description: 'The events.',
    content: { 'text/event-stream': StreamEvent, 'application/x-ndjson': StreamEvent },
  },
  problems: [400, 401, 403, 404, 429, 500, 503],
})
