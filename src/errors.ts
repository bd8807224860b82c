/**
 * The one error type of clinvk and the one table that gives each code its HTTP status.
 *
 * Inside, code throws `ClinvkError`; each surface encodes it once (problem+json, an OpenAI error,
 * an Anthropic error, a line on the terminal). Anything else that is thrown is a bug and leaves the
 * process as `internal`, without its message.
 */

/** What can go wrong, with the HTTP status and the short title that go with it. */
export const ERROR_TABLE = {
  invalid_request: { status: 400, title: 'Invalid request' },
  invalid_json: { status: 400, title: 'Malformed JSON' },
  unsupported_option: { status: 400, title: 'Option not supported by this backend' },
  invalid_workdir: { status: 400, title: 'Invalid working directory' },
  unauthorized: { status: 401, title: 'API key missing or wrong' },
  forbidden: { status: 403, title: 'Refused' },
  host_refused: { status: 403, title: 'Host refused' },
  origin_refused: { status: 403, title: 'Origin refused' },
  workdir_refused: { status: 403, title: 'Working directory refused' },
  /** Not a status that the agents try again after. */
  agent_loop: { status: 400, title: 'An agent asks its own server' },
  route_not_found: { status: 404, title: 'No such route' },
  backend_not_found: { status: 404, title: 'Unknown backend' },
  session_not_found: { status: 404, title: 'Unknown session' },
  run_not_found: { status: 404, title: 'Unknown run' },
  model_not_found: { status: 404, title: 'Unknown model' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  request_timeout: { status: 408, title: 'Request not received in time' },
  session_busy: { status: 409, title: 'Session busy' },
  idempotency_conflict: { status: 409, title: 'Idempotency key used before' },
  payload_too_large: { status: 413, title: 'Request too large' },
  unsupported_media_type: { status: 415, title: 'Unsupported media type' },
  rate_limited: { status: 429, title: 'Too many requests' },
  /** As many prompts wait for an agent as may. Nothing was run. */
  queue_full: { status: 429, title: 'Too many prompts' },
  cancelled: { status: 499, title: 'Cancelled' },
  /** The process that executed it ended in the middle of it. */
  run_interrupted: { status: 500, title: 'Run interrupted' },
  internal: { status: 500, title: 'Internal error' },
  cannot_listen: { status: 500, title: 'Cannot listen' },
  service_failed: { status: 500, title: 'The service manager failed' },
  config_invalid: { status: 500, title: 'Invalid configuration' },
  /** The agent ended, broke its protocol or failed in a way that names no upstream status. */
  agent_failed: { status: 502, title: 'The agent failed' },
  agent_crashed: { status: 502, title: 'The agent process ended' },
  agent_protocol: { status: 502, title: 'The agent broke its protocol' },
  /** The model did not keep to the form that its answer was to have. */
  answer_invalid: { status: 502, title: 'The answer does not fit' },
  backend_disabled: { status: 503, title: 'Backend disabled' },
  backend_not_installed: { status: 503, title: 'Agent not installed' },
  backend_not_ready: { status: 503, title: 'Agent not ready' },
  /** Sessions and runs cannot be kept: the disk is full, the file damaged or not ours to write. */
  store_failed: { status: 503, title: 'The store failed' },
  shutting_down: { status: 503, title: 'Shutting down' },
  timeout: { status: 504, title: 'Timed out' },
  /** What the model provider answered to the agent. The status is the provider's own. */
  not_logged_in: { status: 401, title: 'The agent is not logged in' },
  upstream_auth: { status: 401, title: 'The provider refused the login' },
  upstream_billing: { status: 402, title: 'The provider refused for billing' },
  upstream_forbidden: { status: 403, title: 'The provider refused' },
  upstream_rate_limited: { status: 429, title: 'The provider limits the rate' },
  upstream_overloaded: { status: 529, title: 'The provider is overloaded' },
  upstream_invalid_request: { status: 400, title: 'The provider refused the request' },
  context_too_long: { status: 400, title: 'The context is too long for the model' },
  upstream_error: { status: 502, title: 'The provider failed' },
} as const satisfies Record<string, { status: number; title: string }>

/** A code of {@link ERROR_TABLE}. */
export type ErrorCode = keyof typeof ERROR_TABLE

/** What an error may carry besides its code and message. */
export interface ErrorOptions {
  /** HTTP status to answer with; by default the code's own. */
  readonly status?: number
  /** HTTP status that the model provider gave the agent, where one is known. */
  readonly upstreamStatus?: number
  /** Whether the same request may succeed later without being changed. */
  readonly retryable?: boolean
  /** How long to wait before trying again, in ms, where the provider or we know. */
  readonly retryAfterMs?: number
  /** Further members for the client, flat and JSON-serializable. Never anything internal. */
  readonly details?: Readonly<Record<string, unknown>>
  /** For our own log; never sent. */
  readonly cause?: unknown
}

/** An error that may be shown to people: what was wrong, where, what to do. */
export class ClinvkError extends Error {
  readonly code: ErrorCode
  readonly status: number
  readonly upstreamStatus: number | undefined
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ClinvkError'
    this.code = code
    this.status = options.status ?? ERROR_TABLE[code].status
    this.upstreamStatus = options.upstreamStatus
    this.retryable = options.retryable ?? RETRYABLE.has(this.status)
    this.retryAfterMs = options.retryAfterMs
    this.details = options.details ?? {}
  }
}

/** Nothing more is begun here, or what was under way did not end in time. */
export function shuttingDown(retryAfterMs?: number): ClinvkError {
  return new ClinvkError('shutting_down', 'The server is shutting down.', {
    retryable: true,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

/** Wraps whatever was thrown: a `ClinvkError` stays itself, everything else becomes `internal`. */
export function toClinvkError(thrown: unknown): ClinvkError {
  if (thrown instanceof ClinvkError) return thrown
  return new ClinvkError('internal', 'Something went wrong inside clinvk. Its log says more.', {
    cause: thrown,
  })
}

/** What an agent told of a failed call to its model provider. */
export interface UpstreamFailure {
  /** HTTP status of the provider, where the agent tells it. */
  readonly status?: number | undefined
  /** The provider's own words. */
  readonly message: string
  readonly retryAfterMs?: number | undefined
}

/**
 * The error for a provider's refusal as an agent reports it. The provider's status is kept as ours,
 * so that a client of ours sees what a client of the provider would.
 */
export function fromUpstream(backend: string, failure: UpstreamFailure): ClinvkError {
  const code = upstreamCode(failure)
  const status =
    failure.status !== undefined && failure.status >= 400 && failure.status <= 599
      ? failure.status
      : undefined
  return new ClinvkError(code, `${backend}: ${failure.message}`, {
    ...(status === undefined || code === 'not_logged_in' ? {} : { status }),
    ...(failure.status === undefined ? {} : { upstreamStatus: failure.status }),
    ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
    details: { backend },
  })
}

const RETRYABLE: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504, 529])

// The wording is the providers': Anthropic "prompt is too long", OpenAI "context_length_exceeded" and
// "maximum context length", Gemini "input token count … exceeds the maximum".
const CONTEXT_TOO_LONG =
  /prompt is too long|context[_ ]length|context window|maximum context|input token count.*exceeds/i

function upstreamCode({ status, message }: UpstreamFailure): ErrorCode {
  if ((status === undefined || status === 400 || status === 413) && CONTEXT_TOO_LONG.test(message))
    return 'context_too_long'
  switch (status) {
    case 400:
    case 422:
      return 'upstream_invalid_request'
    case 401:
      return 'upstream_auth'
    case 402:
      return 'upstream_billing'
    case 403:
      return 'upstream_forbidden'
    case 404:
      return /model/i.test(message) ? 'model_not_found' : 'upstream_error'
    case 429:
      return 'upstream_rate_limited'
    case 529:
      return 'upstream_overloaded'
    default:
      return 'upstream_error'
  }
}
