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

/** Most steps of one chain. */
const MAX_STEPS = 50

const name = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 500,
    description: 'Its name, for {{steps.NAME.output}} in later prompts. Not twice in a chain.',
  }),
)

const ChainStep = Type.Object(
  {
    ...taskFields,
    prompt: Type.String({
      minLength: 1,
      description:
        'What to say to the agent. {{previous}} is the answer of the step before (in the first step the input), {{input}} the input, {{steps.NAME.output}} the answer of an earlier step.',
    }),
    name,
  },
  { $id: 'ChainStep', additionalProperties: false, description: 'One prompt of a chain.' },
)

/** Body of `POST /api/v1/chain`. */
export const ChainRequest = Type.Object(
  {
    steps: Type.Array(ChainStep, {
      minItems: 1,
      maxItems: MAX_STEPS,
      description: `The prompts, ${MAX_STEPS} at most.`,
    }),
    input: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'A text for {{input}} in the prompts; it is not looked into.',
      }),
    ),
    stop_on_failure: flag(
      'Whether a step that is not completed ends the chain (default). Without, the steps that do not refer to it go on.',
    ),
    pass_working_dir: flag('Whether a step without workdir works where the one before does.'),
    pass_session: flag(
      'Whether a step goes on in the session of an earlier one with the same backend and folder, unless it has session_id, title, tags or ephemeral.',
    ),
    ...ofWhole,
  },
  {
    $id: 'ChainRequest',
    additionalProperties: false,
    description: 'Prompts that build on each other.',
    examples: [
      {
        steps: [
          { backend: 'demo', prompt: 'hello' },
          { backend: 'demo', prompt: 'Improve this: {{previous}}' },
        ],
      },
    ],
  },
)
export type ChainRequest = Static<typeof ChainRequest>

/** The JSON answer to `POST /api/v1/chain`. */
export const ChainResponse = Type.Object(
  {
    total_steps: count('Steps of the request.'),
    completed_steps: count('Steps that were answered.'),
    failed_step: Type.Union([Type.Integer(), Type.Null()], {
      description: 'The first step that was not completed, from 0; null where all were.',
    }),
    total_duration_ms: durationMs,
    results: Type.Array(
      Type.Object(
        { index: count('Its place in the chain, from 0.'), name, ...outcomeFields },
        { $id: 'ChainResult', description: 'What became of one step.' },
      ),
      { description: 'One for each step, in their order.' },
    ),
    dry_run: wholeDryRun,
  },
  { $id: 'ChainResponse', description: 'What became of all steps.' },
)
export type ChainResponse = Static<typeof ChainResponse>

/** One event of a stream of steps. */
export const ChainEvent = eventsOf(
  'ChainEvent',
  { step: count('The step that it belongs to, from 0.'), name },
  ChainResponse,
)
