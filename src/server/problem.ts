import { type Static, Type } from '@sinclair/typebox'
import { type ClinvkError, ERROR_TABLE } from '../errors.ts'
import { words } from './words.ts'

/** One field of a request that is wrong. */
const FieldError = Type.Object(
  {
    path: Type.String({ description: 'The field, such as prompt or images[0].data.' }),
    message: Type.String({ description: 'What is wrong with it and what is expected.' }),
  },
  { description: 'One field of the request that is wrong.' },
)

/** The one shape of an error (RFC 9457). */
export const Problem = Type.Object(
  {
    type: Type.String({ description: 'Name of the kind of error: urn:clinvk:error: and the code.' }),
    title: Type.String({ description: 'The kind of error in words.' }),
    status: Type.Integer({
      description:
        'HTTP status. An error of the model provider keeps the status that the provider gave, such as 529.',
    }),
    detail: Type.String({ description: 'What was wrong here, and what to do about it.' }),
    code: words(Object.keys(ERROR_TABLE), { description: 'The kind of error, for programs.' }),
    instance: Type.String({
      description: 'Names this one request: urn:uuid: and the id that X-Request-Id carries.',
    }),
    retryable: Type.Boolean({ description: 'Whether the same request may succeed later, unchanged.' }),
    retry_after_ms: Type.Optional(
      Type.Integer({ description: 'How long to wait before trying again, in ms, where known.' }),
    ),
    upstream_status: Type.Optional(
      Type.Integer({
        description: 'HTTP status that the model provider gave the agent, where there is one.',
      }),
    ),
    backend: Type.Optional(Type.String({ description: 'The backend that failed, where one did.' })),
    errors: Type.Optional(
      Type.Array(FieldError, { description: 'Every field that is wrong, for a request that is not valid.' }),
    ),
  },
  {
    $id: 'Problem',
    description: 'An error. Some kinds have further members of their own.',
    additionalProperties: true,
  },
)
export type Problem = Static<typeof Problem>

/** An error of one of several tasks: it belongs to no request of its own. */
export const TaskProblem = Type.Object(
  { ...Type.Omit(Problem, ['instance']).properties },
  { $id: 'TaskProblem', description: 'Why a task failed or was cancelled.', additionalProperties: true },
)
export type TaskProblem = Static<typeof TaskProblem>

export function toTaskProblem(error: ClinvkError): TaskProblem {
  const { instance: _, ...problem } = toProblem(error, '')
  return problem
}

/** Encodes an error for the client: its message and details, never its cause. `id` is the request's. */
export function toProblem(error: ClinvkError, id: string): Problem {
  const members = {
    type: `urn:clinvk:error:${error.code}`,
    title: ERROR_TABLE[error.code].title,
    status: error.status,
    detail: error.message,
    code: error.code,
    instance: `urn:uuid:${id}`,
    retryable: error.retryable,
    ...(error.retryAfterMs === undefined ? {} : { retry_after_ms: error.retryAfterMs }),
    ...(error.upstreamStatus === undefined ? {} : { upstream_status: error.upstreamStatus }),
  }
  // Details come after, but may not take another's name.
  return { ...members, ...error.details, ...members }
}
