/** What bodies and answers of several prompts have in common. */
import { type Static, type TObject, type TProperties, Type } from '@sinclair/typebox'
import { Problem, TaskProblem } from '../../problem.ts'
import { words } from '../../words.ts'
import { DryRunResponse, flag, PromptRequest, PromptResponse, StreamEvent } from '../schema.ts'

const {
  stream,
  output_format: outputFormat,
  dry_run: dryRun,
  background,
  on_disconnect: onDisconnect,
  ...ofPrompt
} = PromptRequest.properties

/** How the answer to the whole is told. */
export const ofWhole = {
  stream,
  output_format: outputFormat,
  background,
  on_disconnect: onDisconnect,
  dry_run: flag('Whether only to check everything and tell what would be run.'),
}

/** A prompt among others: it has no stream of its own. */
export const taskFields = {
  ...ofPrompt,
  output_format: Type.Optional(
    words(['default', 'text', 'json'], {
      description: 'All three are the same here: the request as a whole says how its answer is told.',
    }),
  ),
  dry_run: dryRun,
}

/** Body of any of several prompts. */
export type TaskBody = Static<TObject<typeof taskFields>>

const { id: runId, session_id: sessionId, backend, ...ofAnswer } = PromptResponse.properties

/** What became of one of several prompts: with `completed` all that an answer has, else the error. */
export const outcomeFields = {
  status: words(['completed', 'failed', 'cancelled'], {
    description: 'What became of it. cancelled: it was ended, or never begun.',
  }),
  run_id: Type.Optional({ ...runId, description: 'Id of its turn, where it was begun.' }),
  session_id: Type.Optional(sessionId),
  backend,
  ...Type.Partial(Type.Object(ofAnswer)).properties,
  error: Type.Optional(TaskProblem),
  dry_run: Type.Optional(
    Type.Literal(true, { description: 'Nothing was run; further members say what would be.' }),
  ),
}
export type TaskResult = Static<TObject<typeof outcomeFields>>

/** With `dry_run`, whatever else an answer has. */
export const wholeDryRun = Type.Optional(Type.Literal(true, { description: 'Nothing was run.' }))

export const count = (description: string) => Type.Integer({ description })

export const durationMs = Type.Integer({ description: 'How long all of it took, in ms.' })

const head = {
  timestamp: Type.String({ description: 'When, in RFC 3339.' }),
  sequence: Type.Integer({ description: 'Number of the event in the whole stream, from 1. The id of SSE.' }),
}

/** The events of a stream of several prompts: `label` is what the events of each have besides. */
export function eventsOf<A extends TObject>($id: string, label: TProperties, answer: A) {
  const labels = Type.Object(label, { description: 'Which one it belongs to.' })
  return Type.Union(
    [
      Type.Intersect([StreamEvent, labels], {
        description: 'An event of one of them, as of the stream of a single prompt.',
      }),
      Type.Object(
        {
          type: words(['done', 'error'], { description: 'How it ended.' }),
          backend,
          session_id: Type.Optional(sessionId),
          ...head,
          ...label,
          content: Type.Union([TaskProblem, DryRunResponse], {
            description: 'Why it was not completed; with dry_run what would be run.',
          }),
        },
        { description: 'One of them has ended without an answer.' },
      ),
      Type.Object(
        {
          type: Type.Literal('progress', { description: 'What happened.' }),
          ...head,
          content: Type.Object(
            {
              kind: Type.Literal('heartbeat', { description: 'Nothing happened for a while.' }),
              message: Type.String({ description: 'The same for people.' }),
            },
            { description: 'The sign.' },
          ),
        },
        { description: 'A sign of life.' },
      ),
      Type.Object(
        { type: Type.Literal('error', { description: 'What happened.' }), ...head, content: Problem },
        { description: 'All of it was ended. The last event.' },
      ),
      Type.Object(
        { type: Type.Literal('done', { description: 'What happened.' }), ...head, content: answer },
        { description: 'All have ended. The last event; its content is the whole answer.' },
      ),
    ],
    { $id, description: 'One event of a stream of several prompts.' },
  )
}
