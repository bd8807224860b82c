import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { words } from '../../words.ts'
import { ChainResponse } from '../chain/schema.ts'
import { CompareResponse } from '../compare/schema.ts'
import { ParallelResponse } from '../parallel/schema.ts'
import { PromptResponse } from '../schema.ts'

const text = (description: string) => Type.String({ description })
const maybe = <T extends TSchema>(schema: T) => Type.Optional(schema)

const STATUSES = ['running', 'completed', 'failed', 'cancelled', 'interrupted'] as const

/** A run. */
export const Run = Type.Object(
  {
    id: text('Its id.'),
    kind: words(['prompt', 'parallel', 'chain', 'compare', 'task', 'chat', 'response'], {
      description:
        'What it executes. task: one of several prompts. chat: a request of the OpenAI or Anthropic API; of both no events are kept. response: one that the Responses API makes in the background, and tells.',
    }),
    run_id: maybe(text('The run that it is part of, of a task.')),
    response_id: maybe(text('The response, of one in the background.')),
    tasks: maybe(Type.Integer({ description: 'How many prompts it has, of several prompts.' })),
    status: words(STATUSES, { description: 'interrupted: the server ended in the middle of it.' }),
    session_id: maybe(text('The session, of a prompt.')),
    backend: maybe(text('The backend, of a prompt.')),
    model: maybe(text('The model that was asked for.')),
    prompt: maybe(text('The beginning of the prompt.')),
    metadata: maybe(
      Type.Record(Type.String(), Type.Unknown(), { description: 'The metadata of the request.' }),
    ),
    created_at: Type.String({ format: 'date-time', description: 'When it began.' }),
    ended_at: maybe(Type.String({ format: 'date-time', description: 'When it ended.' })),
    event_count: Type.Integer({ description: 'Events that are kept of it.' }),
    error: maybe(
      Type.Object(
        {
          code: text('The kind of error.'),
          message: text('What was wrong.'),
          status: Type.Integer({ description: 'The HTTP status that it stands for.' }),
          retryable: Type.Boolean({ description: 'Whether the same may succeed later.' }),
        },
        { description: 'Why it failed.' },
      ),
    ),
    result: maybe(
      Type.Union([PromptResponse, ParallelResponse, ChainResponse, CompareResponse], {
        description: 'The answer, where it is complete and kept. Not in lists.',
      }),
    ),
  },
  { $id: 'Run', description: 'Something that is or was executed.' },
)
export type Run = Static<typeof Run>

/** The answer to `GET /api/v1/runs`. */
export const RunList = Type.Object(
  {
    runs: Type.Array(Run, { description: 'The last begun first.' }),
    total: Type.Integer({ description: 'All that match.' }),
    limit: Type.Integer({ description: 'How many a page has.' }),
    offset: Type.Integer({ description: 'How many were skipped.' }),
  },
  { $id: 'RunList', description: 'A page of runs.' },
)
export type RunList = Static<typeof RunList>
