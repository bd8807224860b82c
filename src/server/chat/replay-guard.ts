import { ClinvkError } from '../../errors.ts'
import { markAgentRan } from './agent-ran.ts'

/**
 * Keeps runs that failed for a while. Some clients send a request that failed up to 30 times, whatever the answer
 * says; what they get then is the same failure, and no agent runs again.
 */
export interface ReplayGuard {
  /** Names what must be equal for two requests to count as one. */
  keyOf(headers: Headers, endpoint: string, model: string, sameness: unknown): Promise<string>
  /** The failure of an equal request, or undefined; always undefined where a header switches the guard off. */
  recall(key: string, headers: Headers): ClinvkError | undefined
  /** Gives the failure as it is to be told: nothing is gained by coming back before it is forgotten. */
  remember(key: string, error: ClinvkError): ClinvkError
  /** A run of the same request succeeded. */
  forget(key: string): void
}

/** The header that switches the guard off for a request: `off`. */
const REPLAY_HEADER = 'x-clinvk-replay'

/** `now` and `keepMs` are in ms; of `now` only differences count. `keepMs` 0: nothing is kept. */
export function createReplayGuard({
  keepMs = 120_000,
  most = 1000,
  now = () => performance.now(),
}: {
  keepMs?: number
  most?: number
  now?: () => number
} = {}): ReplayGuard {
  // In the order in which they were remembered, so the oldest are in front.
  const failures = new Map<string, { error: ClinvkError; until: number }>()
  const sweep = () => {
    for (const [key, { until }] of failures) {
      if (until > now() && failures.size <= most) return
      failures.delete(key)
    }
  }
  return {
    async keyOf(headers, endpoint, model, sameness) {
      // Of the headers only those that make it another caller's request, or another request.
      const own = IDENTITY.map((name) => headers.get(name))
      return await hash(JSON.stringify([own, endpoint, model, sameness]))
    },
    recall(key, headers) {
      sweep()
      if (headers.get(REPLAY_HEADER)?.trim().toLowerCase() === 'off') return undefined
      const found = failures.get(key)
      if (!found) return undefined
      if (isAbandoned(found.error) && !isRetry(headers) && found.until - now() < keepMs - ABANDONED_MS)
        return undefined
      return replayed(notBefore(found.error, found.until - now()))
    },
    remember(key, error) {
      if (keepMs === 0) return error
      failures.delete(key)
      failures.set(key, { error, until: now() + keepMs })
      sweep()
      return notBefore(error, keepMs)
    },
    forget: (key) => void failures.delete(key),
  }
}

const replays = new WeakSet<ClinvkError>()

/** Whether an error is one that was told before. */
export function isReplay(error: ClinvkError): boolean {
  return replays.has(error)
}

function replayed(error: ClinvkError): ClinvkError {
  const again = copyOf(error, {})
  replays.add(again)
  return again
}

/**
 * How long an abandoned request is taken for the client's own retry, in ms. They come within a few seconds; later it
 * is a person who asks again.
 */
const ABANDONED_MS = 15_000

function isAbandoned({ code }: ClinvkError): boolean {
  return code === 'cancelled'
}

/** The SDKs of OpenAI and Anthropic count their retries. */
function isRetry(headers: Headers): boolean {
  return Number(headers.get('x-stainless-retry-count') ?? 0) > 0
}

/** What an equal request is answered with after the client left. No client's rules make it try a 409 for long. */
export function abandoned(): ClinvkError {
  return markAgentRan(
    new ClinvkError(
      'cancelled',
      `The client left an equal request before it was answered, so it is not run again for a while. To run it at once, send the header ${REPLAY_HEADER}: off.`,
      { status: 409, retryable: false },
    ),
  )
}

/** The same error, telling to wait that long where it tells to wait less. */
function notBefore(error: ClinvkError, ms: number): ClinvkError {
  if (error.retryAfterMs === undefined || error.retryAfterMs >= ms) return error
  return copyOf(error, { retryAfterMs: ms })
}

function copyOf(error: ClinvkError, changes: { readonly retryAfterMs?: number }): ClinvkError {
  const { code, message, status, upstreamStatus, retryable, retryAfterMs, details } = error
  return markAgentRan(
    new ClinvkError(code, message, {
      status,
      retryable,
      details,
      cause: error.cause,
      ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...changes,
    }),
  )
}

const IDENTITY = ['authorization', 'x-api-key', 'api-key', 'x-clinvk-profile', 'x-clinvk-workdir']

async function hash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return Buffer.from(digest).toString('base64url')
}
