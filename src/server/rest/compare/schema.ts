import { type Static, Type } from '@sinclair/typebox'
import { flag } from '../schema.ts'
import { durationMs, eventsOf, ofWhole, outcomeFields, taskFields, wholeDryRun } from '../tasks/schema.ts'

/** Most backends of one comparison. */
const MAX_BACKENDS = 20

// A session and its turns belong to one backend.
const { backend: _, session_id: __, on_busy: ___, ...ofPrompt } = taskFields

/** Body of `POST /api/v1/compare`. */
export const CompareRequest = Type.Object(
  {
    ...ofPrompt,
    backends: Type.Array(Type.String({ minLength: 1 }), {
      minItems: 1,
      maxItems: MAX_BACKENDS,
      description: `Names of the backends, ${MAX_BACKENDS} at most and none twice.`,
    }),
    sequential: flag('Whether they answer one after another. Default: all at once.'),
    ...ofWhole,
  },
  {
    $id: 'CompareRequest',
    additionalProperties: false,
    description: 'One prompt for several backends.',
    examples: [{ prompt: 'hello', backends: ['demo'] }],
  },
)
export type CompareRequest = Static<typeof CompareRequest>

/** The JSON answer to `POST /api/v1/compare`. */
export const CompareResponse = Type.Object(
  {
    prompt: Type.String({ description: 'The prompt.' }),
    backends: Type.Array(Type.String(), { description: 'The backends, as in the request.' }),
    results: Type.Array(
      Type.Object(outcomeFields, { $id: 'CompareResult', description: 'What became of it on one backend.' }),
      { description: 'One for each backend, in the order of the request.' },
    ),
    total_duration_ms: durationMs,
    dry_run: wholeDryRun,
  },
  { $id: 'CompareResponse', description: 'The answers of all backends.' },
)
export type CompareResponse = Static<typeof CompareResponse>

/** One event of a stream of several backends: each event of a turn names its backend anyway. */
export const CompareEvent = eventsOf('CompareEvent', {}, CompareResponse)
