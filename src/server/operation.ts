import { Problem } from './problem.ts'

/** What the API's description says of a route, besides its body. */
export interface OperationText {
  readonly id: string
  readonly tag: string
  readonly summary: string
  readonly description: string
  readonly answer: {
    readonly description: string
    /** JSON Schema of each media type. */
    readonly content: Readonly<Record<string, object>>
  }
  /** Statuses of the errors it may answer. */
  readonly problems: readonly (keyof typeof MEANINGS)[]
  /** JSON Schema of the body, where the framework isn't told of it. */
  readonly body?: object
  /** Parameters of the path, with what they are. */
  readonly params?: Readonly<Record<string, string>>
  /** Parameters of the query, with what they are; all may be left out. */
  readonly query?: Readonly<Record<string, string>>
  /** The dialect's own form of an error. By default a problem. */
  readonly error?: object
  /** Needs no API key. */
  readonly open?: boolean
}

/** A route's part of the OpenAPI document. Answers are described here, not checked at run time. */
export function describeOperation(text: OperationText) {
  const { id, tag, summary, description, answer, problems, open, body, error, params = {}, query = {} } = text
  const errors = problems.map((status) => [
    status,
    {
      description: MEANINGS[status],
      content: error
        ? { 'application/json': { schema: error } }
        : { 'application/problem+json': { schema: Problem } },
    },
  ])
  return {
    operationId: id,
    tags: [tag],
    summary,
    description,
    ...(open ? { security: [] } : {}),
    ...(Object.keys({ ...params, ...query }).length === 0
      ? {}
      : { parameters: [...toParameters(params, 'path'), ...toParameters(query, 'query')] }),
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: body } } } } : {}),
    responses: {
      200: {
        description: answer.description,
        headers: {
          'X-Request-Id': { description: 'Id of the request.', schema: { type: 'string' as const } },
        },
        content: Object.fromEntries(
          Object.entries(answer.content).map(([type, schema]) => [type, { schema }]),
        ),
      },
      ...Object.fromEntries(errors),
    },
  }
}

function toParameters(described: Readonly<Record<string, string>>, place: 'path' | 'query') {
  return Object.entries(described).map(([name, description]) => ({
    name,
    in: place,
    required: place === 'path',
    description,
    schema: { type: 'string' as const },
  }))
}

const MEANINGS = {
  400: 'The request is not valid: broken JSON, a wrong or unknown field, an option that the backend lacks, a folder that does not exist; or the model provider found it so.',
  401: 'The API key is missing or wrong, or the agent is not logged in.',
  402: 'The model provider refused for billing.',
  403: 'Host, Origin, folder or flag are refused; or the model provider refused.',
  404: 'There is no such backend, session or model.',
  408: 'The body did not arrive in time.',
  409: 'The session is busy with another prompt.',
  413: 'The body is too large.',
  415: 'The body is not JSON, or in an unknown encoding.',
  429: 'Too many requests, to this server or to the model provider; or as many prompts wait for the agent as may.',
  500: 'Something is wrong inside clinvk.',
  502: 'The agent or its model provider failed.',
  503: 'The backend is not installed, not ready or disabled, or the server is shutting down.',
  504: 'The agent took too long.',
  529: 'The model provider is overloaded.',
} as const
