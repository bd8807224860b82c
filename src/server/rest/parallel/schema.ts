import { type Static, Type } from '@sinclair/typebox'
import { flag } from '../schema.ts'
import {
  count,
  durationMs,
  eventsOf,
  ofWhole,
  outcomeFields,
  taskFields,
  wholeDryRun,
} from '../tasks/schema.ts'

/** Most tasks of one request. */
const MAX_TASKS = 100
/** Most tasks that run at a time. */
export const MAX_PARALLEL = 32

const id = Type.Optional(
  Type.String({ minLength: 1, maxLength: 500, description: 'Its id of your own. The result repeats it.' }),
)
const name = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 500,
    description: 'Its name of your own. The result and every event repeat it.',
  }),
)

const ParallelTask = Type.Object(
  { ...taskFields, id, name },
  { $id: 'ParallelTask', additionalProperties: false, description: 'One of several prompts.' },
)

/** Body of `POST /api/v1/parallel`. */
export const ParallelRequest = Type.Object(
  {
    tasks: Type.Array(ParallelTask, {
      minItems: 1,
      maxItems: MAX_TASKS,
      description: `The prompts, ${MAX_TASKS} at most.`,
    }),
    max_parallel: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_PARALLEL,
        description: 'How many run at a time. Default: the configured parallel.max_workers.',
      }),
    ),
    fail_fast: flag(
      'Whether the first that fails cancels all others. Default: the configured parallel.fail_fast.',
    ),
    ...ofWhole,
  },
  {
    $id: 'ParallelRequest',
    additionalProperties: false,
    description: 'Several prompts to run side by side.',
    examples: [
      {
        tasks: [
          { backend: 'demo', prompt: 'hello' },
          { backend: 'demo', prompt: 'goodbye' },
        ],
      },
    ],
  },
)
export type ParallelRequest = Static<typeof ParallelRequest>

/** The JSON answer to `POST /api/v1/parallel`. */
export const ParallelResponse = Type.Object(
  {
    total_tasks: count('Tasks of the request: completed, failed and cancelled together.'),
    completed: count('Tasks that were answered.'),
    failed: count('Tasks that failed.'),
    cancelled: count('Tasks that were ended, or never begun.'),
    total_duration_ms: durationMs,
    results: Type.Array(
      Type.Object(
        { index: count('Its place in the request, from 0.'), id, name, ...outcomeFields },
        { $id: 'ParallelResult', description: 'What became of one task.' },
      ),
      { description: 'One for each task, in the order of the request.' },
    ),
    dry_run: wholeDryRun,
  },
  { $id: 'ParallelResponse', description: 'What became of all tasks.' },
)
export type ParallelResponse = Static<typeof ParallelResponse>

/** One event of a stream of tasks. */
export const ParallelEvent = eventsOf(
  'ParallelEvent',
  { task: count('The task that it belongs to, from 0.'), name },
  ParallelResponse,
)
