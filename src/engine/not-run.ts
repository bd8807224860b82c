import { ClinvkError } from '../errors.ts'

const notRun = new WeakSet<ClinvkError>()

/**
 * Notes that nothing of a turn had been run when it failed, so that the same request once more costs nothing. The error is
 * a copy: others may have failed for the same reason in the middle of their work.
 */
export function markNotRun(error: ClinvkError): ClinvkError {
  const { code, message, status, upstreamStatus, retryable, retryAfterMs, details, cause } = error
  const copy = new ClinvkError(code, message, {
    status,
    retryable,
    details,
    cause,
    ...(upstreamStatus === undefined ? {} : { upstreamStatus }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
  notRun.add(copy)
  return copy
}

/** Whether a turn failed before anything of it was run: it waited for its session, or in the queue. */
export function wasNotRun(error: ClinvkError): boolean {
  return notRun.has(error)
}
